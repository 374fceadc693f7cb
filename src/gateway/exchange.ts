/** An exchange as the gateway drives it: the policies' view of it, the client's leg, the pinned route, and who acts on it now. */
import type { Clock } from '../base/clock.ts'
import type { Problem } from '../base/problem.ts'
import type { Route } from '../model/gateway.ts'
import type { Log } from '../observe/log.ts'
import type { Pipeline } from '../pipeline/compile.ts'
import { Exchange } from '../pipeline/exchange.ts'
import type { Forwarding } from '../upstream/forwarding.ts'
import type { Aborted, Inbound, InboundListener } from '../wire/inbound.ts'
import type { TunnelCounts } from '../wire/tunnel.ts'

/** How a route ends. */
export type Target = (x: GatewayExchange) => void

export interface CompiledRoute {
  readonly name: string
  readonly pipeline: Pipeline
  readonly target: Target
  readonly forwarding: Forwarding
  /** Largest request body, bytes; 0 is no bound. */
  readonly bodyBytesMax: number
  /** What it was compiled from; null for those that no configuration wrote. */
  readonly spec: Route | null
}

/** What an exchange needs of the gateway that drives it. */
export interface ExchangeHost {
  readonly clock: Clock
  readonly log: Log
  readonly tunnels: TunnelCounts
  /** What a CA that asks for a token is answered (RFC 8555 §8.3); null while none is asked for. */
  readonly challenges: ReadonlyMap<string, string> | null
  /** Keeps its record and counts it. */
  finished(x: GatewayExchange): void
}

export class GatewayExchange extends Exchange implements InboundListener {
  readonly inbound: Inbound
  readonly host: ExchangeHost
  /** Of the snapshot that was current when the request came: a reload does not change a running exchange. */
  route: CompiledRoute
  /** Whoever is busy with it and must hear of the client: a proxied flow, a body being read. */
  actor: InboundListener | null = null
  private tunnelIn = 0
  private tunnelOut = 0

  constructor(host: ExchangeHost, inbound: Inbound, route: CompiledRoute, startedAt: number) {
    super(inbound.head, inbound.client.address, inbound.tls, startedAt)
    this.host = host
    this.inbound = inbound
    this.route = route
    inbound.listener = this
  }

  drain(): void {
    this.actor?.drain()
  }

  bodyRefused(problem: Problem): void {
    this.actor?.bodyRefused(problem)
  }

  aborted(why: Aborted): void {
    if (this.over) return
    this.actor?.aborted(why)
    this.reason = why
    // nginx's code for a client that did not wait; it is no failure of ours or the upstream's.
    if (why !== 'shutdown') this.status = 499
    this.finish()
  }

  /** The tunnel that the exchange became is closed. */
  tunnelled(bytesIn: number, bytesOut: number): void {
    this.tunnelIn = bytesIn
    this.tunnelOut = bytesOut
    this.finish()
  }

  /** The exchange is over, however it ended: once. */
  finish(): void {
    if (this.over) return
    this.over = true
    this.bytesIn = this.inbound.bytesIn + this.tunnelIn
    this.bytesOut = this.inbound.bytesOut + this.tunnelOut
    const policies = this.route.pipeline.finish
    if (policies !== null) for (const policy of policies) policy.finish!(this)
    this.host.finished(this)
  }
}
