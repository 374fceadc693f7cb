/** Shared counts: what limits need to be exact across the engines of a process, or the nodes of a cluster. */

/** A limit as GCRA sees it (generic cell rate algorithm; ITU-T I.371): `limit` cells per window, `burst` at once. */
export interface RateSpec {
  readonly limit: number
  readonly windowMs: number
  /** Largest number taken at once; usually equals `limit`. */
  readonly burst: number
}

export interface Take {
  readonly allowed: boolean
  /** Cells that could be taken right after this one. */
  readonly remaining: number
  /** Until the bucket is full again, ms. */
  readonly resetMs: number
  /** When refused: until one cell can be taken, ms; else 0. */
  readonly retryAfterMs: number
}

export interface Counters {
  /**
   * Takes one cell from the bucket `key`. Exact across all users of the same store. An adapter in this process answers at once;
   * a remote one with a promise. The result object may be reused by the next call: read it before you call again.
   * `nowMs` is monotonic (Clock.elapsed, which has one origin for all threads of a process); a store that is remote goes by its
   * own clock. Time that goes back anyway stands still until it has caught up, and mints nothing.
   */
  take(key: string, rate: RateSpec, nowMs: number): Take | Promise<Take>
}
