/** Counts of an engine, cheap to add to, and their sum over engines in Prometheus' text format. */
/** Upper bounds of the duration histogram, ms. */
const BUCKETS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const

/** One route's counts. Plain numbers: an engine writes only its own. */
export class RouteMetrics {
  /** By status class: index 1 to 5; 0 is a client that went away. */
  readonly byClass = [0, 0, 0, 0, 0, 0]
  readonly buckets: number[] = BUCKETS_MS.map(() => 0)
  count = 0
  sumMs = 0

  record(status: number, durationMs: number): void {
    this.byClass[status === 499 ? 0 : (status / 100) | 0]!++
    this.count++
    this.sumMs += durationMs
    for (let i = 0; i < BUCKETS_MS.length; i++) {
      if (durationMs <= BUCKETS_MS[i]!) {
        this.buckets[i]!++
        break
      }
    }
  }
}

/** What an engine reports. */
export interface EngineMetrics {
  /** Null: what engines that have ended had counted. */
  readonly engine: number | null
  readonly routes: Readonly<Record<string, RouteMetrics>>
  /** Open client connections by listener. */
  readonly connections: Readonly<Record<string, number>>
  readonly tunnels: { readonly open: number; readonly bytesIn: number; readonly bytesOut: number }
  readonly refused: Readonly<Record<string, number>>
  readonly webhooks: Readonly<Record<string, number>>
}

export interface ProcessMetrics {
  readonly revision: number
  readonly engines: readonly EngineMetrics[]
  readonly certificates: CertificateMetrics
  readonly store: StoreMetrics
}

export interface StoreMetrics {
  readonly messages: number
  /** By state. */
  readonly deliveries: Readonly<Record<string, number>>
  /** On disk. */
  readonly bytes: number
}

/** Of certificates that are ordered, by name. */
export interface CertificateMetrics {
  /** Wall clock, ms. */
  readonly expiresAt: Readonly<Record<string, number>>
  readonly issued: Readonly<Record<string, number>>
  readonly failed: Readonly<Record<string, number>>
}

const CLASS_NAMES = ['aborted', '1xx', '2xx', '3xx', '4xx', '5xx']

/** Prometheus' text format 0.0.4. Made on demand: nothing of it exists between scrapes. */
export function exposition({ revision, engines, certificates, store }: ProcessMetrics): string {
  const out: string[] = []
  const family = (name: string, type: string, help: string) =>
    out.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
  const sample = (name: string, labels: Readonly<Record<string, string | number>>, value: number) => {
    const pairs = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(String(label))}"`)
    out.push(`${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`)
  }
  const sumOf = (pick: (engine: EngineMetrics) => Readonly<Record<string, number>>) =>
    Object.entries(sums(engines, pick))
  const routes = sumRoutes(engines)

  family('postern_revision', 'gauge', 'Revision of the configuration in force.')
  sample('postern_revision', {}, revision)
  family('postern_connections', 'gauge', 'Open client connections by listener.')
  for (const [listener, open] of sumOf((engine) => engine.connections))
    sample('postern_connections', { listener }, open)
  family('postern_engine_connections', 'gauge', 'Open client connections by engine thread.')
  for (const { engine, connections } of engines) {
    const open = Object.values(connections).reduce((sum, n) => sum + n, 0)
    if (engine !== null) sample('postern_engine_connections', { engine }, open)
  }
  const tunnels = (pick: (one: EngineMetrics['tunnels']) => number) =>
    engines.reduce((sum, engine) => sum + pick(engine.tunnels), 0)
  family('postern_tunnels', 'gauge', 'Open tunnels, as WebSockets are.')
  sample(
    'postern_tunnels',
    {},
    tunnels(({ open }) => open),
  )
  family('postern_tunnel_bytes_total', 'counter', 'Bytes through tunnels, from clients (in) and to them (out).')
  sample(
    'postern_tunnel_bytes_total',
    { direction: 'in' },
    tunnels(({ bytesIn }) => bytesIn),
  )
  sample(
    'postern_tunnel_bytes_total',
    { direction: 'out' },
    tunnels(({ bytesOut }) => bytesOut),
  )
  family('postern_requests_total', 'counter', 'Exchanges by route and class of status.')
  for (const [route, one] of routes) {
    one.byClass.forEach((count, i) => {
      if (count > 0) sample('postern_requests_total', { route, class: CLASS_NAMES[i]! }, count)
    })
  }
  family('postern_request_duration_seconds', 'histogram', 'From the head of the request to the end of the answer.')
  for (const [route, one] of routes) {
    let below = 0
    BUCKETS_MS.forEach((ms, i) => {
      below += one.buckets[i]!
      sample('postern_request_duration_seconds_bucket', { route, le: ms / 1_000 }, below)
    })
    sample('postern_request_duration_seconds_bucket', { route, le: '+Inf' }, one.count)
    sample('postern_request_duration_seconds_sum', { route }, one.sumMs / 1_000)
    sample('postern_request_duration_seconds_count', { route }, one.count)
  }
  family('postern_refused_total', 'counter', 'Bytes that were no request, by problem.')
  for (const [code, count] of sumOf((engine) => engine.refused)) sample('postern_refused_total', { code }, count)
  family('postern_webhooks_total', 'counter', 'Messages and attempts by what became of them.')
  for (const [event, count] of sumOf((engine) => engine.webhooks)) sample('postern_webhooks_total', { event }, count)
  family('postern_certificate_expiry_timestamp_seconds', 'gauge', 'When an ordered certificate ends, Unix time.')
  for (const [name, at] of Object.entries(certificates.expiresAt))
    sample('postern_certificate_expiry_timestamp_seconds', { name }, Math.floor(at / 1_000))
  family('postern_certificate_orders_total', 'counter', 'Orders of certificates by name and outcome.')
  for (const outcome of ['issued', 'failed'] as const)
    for (const [name, count] of Object.entries(certificates[outcome]))
      sample('postern_certificate_orders_total', { name, outcome }, count)
  family('postern_store_bytes', 'gauge', 'Size of the store on disk.')
  sample('postern_store_bytes', {}, store.bytes)
  family('postern_store_messages', 'gauge', 'Messages in the store.')
  sample('postern_store_messages', {}, store.messages)
  family('postern_store_deliveries', 'gauge', 'Deliveries in the store by state.')
  for (const [state, count] of Object.entries(store.deliveries)) sample('postern_store_deliveries', { state }, count)
  return out.join('\n') + '\n'
}

/** As one: counters go on from what engines that are gone had counted; what was open with them is not any more. */
export function whatEndedEnginesCounted(engines: readonly EngineMetrics[]): EngineMetrics {
  const sumOf = (pick: (one: EngineMetrics['tunnels']) => number) =>
    engines.reduce((sum, { tunnels }) => sum + pick(tunnels), 0)
  return {
    engine: null,
    routes: Object.fromEntries(sumRoutes(engines)),
    connections: {},
    tunnels: { open: 0, bytesIn: sumOf(({ bytesIn }) => bytesIn), bytesOut: sumOf(({ bytesOut }) => bytesOut) },
    refused: sums(engines, (engine) => engine.refused),
    webhooks: sums(engines, (engine) => engine.webhooks),
  }
}

/** Numbers of the same name, added up. */
function sums(
  engines: readonly EngineMetrics[],
  pick: (engine: EngineMetrics) => Readonly<Record<string, number>>,
): Record<string, number> {
  const all: Record<string, number> = {}
  for (const engine of engines) for (const [key, n] of Object.entries(pick(engine))) all[key] = (all[key] ?? 0) + n
  return all
}

function sumRoutes(engines: readonly EngineMetrics[]): ReadonlyMap<string, RouteMetrics> {
  const sums = new Map<string, RouteMetrics>()
  for (const engine of engines) {
    for (const [route, one] of Object.entries(engine.routes)) {
      let sum = sums.get(route)
      if (sum === undefined) sums.set(route, (sum = new RouteMetrics()))
      sum.count += one.count
      sum.sumMs += one.sumMs
      one.byClass.forEach((n, i) => (sum.byClass[i]! += n))
      one.buckets.forEach((n, i) => (sum.buckets[i]! += n))
    }
  }
  return sums
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
