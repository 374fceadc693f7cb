/** What an attempt's end means for its delivery: done, again later, or over. Pure rules. */
import { parseHttpDate } from '../base/clock.ts'
import { nextDelayMs } from '../base/backoff.ts'
import type { Standing } from '../store/port.ts'

export interface RetryRules {
  /** Delays before attempts 2, 3, …, ms. */
  readonly scheduleMs: readonly number[]
  /** 0 ≤ n < 1. */
  readonly random: () => number
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
}

/** An attempt that sent nothing. */
export function unsent(failure: string): Ending {
  return { status: 0, failure, body: '', retryAfter: null }
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

/** `attempts` counts this one. Only 2xx is success; a redirect is a failure and never followed (Standard Webhooks 1.0.0). */
export function outcomeOf(result: Ending, attempts: number, nowMs: number, rules: RetryRules): Outcome {
  const { status, failure } = result
  if (failure === null && status >= 200 && status < 300) return { state: 'delivered', nextAt: null, failure: null }
  const why = failure ?? (status >= 300 && status < 400 ? 'redirect' : 'status')
  if (why === 'endpoint-deleted') return { state: 'cancelled', nextAt: null, failure: why }
  if (why === 'endpoint-disabled') return { state: 'held', nextAt: null, failure: why }
  // An address that may not be called does not become callable by waiting; the delivery stays, to be replayed by hand.
  const delay = why === 'blocked-address' ? null : nextDelayMs(rules.scheduleMs, attempts, rules.random)
  if (delay === null) return { state: 'exhausted', nextAt: null, failure: why }
  const asked = status === 429 || status === 503 ? retryAfterMs(result.retryAfter, nowMs) : 0
  return { state: 'pending', nextAt: nowMs + Math.max(delay, asked), failure: why }
}

/** An attempt by hand that fails changes nothing: the delivery stands where it stood, and its schedule goes on. */
export function outcomeByHand(outcome: Outcome, before: Standing): Outcome {
  if (outcome.state === 'delivered' || outcome.state === 'cancelled') return outcome
  return { ...outcome, ...before }
}

/** Reads `Retry-After` (RFC 9110 §10.2.3: seconds or a date), clamped; 0 when absent or unreadable. */
function retryAfterMs(value: string | null, nowMs: number): number {
  if (value === null) return 0
  const ms = /^\d{1,12}$/.test(value) ? Number(value) * 1_000 : parseHttpDate(value, nowMs) - nowMs
  return Number.isFinite(ms) ? Math.max(0, Math.min(ms, RETRY_AFTER_MAX_MS)) : 0
}
