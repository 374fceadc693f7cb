/** What an attempt's end means: for its delivery (done, again later, or over) and of its receiver (well, struggling, gone). Pure rules. */
import { nextDelayMs } from '../base/backoff.ts'
import { parseHttpDate } from '../base/clock.ts'
import type { RetrySpec } from '../model/gateway.ts'
import type { Standing } from '../store/port.ts'
import type { Sign } from './throttle.ts'

/** When a delivery is tried again, and until when. */
export interface RetryRules {
  readonly retries: RetrySpec
  /** 0 ≤ n < 1. */
  readonly random: () => number
}

/** Of a delivery: attempts made, the one that has just ended included, and when its message was accepted. */
export interface Past {
  readonly attempts: number
  readonly acceptedAt: number
}

/** How an attempt ended: with an answer, without one, or before anything was sent. */
export interface Ending {
  /** 0 when there was no answer. */
  readonly status: number
  /** Why there was none; null when one came. */
  readonly failure: string | null
  /** The beginning of the answer. */
  readonly body: string
  readonly retryAfter: string | null
  /** What the receiver says in `Webhook-Delivery`: `disable` its endpoint, `abort-message`. */
  readonly control: string | null
}

/** An attempt that sent nothing. */
export function unsent(failure: string): Ending {
  return { status: 0, failure, body: '', retryAfter: null, control: null }
}

export interface Outcome {
  readonly state: 'pending' | 'delivered' | 'exhausted' | 'cancelled' | 'held'
  /** When to try again, ms; null unless pending. */
  readonly nextAt: number | null
  /** Null when delivered. */
  readonly failure: string | null
}

/** A receiver may ask for patience, but not for more than this. */
const RETRY_AFTER_MAX_MS = 24 * 3_600_000

/** Only 2xx is success; a redirect is a failure and never followed (Standard Webhooks 1.0.0). */
export function outcomeOf(result: Ending, past: Past, nowMs: number, { retries, random }: RetryRules): Outcome {
  const { status, failure } = result
  if (failure === null && status >= 200 && status < 300) return { state: 'delivered', nextAt: null, failure: null }
  const why = failure ?? failureOf(result)
  if (why === 'endpoint-deleted' || why === 'payload-expunged' || why === 'transformation-cancelled')
    return { state: 'cancelled', nextAt: null, failure: why }
  if (why === 'endpoint-disabled') return { state: 'held', nextAt: null, failure: why }
  const over: Outcome = { state: 'exhausted', nextAt: null, failure: why }
  // No waiting changes these; the delivery stays, to be replayed by hand.
  if (HOPELESS.has(why)) return over
  const delay = nextDelayMs(retries.scheduleMs, past.attempts, random, retries.jitter)
  if (delay === null) return over
  const nextAt = nowMs + Math.max(delay, patienceMs(result, nowMs))
  return isExpired(past.acceptedAt, nextAt, retries) ? over : { state: 'pending', nextAt, failure: why }
}

const HOPELESS = new Set(['blocked-address', 'gone', 'aborted', 'expired'])

/** A message accepted then is too old to be attempted at `atMs`. */
export function isExpired(acceptedAt: number, atMs: number, { expireMs }: RetrySpec): boolean {
  return expireMs !== 0 && atMs >= acceptedAt + expireMs
}

/** An attempt by hand that fails changes nothing: the delivery stands where it stood, and its schedule goes on. */
export function outcomeByHand(outcome: Outcome, before: Standing): Outcome {
  if (outcome.state === 'delivered' || outcome.state === 'cancelled') return outcome
  return { ...outcome, ...before }
}

/** 410 says that the receiver wants no more of anything (Standard Webhooks 1.0.0, "Endpoint disablement"). */
function failureOf({ status, control }: Ending): string {
  if (status === 410) return 'gone'
  if (control === 'abort-message') return 'aborted'
  return status >= 300 && status < 400 ? 'redirect' : 'status'
}

/** The receiver wants its endpoint disabled, whatever became of this message. */
export function wantsNoMore({ status, control }: Ending): boolean {
  return status === 410 || control === 'disable'
}

/** How long the receiver asks to be left alone, ms, if it says so with 429 or 503 (RFC 9110 §10.2.3: seconds or a date), clamped; else 0. */
export function patienceMs({ status, retryAfter }: Ending, nowMs: number): number {
  if (retryAfter === null || (status !== 429 && status !== 503)) return 0
  const ms = /^\d{1,12}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : parseHttpDate(retryAfter, nowMs) - nowMs
  return Number.isFinite(ms) ? Math.max(0, Math.min(ms, RETRY_AFTER_MAX_MS)) : 0
}

/** Attempts that were not sent, or not because of the receiver. */
const NO_SIGN = new Set([
  'endpoint-deleted',
  'endpoint-disabled',
  'no-service',
  'unsendable',
  'blocked-address',
  'expired',
  'transformation-failed',
  'transformation-cancelled',
  'token-refused',
  'payload-expunged',
])
/** It was not even reached: so are all the others on its host. */
const UNREACHED = new Set(['connect-refused', 'connect-timeout', 'tls-failed', 'name-not-found'])

/** What an ending says of the receiver; null when nothing. */
export function signOf({ status, failure }: Ending): Sign | null {
  if (failure !== null) return NO_SIGN.has(failure) ? null : 'struggling'
  if (status >= 200 && status < 300) return 'well'
  return status === 429 || status >= 500 ? 'struggling' : 'alive'
}

/** What it says of the receiver's host, which may serve many. */
export function signOfHost({ status, failure }: Ending): Sign | null {
  if (failure !== null) return UNREACHED.has(failure) ? 'struggling' : null
  return status === 429 || status === 503 ? 'struggling' : 'well'
}
