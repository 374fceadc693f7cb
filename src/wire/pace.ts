/** The least that must move: silence has an end, and so has dripping (slow bodies, slow reading: what slowloris and its kin live on). */

export interface RateMin {
  /** Fewer than this, averaged over a window, is too slow; 0 is no bound. */
  readonly bytesPerSecond: number
  readonly windowMs: number
}

/** Bytes of somebody over the window that runs, and since when there was silence. Times are those of `Deadlines`. */
export class Pace {
  /** May be another from one start to the next. */
  rate: RateMin
  private silenceMs = 0
  private movedAt = 0
  private windowAt = 0
  private bytes = 0

  constructor(rate: RateMin) {
    this.rate = rate
  }

  /** From now on it counts. Returns when `verdict` is to be asked. */
  start(now: number, silenceMs: number): number {
    this.silenceMs = silenceMs
    this.movedAt = now
    this.windowAt = now
    this.bytes = 0
    return this.due
  }

  /** Something moved. Returns when `verdict` is to be asked. */
  moved(now: number, bytes: number): number {
    this.movedAt = now
    this.bytes += bytes
    return this.due
  }

  /** When the silence is too long, or the window over. */
  get due(): number {
    const silent = this.movedAt + this.silenceMs
    return this.rate.bytesPerSecond === 0 ? silent : Math.min(silent, this.windowAt + this.rate.windowMs)
  }

  /** Null begins the next window when one is over. */
  verdict(now: number): 'silent' | 'slow' | null {
    const { bytesPerSecond, windowMs } = this.rate
    const runsMs = now - this.windowAt
    if (bytesPerSecond !== 0 && runsMs >= windowMs) {
      if (this.bytes * 1_000 < bytesPerSecond * runsMs) return this.bytes === 0 ? 'silent' : 'slow'
      this.windowAt = now
      this.bytes = 0
    }
    return now >= this.movedAt + this.silenceMs ? 'silent' : null
  }
}
