/** Durations as a policy's options write them: `500ms`, `1s`, `1m`, `1h`, `1d`. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Every text that `durationMs` reads. */
export const DURATION = /^[1-9]\d{0,8}(ms|s|m|h|d)$/

/** Milliseconds of a text that `DURATION` matches. */
export function durationMs(text: string): number {
  const unit = /\D+$/.exec(text)![0]
  return Number(text.slice(0, -unit.length)) * UNIT_MS[unit]!
}
