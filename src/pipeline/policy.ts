/** What a policy is: code that acts on an exchange at the moments it implements. */
import type { Clock } from '../base/clock.ts'
import type { Counters } from '../counters/port.ts'
import type { ClientCertificate } from '../wire/client-tls.ts'
import type { OutgoingHead } from '../wire/outgoing.ts'
import type { ConsumerIdentity, Exchange } from './exchange.ts'
import type { Reply } from './reply.ts'
import type { ResponseView } from './response.ts'
import type { Stage } from './stages.ts'

/** A policy asks for a whole body by declaring how much of it it can bear. */
export interface BodyNeed {
  readonly bytesMax: number
}

/** A Reply ends the exchange; undefined lets it go on. A promise is awaited only if it is one. */
export type Verdict = Reply | undefined | void | Promise<Reply | undefined | void>

/** An absent method costs nothing. `create` makes one for each place the policy is written. */
export interface Policy {
  /** The client's head is here. A Reply ends the exchange. With `requestBody` declared, `x.requestBody` holds it. */
  request?(x: Exchange): Verdict
  /** Before each try; runs again on a retry, on a fresh `out`. */
  upstreamRequest?(x: Exchange, out: OutgoingHead): Verdict
  /**
   * The answer's head is here and nothing is sent yet. Runs for every answer the client gets, our own refusals included, if this
   * policy came before the one that refused. With `responseBody` declared and an answer from the upstream, `res.body` holds it.
   */
  response?(x: Exchange, res: ResponseView): Verdict
  /** Over, however it ended; once; never throws. */
  finish?(x: Exchange): void
  readonly requestBody?: BodyNeed
  readonly responseBody?: BodyNeed
}

/** An event that a policy wants stored. Resolves after it is durable. */
export interface Emission {
  readonly eventType: string
  readonly payload: Uint8Array
  /** A consumer's name or id; null is every consumer with an endpoint that wants it. */
  readonly to: string | null
}

/** What a policy may use. Opened by the composition root, handed to `create`. */
export interface PolicyDeps {
  readonly clock: Clock
  readonly counters: Counters
  /** Who has this API key; null when nobody. */
  consumerOfKey(apiKey: string): ConsumerIdentity | null
  /** Whose certificate this is; null when nobody's. */
  consumerOfCertificate(certificate: ClientCertificate): ConsumerIdentity | null
  emit(emission: Emission): Promise<void>
  /** Unique and stable for the place the policy is written in, over reloads: `route/cart-add/1/rate-limit`. Names its counters. */
  readonly place: string
}

/** The schema of `C` lies beside the code, in a file of its own: an engine thread runs policies and reads no configuration. */
export interface PolicyType<C> {
  /** As written in the file. */
  readonly name: string
  readonly stage: Stage
  /** `config` is what the policy's schema has parsed. */
  create(config: C, deps: PolicyDeps): Policy
}

/** Types a policy's definition without widening it. */
export function definePolicy<C>(type: PolicyType<C>): PolicyType<C> {
  return type
}
