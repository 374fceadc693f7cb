/** metrics: what a scraper reads is what the engines counted, added up. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type EngineMetrics, RouteMetrics, exposition, whatEndedEnginesCounted } from './metrics.ts'

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface Exposition {
  readonly types: ReadonlyMap<string, string>
  readonly samples: readonly Sample[]
}

const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"/

/** Reads the text format 0.0.4, forgiving nothing: a family's samples follow its HELP and TYPE. */
function read(text: string): Exposition {
  const types = new Map<string, string>()
  const samples: Sample[] = []
  let family = ''
  assert.ok(text.endsWith('\n'))
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-z_]+) (.+)$/.exec(line)
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line)
    if (help !== null) {
      family = help[1]!
      assert.ok(!types.has(family), `${family} twice`)
    } else if (type !== null) {
      assert.equal(type[1], family)
      types.set(family, type[2]!)
    } else {
      const parts = new RegExp(`^([a-z_]+)(?:\\{(${LABEL.source}(?:,${LABEL.source})*)\\})? (\\S+)$`).exec(line)
      assert.ok(parts !== null, `not a sample: ${line}`)
      assert.ok(parts[1] === family || (types.get(family) === 'histogram' && parts[1]!.startsWith(`${family}_`)), line)
      const pairs = [...(parts[2] ?? '').matchAll(new RegExp(LABEL, 'g'))]
      const unescape = (label: string) => label.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
      const value = Number(parts.at(-1))
      assert.ok(Number.isFinite(value))
      samples.push({
        name: parts[1]!,
        labels: Object.fromEntries(pairs.map((pair) => [pair[1]!, unescape(pair[2]!)])),
        value,
      })
    }
  }
  return { types, samples }
}

function valueOf({ samples }: Exposition, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const found = samples.filter((sample) => {
    return sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
  })
  return found.reduce((sum, sample) => sum + sample.value, 0)
}

const routeName = fc.oneof(
  fc.constantFrom('', 'cart', 'a"b', 'a\\b', 'a\nb', 'a\\nb', '{x="y"}'),
  fc
    .string({ unit: 'grapheme', maxLength: 5 })
    .filter((name) => name !== '__proto__' && !/[\r\u2028\u2029]/.test(name)),
)
const exchangeCounted = fc.record({
  route: routeName,
  status: fc.constantFrom(101, 200, 204, 301, 404, 499, 500, 503),
  ms: fc.oneof(fc.constantFrom(0, 1, 2.5, 10_000), fc.integer({ min: 0, max: 20_000 })),
})
const engine = fc.record({
  exchanges: fc.array(exchangeCounted, { maxLength: 30 }),
  connections: fc.dictionary(fc.constantFrom('127.0.0.1:80', 'unix:/p.sock'), fc.nat(100)),
  tunnels: fc.record({ open: fc.nat(50), bytesIn: fc.nat(), bytesOut: fc.nat() }),
  refused: fc.dictionary(fc.constantFrom('malformed-request', 'head-timeout'), fc.nat(50)),
  webhooks: fc.dictionary(fc.constantFrom('delivered', 'failed'), fc.nat(50)),
})

const STORE = { messages: 7, deliveries: { pending: 2, delivered: 5 }, bytes: 4096 }
const NONE = { expiresAt: {}, issued: {}, failed: {} }

describe('exposition', () => {
  it('adds up what every engine counted', () => {
    fc.assert(
      fc.property(fc.array(engine, { minLength: 1, maxLength: 4 }), fc.nat(), (engines, revision) => {
        const told = read(exposition({ revision, engines: engines.map(metricsOf), certificates: NONE, store: STORE }))
        const all = engines.flatMap((one) => one.exchanges)
        const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0)
        assert.equal(valueOf(told, 'postern_revision'), revision)
        for (const listener of ['127.0.0.1:80', 'unix:/p.sock'])
          assert.equal(
            valueOf(told, 'postern_connections', { listener }),
            sum(engines.map((one) => one.connections[listener] ?? 0)),
          )
        assert.equal(valueOf(told, 'postern_tunnels'), sum(engines.map((one) => one.tunnels.open)))
        const through = (direction: string) => valueOf(told, 'postern_tunnel_bytes_total', { direction })
        assert.equal(through('in'), sum(engines.map((one) => one.tunnels.bytesIn)))
        assert.equal(through('out'), sum(engines.map((one) => one.tunnels.bytesOut)))
        assert.equal(valueOf(told, 'postern_requests_total'), all.length)
        for (const code of ['malformed-request', 'head-timeout']) {
          assert.equal(
            valueOf(told, 'postern_refused_total', { code }),
            sum(engines.map((one) => one.refused[code] ?? 0)),
          )
        }
        for (const event of ['delivered', 'failed']) {
          assert.equal(
            valueOf(told, 'postern_webhooks_total', { event }),
            sum(engines.map((one) => one.webhooks[event] ?? 0)),
          )
        }
        for (const route of new Set(all.map((one) => one.route))) {
          const its = all.filter((one) => one.route === route)
          const name = 'postern_request_duration_seconds'
          assert.equal(valueOf(told, `${name}_count`, { route }), its.length)
          assert.ok(Math.abs(valueOf(told, `${name}_sum`, { route }) * 1_000 - sum(its.map((one) => one.ms))) < 0.001)
          for (const bucket of told.samples.filter(
            (one) => one.name === `${name}_bucket` && one.labels['route'] === route,
          )) {
            const below = bucket.labels['le'] === '+Inf' ? Infinity : Number(bucket.labels['le']) * 1_000
            assert.equal(bucket.value, its.filter((one) => one.ms <= below).length)
          }
          const aborted = its.filter((one) => one.status === 499).length
          assert.equal(valueOf(told, 'postern_requests_total', { route, class: 'aborted' }), aborted)
          const failed = its.filter((one) => one.status >= 500).length
          assert.equal(valueOf(told, 'postern_requests_total', { route, class: '5xx' }), failed)
        }
      }),
    )
  })

  it('counts on from what an engine that has ended had counted, but for what was open there', () => {
    fc.assert(
      fc.property(fc.array(engine, { maxLength: 4 }), (engines) => {
        const all = engines.map(metricsOf)
        const told = read(
          exposition({ revision: 1, engines: [whatEndedEnginesCounted(all)], certificates: NONE, store: STORE }),
        )
        const wanted = read(exposition({ revision: 1, engines: all, certificates: NONE, store: STORE }))
        const gauges = ['postern_connections', 'postern_engine_connections', 'postern_tunnels']
        const counts = ({ samples }: Exposition) => samples.filter(({ name }) => !gauges.includes(name))
        const byName = (a: Sample, b: Sample) => JSON.stringify(a).localeCompare(JSON.stringify(b))
        assert.deepEqual(counts(told).toSorted(byName), counts(wanted).toSorted(byName))
        for (const gauge of gauges) assert.equal(valueOf(told, gauge), 0)
      }),
    )
  })

  it('tells when ordered certificates end, and what became of orders', () => {
    const certificates = {
      expiresAt: { 'a.example': 1_700_000_000_999 },
      issued: { 'a.example': 2 },
      failed: { 'b.example': 1 },
    }
    const text = exposition({ revision: 1, engines: [], certificates, store: STORE })
    assert.deepEqual(
      text.split('\n').filter((line) => line.startsWith('postern_certificate_')),
      [
        'postern_certificate_expiry_timestamp_seconds{name="a.example"} 1700000000',
        'postern_certificate_orders_total{name="a.example",outcome="issued"} 2',
        'postern_certificate_orders_total{name="b.example",outcome="failed"} 1',
      ],
    )
  })

  it('tells its families even when nothing has been counted', () => {
    const { types, samples } = read(exposition({ revision: 3, engines: [], certificates: NONE, store: STORE }))
    assert.deepEqual(
      [...types],
      [
        ['postern_revision', 'gauge'],
        ['postern_connections', 'gauge'],
        ['postern_engine_connections', 'gauge'],
        ['postern_tunnels', 'gauge'],
        ['postern_tunnel_bytes_total', 'counter'],
        ['postern_requests_total', 'counter'],
        ['postern_request_duration_seconds', 'histogram'],
        ['postern_refused_total', 'counter'],
        ['postern_webhooks_total', 'counter'],
        ['postern_certificate_expiry_timestamp_seconds', 'gauge'],
        ['postern_certificate_orders_total', 'counter'],
        ['postern_store_bytes', 'gauge'],
        ['postern_store_messages', 'gauge'],
        ['postern_store_deliveries', 'gauge'],
      ],
    )
    assert.deepEqual(
      samples.map(({ name, value }) => [name, value]),
      [
        ['postern_revision', 3],
        ['postern_tunnels', 0],
        ['postern_tunnel_bytes_total', 0],
        ['postern_tunnel_bytes_total', 0],
        ['postern_store_bytes', 4096],
        ['postern_store_messages', 7],
        ['postern_store_deliveries', 2],
        ['postern_store_deliveries', 5],
      ],
    )
  })
})

function metricsOf(one: {
  readonly exchanges: readonly { readonly route: string; readonly status: number; readonly ms: number }[]
  readonly connections: Readonly<Record<string, number>>
  readonly tunnels: EngineMetrics['tunnels']
  readonly refused: Readonly<Record<string, number>>
  readonly webhooks: Readonly<Record<string, number>>
}): EngineMetrics {
  const routes: Record<string, RouteMetrics> = {}
  for (const { route, status, ms } of one.exchanges) (routes[route] ??= new RouteMetrics()).record(status, ms)
  // As it comes from another thread: plain data.
  const { connections, tunnels, refused, webhooks } = one
  return structuredClone({ engine: 0, routes, connections, tunnels, refused, webhooks })
}
