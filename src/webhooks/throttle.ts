/**
 * How hard one receiver may be pushed: as many attempts at once as it has shown to bear (additive increase, multiplicative decrease), none
 * while it asks for patience, and one at a time to see whether it is back once it has failed for a while. Told the time, holds no timer.
 */

/** What an attempt says of the receiver, not of the message. */
export type Sign =
  /** It answered, and in its usual time. */
  | 'well'
  /** It answered something that says nothing of its load (400, 404), or was asked by hand. */
  | 'alive'
  /** It answered with 429 or 5xx, or not at all. */
  | 'struggling'

export interface ThrottleBounds {
  /** Attempts at once: of a receiver nobody knows yet, and ever. */
  readonly first: number
  readonly max: number
  readonly min: number
  /** Failures in a row after which it is left alone; Infinity: never. */
  readonly failures: number
  /** How long it is left alone the first time, ms; twice as long after every probe that fails, up to the bound. */
  readonly openMs: number
  readonly openMsMax: number
  /** An answer that takes so many times as long as the receiver's best is a sign of load. Infinity: none is. */
  readonly slowFactor: number
}

/** Below so many ms nothing is slow. */
const SLOW_MS_MIN = 250
/** What is forgotten of the best latency with each answer: a receiver that has become slower for good is given its due. */
const BEST_DRIFT = 1.001

export class Throttle {
  private readonly bounds: ThrottleBounds
  /** How many may run at once; fractions count towards the next one. */
  private limit: number
  /** Up to here every good answer allows one more (slow start), beyond it every `limit` good answers do. */
  private threshold: number
  private bestMs = Number.POSITIVE_INFINITY
  private failuresInRow = 0
  /** Answers to what was started before the last decrease say nothing new. */
  private decreasedAt = Number.NEGATIVE_INFINITY
  /** Nothing is started before. */
  private until = Number.NEGATIVE_INFINITY
  /** Failed probes since it was last well; 0 while the breaker is closed. */
  private opened = 0

  constructor(bounds: ThrottleBounds) {
    this.bounds = bounds
    this.limit = bounds.first
    this.threshold = bounds.max
  }

  /** How long until another attempt may start beside `running` ones, ms: 0 is now, Infinity when one of those must end first. */
  waitMs(running: number, now: number): number {
    if (now < this.until) return this.until - now
    const most = this.opened > 0 ? 1 : Math.floor(this.limit)
    return running < most ? 0 : Number.POSITIVE_INFINITY
  }

  /** As of a receiver nobody knows. */
  reset(): void {
    this.limit = this.bounds.first
    this.threshold = this.bounds.max
    this.bestMs = Number.POSITIVE_INFINITY
    this.failuresInRow = this.opened = 0
    this.decreasedAt = this.until = Number.NEGATIVE_INFINITY
  }

  /** It asks for patience: nothing starts for so long, and then slowly. */
  pause(ms: number, now: number): void {
    this.until = Math.max(this.until, now + ms)
    this.restart()
  }

  /** An attempt that started at `startedAt` has ended. */
  ended(sign: Sign, startedAt: number, now: number): void {
    if (sign === 'struggling') return this.failed(startedAt, now)
    this.failuresInRow = 0
    if (this.opened > 0) this.recovered()
    if (sign === 'well') this.went(now - startedAt, startedAt, now)
  }

  /** Nothing is known of it that a new one would not assume. */
  isFresh(now: number): boolean {
    return this.opened === 0 && this.failuresInRow === 0 && this.limit >= this.bounds.first && this.until <= now
  }

  /** It has been left alone since it failed, and only probes are sent. */
  get isOpen(): boolean {
    return this.opened > 0
  }

  private went(tookMs: number, startedAt: number, now: number): void {
    this.bestMs = Math.min(this.bestMs * BEST_DRIFT, tookMs)
    if (tookMs > Math.max(SLOW_MS_MIN, this.bestMs * this.bounds.slowFactor)) return this.decrease(0.9, startedAt, now)
    this.limit = Math.min(this.bounds.max, this.limit + (this.limit < this.threshold ? 1 : 1 / this.limit))
  }

  private failed(startedAt: number, now: number): void {
    this.failuresInRow++
    this.decrease(0.5, startedAt, now)
    if (this.failuresInRow < this.bounds.failures) return
    // What was under way when it was left alone tells nothing that is not known.
    if (this.opened > 0 && startedAt < this.until) return
    const { openMs, openMsMax } = this.bounds
    this.until = now + Math.min(openMsMax, openMs * 2 ** Math.min(this.opened, 30))
    this.opened++
    this.restart()
  }

  private recovered(): void {
    this.opened = 0
    this.restart()
  }

  private decrease(factor: number, startedAt: number, now: number): void {
    if (startedAt < this.decreasedAt) return
    this.decreasedAt = now
    this.threshold = this.limit = Math.max(this.bounds.min, this.limit * factor)
  }

  /** From one, doubling: what has waited must not come down on it at once. */
  private restart(): void {
    this.threshold = Math.max(this.bounds.first, this.limit)
    this.limit = this.bounds.min
  }
}
