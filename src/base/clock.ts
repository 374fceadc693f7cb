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
