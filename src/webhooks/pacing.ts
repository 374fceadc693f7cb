/** Receivers and consumers that want so many deliveries a second at most get them evenly, a tick's worth at once. */
import type { Counters } from '../counters/port.ts'
import type { Pace } from './directory.ts'
import { TICK_MS } from './turns.ts'

/** Takes one delivery's room from each rate. 0: it may start now; else how long until it is worth asking again, ms. */
export function pacedMs(rates: readonly Pace[], counters: Counters, now: number): number {
  for (const { key, perSecond } of rates) {
    const taken = counters.take(
      key,
      { limit: perSecond, windowMs: 1_000, burst: Math.max(1, Math.ceil((perSecond * 2 * TICK_MS) / 1_000)) },
      now,
    )
    // Counters of this process answer at once; a remote one is not waited for here.
    if (!(taken instanceof Promise) && !taken.allowed) return Math.max(1, taken.retryAfterMs)
  }
  return 0
}
