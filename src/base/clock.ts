/** The one place that reads time. Everything else is handed a Clock, so that tests can hold time in their hands. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. Jumps when the operating system says so; use it for stamps only. */
  now(): number
  /** Monotonic milliseconds since an arbitrary start. Never jumps; use it for durations and deadlines. */
  elapsed(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
}

let dateSecond = -1
let date = ''

/** The `Date` field's value (RFC 9110 §5.6.7) for a wall-clock ms; made once a second. */
export function httpDate(nowMs: number): string {
  const second = Math.floor(nowMs / 1_000)
  if (second !== dateSecond) {
    dateSecond = second
    date = new Date(second * 1_000).toUTCString()
  }
  return date
}
