/** Deadlines of connections: one sweep for all of them instead of a timer each, because most deadlines are moved and never met. */
import type { Clock } from '../base/clock.ts'

/** How often deadlines are looked at: they are met up to this much late. */
const SWEEP_MS = 50

/** Somebody with a deadline. */
export interface Timed {
  /** Monotonic ms, compared with `Deadlines.now`; 0 is none. */
  deadline: number
  /** The deadline has passed. Called once for each time it is set. */
  expired(): void
}

export class Deadlines {
  /** Monotonic ms of the last sweep: cheap, and at most SWEEP_MS old. */
  now: number
  private readonly timed = new Set<Timed>()
  readonly clock: Clock
  private readonly timer: NodeJS.Timeout

  constructor(clock: Clock) {
    this.clock = clock
    this.now = clock.elapsed()
    this.timer = setInterval(() => this.sweep(), SWEEP_MS)
    this.timer.unref()
  }

  add(timed: Timed): void {
    this.timed.add(timed)
  }

  remove(timed: Timed): void {
    this.timed.delete(timed)
  }

  close(): void {
    clearInterval(this.timer)
    this.timed.clear()
  }

  private sweep(): void {
    const now = (this.now = this.clock.elapsed())
    for (const one of this.timed) {
      if (one.deadline !== 0 && now >= one.deadline) {
        one.deadline = 0
        one.expired()
      }
    }
  }
}
