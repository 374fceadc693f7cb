/** When to try again: a schedule of delays and the jitter that keeps a crowd from coming back together. */

/** Delays before each attempt after the first, in ms: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h (Standard Webhooks 1.0.0, "Retries"). */
export const STANDARD_SCHEDULE_MS: readonly number[] = [
  5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000,
]

/**
 * The delay before the attempt that follows `attempts` finished ones, or null when the schedule is used up.
 * Jitter keeps deliveries that failed together from returning together: proportional is ±20 % of the step, full anything up to it.
 */
export function nextDelayMs(
  scheduleMs: readonly number[],
  attempts: number,
  random: () => number,
  jitter: 'full' | 'proportional' = 'proportional',
): number | null {
  const step = scheduleMs[attempts - 1]
  if (step === undefined) return null
  return Math.round(step * (jitter === 'full' ? random() : 0.8 + 0.4 * random()))
}
