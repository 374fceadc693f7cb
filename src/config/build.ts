/** The checked file as the desired state: short forms written out, relative paths made absolute, `auto` counted. */
import { resolve } from 'node:path'
import { STANDARD_SCHEDULE_MS } from '../base/backoff.ts'
import type { AcmeSpec, TlsSpec } from '../model/tls.ts'
import type {
  DeliverySpec,
  DesiredState,
  ListenerSpec,
  Route,
  Service,
  SourceSpec,
  TargetSpec,
} from '../model/gateway.ts'
import type { File } from './file-schema.ts'
import type { FileListener } from './listener-schema.ts'
import type { FileTls } from './tls-schema.ts'
import type { UpstreamTlsRead } from './upstream-tls.ts'

type FileRoute = NonNullable<File['routes']>[string]

export interface BuildContext {
  /** The folder of the file. */
  readonly baseDir: string
  /** What `threads: auto` counts. */
  readonly cpus: number
  /** The JSON Schemas of event types, by name. */
  readonly eventSchemas: ReadonlyMap<string, unknown>
  /** What was read for it. */
  readonly tls: ReadonlyMap<FileTls, TlsSpec>
  readonly upstreamTls: UpstreamTlsRead
  readonly acme: AcmeSpec | null
}

/** More engines than this share too little to be worth their memory; say a number to have more. */
const AUTO_THREADS_MAX = 8

/** A file that passed `check`. */
export function buildState(file: File, context: BuildContext): DesiredState {
  const { baseDir, cpus, eventSchemas, tls, upstreamTls, acme } = context
  const log = file['access-log']
  return {
    listeners: file.listeners.map((one) => buildListener(one, baseDir, tls)),
    admin: buildListener(file.admin, baseDir, tls),
    acme,
    store: `sqlite:${resolve(baseDir, file.store)}`,
    sealingKeys: file.secrets === undefined ? [] : [file.secrets.key, ...file.secrets.previous],
    counters: file.counters,
    threads: file.threads === 'auto' ? Math.min(AUTO_THREADS_MAX, Math.max(1, cpus)) : file.threads,
    forwarded: { trusted: file['trusted-proxies'] ?? [], ...file.forwarded },
    via: file.via?.toLowerCase() ?? '',
    engineHeapMax: file['engine-heap-max'],
    egress: {
      allow: file.egress.allow ?? [],
      deny: file.egress.deny ?? [],
      ports: file.egress.ports ?? null,
      tls: upstreamTls.egress,
    },
    accessLog: log === 'stdout' || log === 'off' ? log : resolve(baseDir, log),
    drain: { delayMs: file.drain.delay, timeoutMs: file.drain.timeout },
    publishing: {
      unknownEvents: file.publishing['unknown-events'],
      invalidPayloads: file.publishing['invalid-payloads'],
    },
    delivery: buildDelivery(file.delivery),
    retention: { messagesMs: file.retention.messages, attemptsMs: file.retention.attempts },
    services: each(file.services, (name, one) => buildService(baseDir, name, one, upstreamTls)),
    consumers: each(file.consumers, (name, consumer) => ({
      name,
      apiKeys: (consumer?.credentials ?? []).flatMap((credential) => credential['api-key'] ?? []),
      certificates: (consumer?.credentials ?? []).flatMap(({ 'client-cert': one }) => {
        if (one?.subject !== undefined) return { subject: one.subject }
        return one?.san === undefined ? [] : { san: one.san }
      }),
    })),
    policies: file.policies ?? [],
    routes: each(file.routes, buildRoute),
    sources: each(file.sources, buildSource),
    eventTypes: each(file['event-types'], (name, eventType) => ({
      name,
      description: eventType?.description ?? '',
      schema: eventSchemas.get(name) ?? null,
      retries: eventType?.delivery ?? {},
    })),
  }
}

function buildDelivery(file: File['delivery']): DeliverySpec {
  const { schedule, jitter, expire, timeout, breaker } = file
  return {
    retries: { scheduleMs: schedule ?? STANDARD_SCHEDULE_MS, jitter: jitter ?? 'proportional', expireMs: expire ?? 0 },
    timeoutMs: timeout,
    breaker: {
      failures: breaker.failures,
      openMs: breaker.pause,
      openMsMax: Math.max(breaker.pause, breaker['pause-max']),
    },
    disable: {
      afterMs: file['disable-after'] === 'never' ? 0 : file['disable-after'],
      warnAfterMs: file['warn-after'].toSorted((a, b) => a - b),
    },
  }
}

function each<From, To>(from: Record<string, From> | null | undefined, make: (name: string, value: From) => To) {
  return Object.fromEntries(Object.entries(from ?? {}).map(([name, value]) => [name, make(name, value)]))
}

/** Whoever may connect to a Unix socket unless the file says more: its owner. */
const OWNER_ONLY = 0o600

function buildListener(one: FileListener, baseDir: string, tls: BuildContext['tls']): ListenerSpec {
  const { address } = one
  const options = {
    backlog: one.backlog,
    connectionsMax: one['connections-max'],
    connectionsPerClientMax: one['connections-per-client-max'],
    proxyProtocol: one['proxy-protocol'] ?? null,
    timeouts: {
      headMs: one.timeouts.head,
      bodyIdleMs: one.timeouts.idle,
      keepAliveMs: one.timeouts['keep-alive'],
      rateMin: { bytesPerSecond: one['rate-min']['bytes-per-second'], windowMs: one['rate-min'].window },
    },
    tls: (one.tls && tls.get(one.tls)) ?? null,
  }
  if ('path' in address) return { path: resolve(baseDir, address.path), mode: one.mode ?? OWNER_ONLY, ...options }
  return { ...address, dualStack: address.host === '::' && one['dual-stack'] !== false, ...options }
}

function absolute(url: string, baseDir: string): string {
  return url.startsWith('unix:') ? `unix:${resolve(baseDir, url.slice('unix:'.length))}` : url
}

function buildService(
  baseDir: string,
  name: string,
  service: NonNullable<File['services']>[string],
  tls: UpstreamTlsRead,
): Service {
  const { instances, timeouts, protocol } = service
  return {
    name,
    protocol,
    tls: tls.services.get(name) ?? tls.egress,
    proxyProtocol: service['proxy-protocol'] ?? null,
    instances: instances.map(({ url, weight }) => ({ url: absolute(url, baseDir), weight })),
    timeouts: {
      connectMs: timeouts.connect,
      firstByteMs: timeouts['first-byte'],
      idleMs: timeouts.idle,
      streamMs: timeouts.stream,
      totalMs: timeouts.total,
    },
  }
}

function buildRoute(name: string, route: FileRoute): Route {
  const { match, policies } = route
  const pathRules = route['path-rules']
  return {
    name,
    match,
    pathRules,
    policies: policies ?? [],
    target: buildTarget(route),
    bodyBytesMax: route['body-max'],
  }
}

function buildTarget({
  proxy,
  ingest,
  durable,
  publish,
  'webhook-keys': keys,
  reply,
  redirect,
}: FileRoute): TargetSpec {
  if (proxy !== undefined) return { kind: 'proxy', service: proxy }
  if (ingest !== undefined) return { kind: 'ingest', source: ingest }
  if (durable !== undefined) return { kind: 'durable', service: durable }
  if (publish !== undefined) return { kind: 'publish', ...publish }
  if (keys !== undefined) return { kind: 'webhook-keys' }
  if (redirect !== undefined) return { kind: 'redirect', ...redirect }
  return buildReply(reply!)
}

function buildReply({ status, headers, body }: NonNullable<FileRoute['reply']>): TargetSpec {
  const typed = body === '' || Object.keys(headers).some((header) => header.toLowerCase() === 'content-type')
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json'
  return {
    kind: 'reply',
    status,
    headers: typed ? headers : { 'Content-Type': type, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }
}

function buildSource(name: string, { provider, secrets, deliver }: NonNullable<File['sources']>[string]): SourceSpec {
  return {
    name,
    provider,
    secrets,
    deliver: (deliver ?? []).map(({ service, path, events }) => ({ service, path, events: events ?? [] })),
  }
}
