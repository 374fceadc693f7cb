/** What an attempt's end means for its delivery: done, again later, or over. Pure rules. */
import { nextDelayMs } from '../base/backoff.ts'
import type { CallResult } from '../upstream/call.ts'

export interface RetryRules {
  /** Delays before attempts 2, 3, …, ms. */
  readonly scheduleMs: readonly number[]
  /** 0 ≤ n < 1. */
  readonly random: () => number
}

export interface Outcome {
  readonly state: 'pending' | 'delivered' | 'exhausted'
  /** When to try again, ms; null unless pending. */
  readonly nextAt: number | null
  /** Null when delivered. */
  readonly failure: string | null
}

/** A receiver may ask for patience, but not for more than this. */
const RETRY_AFTER_MAX_MS = 24 * 3_600_000

/** `attempts` counts this one. Only 2xx is success; a redirect is a failure and never followed (Standard Webhooks 1.0.0). */
export function outcomeOf(result: CallResult, attempts: number, nowMs: number, rules: RetryRules): Outcome {
  const { status, failure } = result
  if (failure === null && status >= 200 && status < 300) return { state: 'delivered', nextAt: null, failure: null }
  const why = failure ?? (status >= 300 && status < 400 ? 'redirect' : 'status')
  // An address that may not be called does not become callable by waiting; the delivery stays, to be replayed by hand.
  const delay = why === 'blocked-address' ? null : nextDelayMs(rules.scheduleMs, attempts, rules.random)
  if (delay === null) return { state: 'exhausted', nextAt: null, failure: why }
  const asked = status === 429 || status === 503 ? retryAfterMs(result.retryAfter, nowMs) : 0
  return { state: 'pending', nextAt: nowMs + Math.max(delay, asked), failure: why }
}

/** Reads `Retry-After` (RFC 9110 §10.2.3: seconds or a date), clamped; 0 when absent or unreadable. */
function retryAfterMs(value: string | null, nowMs: number): number {
  if (value === null) return 0
  const ms = /^\d{1,12}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs
  return Number.isFinite(ms) ? Math.max(0, Math.min(ms, RETRY_AFTER_MAX_MS)) : 0
}
