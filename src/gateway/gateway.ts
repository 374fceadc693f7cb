/** The gateway of one engine: the snapshot in force, and what every exchange needs of the outside. */
import type { Clock } from '../base/clock.ts'
import type { Problem } from '../base/problem.ts'
import type { AccessLog } from '../observe/access-log.ts'
import type { Log } from '../observe/log.ts'
import { RouteMetrics } from '../observe/metrics.ts'
import type { Inbound, InboundHandler, Unestablished } from '../wire/inbound.ts'
import { pathEnd } from '../wire/path.ts'
import type { TunnelCounts } from '../wire/tunnel.ts'
import type { ExchangeHost, GatewayExchange } from './exchange.ts'
import { handle } from './handle.ts'
import type { Snapshot } from './snapshot.ts'

export interface GatewayDeps {
  readonly clock: Clock
  readonly log: Log
  readonly accessLog: AccessLog
}

export class Gateway implements InboundHandler, ExchangeHost {
  /** Swapped whole by a reload; running exchanges keep the one they began with. */
  snapshot: Snapshot
  readonly clock: Clock
  readonly log: Log
  /** By route name; outlives reloads. */
  readonly routeMetrics = new Map<string, RouteMetrics>()
  challenges: ReadonlyMap<string, string> | null = null
  readonly tunnels: TunnelCounts = { open: 0, bytesIn: 0, bytesOut: 0 }
  readonly refusals = new Map<string, number>()
  private readonly accessLog: AccessLog

  constructor(snapshot: Snapshot, deps: GatewayDeps) {
    this.snapshot = snapshot
    this.clock = deps.clock
    this.log = deps.log
    this.accessLog = deps.accessLog
  }

  request(inbound: Inbound): void {
    handle(this, this.snapshot, inbound)
  }

  finished(x: GatewayExchange): void {
    const durationMs = this.clock.elapsed() - x.startedAt
    let metrics = this.routeMetrics.get(x.routeName)
    if (metrics === undefined) this.routeMetrics.set(x.routeName, (metrics = new RouteMetrics()))
    metrics.record(x.status, durationMs)
    this.accessLog.write({
      reason: x.reason,
      detail: x.detail,
      status: x.status,
      clientAddress: x.clientAddress,
      method: x.head.method,
      host: x.head.host,
      // A refused path is told as it came, without its query: that may hold a key.
      path: x.path === '' ? x.head.target.slice(0, pathEnd(x.head.target)) : x.path,
      routeName: x.routeName,
      consumerName: x.consumer === null ? '' : x.consumer.name,
      certificate: x.tls === null ? null : x.tls.certificate,
      serviceName: x.serviceName,
      instance: x.instance,
      requestId: x.requestId,
      tries: x.tries,
      bytesIn: x.bytesIn,
      bytesOut: x.bytesOut,
      durationMs,
    })
  }

  refused(inbound: Inbound, problem: Problem): void {
    this.countRefusal(problem.code)
    this.accessLog.write({
      ...UNROUTED,
      reason: problem.code,
      status: problem.status,
      clientAddress: inbound.client.address,
      bytesIn: inbound.bytesIn,
      bytesOut: inbound.bytesOut,
    })
  }

  turnedAway(clientAddress: string, reason: string, status: number): void {
    this.countRefusal(reason)
    this.accessLog.write({ ...UNROUTED, reason, status, clientAddress })
  }

  unestablished({ remoteAddress, failure, detail, serverName }: Unestablished): void {
    this.countRefusal(failure)
    this.accessLog.write({ ...UNROUTED, reason: failure, detail, clientAddress: remoteAddress, host: serverName })
  }

  unused(remoteAddress: string): void {
    this.accessLog.write({ ...UNROUTED, reason: 'no-request', clientAddress: remoteAddress })
  }

  private countRefusal(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
  }
}

/** A record of bytes that never became a request: nothing of them is repeated, for they may be anything. */
const UNROUTED = {
  reason: '',
  detail: '',
  status: 0,
  clientAddress: '',
  method: '',
  host: '',
  path: '',
  routeName: '',
  consumerName: '',
  certificate: null,
  serviceName: '',
  instance: '',
  requestId: '',
  tries: 0,
  bytesIn: 0,
  bytesOut: 0,
  durationMs: 0,
}
