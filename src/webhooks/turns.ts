/** Whose turn it is: lanes that may start an attempt take turns, one each; those that have to wait are parked until their time. */
import type { Clock } from '../base/clock.ts'
import { type Lane, RESERVE } from './lanes.ts'

/** Lanes that are paced wait some milliseconds each: they are looked at together. */
export const TICK_MS = 10
/** A timer that is due by a clock that stands still (a stopped process, a test) looks again after so long. */
const LOOK_MS_MAX = 250

export class Turns {
  private readonly clock: Clock
  private readonly onTime: (lanes: readonly Lane[]) => void
  /** Lanes within their reserve, which start at once, and the others. */
  private readonly reserved = new Set<Lane>()
  private readonly ready = new Set<Lane>()
  private readonly parked = new Set<Lane>()
  private timer: NodeJS.Timeout | undefined
  private timerAt = Number.POSITIVE_INFINITY

  /** `onTime` hears of lanes that need not wait any more. */
  constructor(clock: Clock, onTime: (lanes: readonly Lane[]) => void) {
    this.clock = clock
    this.onTime = onTime
  }

  /** Gives a lane in which something waits its turn. */
  mark(lane: Lane): void {
    if (lane.jobs.length === 0 || lane.parkedUntil !== 0) return
    if (lane.running >= RESERVE) this.ready.add(lane)
    else if (!this.reserved.has(lane)) {
      this.ready.delete(lane)
      this.reserved.add(lane)
    }
  }

  /** Takes the lane whose turn it is; `onlyReserved` when there is no room for more than every lane's reserve. */
  next(onlyReserved: boolean): Lane | undefined {
    const list = this.reserved.size > 0 || onlyReserved ? this.reserved : this.ready
    for (const lane of list) {
      list.delete(lane)
      return lane
    }
    return undefined
  }

  /** Leaves a lane out for so long. */
  park(lane: Lane, waitMs: number): void {
    const until = this.clock.elapsed() + waitMs
    lane.parkedUntil = Math.max(lane.parkedUntil, until)
    this.reserved.delete(lane)
    this.ready.delete(lane)
    this.parked.add(lane)
    this.arm(until)
  }

  /** It need not wait any more. */
  unpark(lane: Lane): void {
    this.parked.delete(lane)
    lane.parkedUntil = 0
  }

  clear(): void {
    clearTimeout(this.timer)
    for (const lanes of [this.reserved, this.ready, this.parked]) lanes.clear()
  }

  private arm(at: number): void {
    if (at >= this.timerAt) return
    this.timerAt = at
    clearTimeout(this.timer)
    const ms = Math.min(LOOK_MS_MAX, Math.max(TICK_MS, at - this.clock.elapsed()))
    this.timer = setTimeout(() => this.look(), ms)
  }

  private look(): void {
    this.timerAt = Number.POSITIVE_INFINITY
    const now = this.clock.elapsed()
    const over: Lane[] = []
    let next = Number.POSITIVE_INFINITY
    for (const lane of this.parked) {
      if (lane.parkedUntil > now) {
        next = Math.min(next, lane.parkedUntil)
        continue
      }
      this.unpark(lane)
      over.push(lane)
    }
    if (next !== Number.POSITIVE_INFINITY) this.arm(next)
    if (over.length > 0) this.onTime(over)
  }
}
