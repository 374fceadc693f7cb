/** How long a client may take over what it sends: a head has a time in all, a body only has to move. */
import { type Problem, PROBLEMS } from '../base/problem.ts'
import type { Deadlines } from './deadlines.ts'
import type { ClientTimeouts } from './inbound.ts'
import { Pace } from './pace.ts'

export class InputTime {
  /** Longest silence within a body. */
  idleMs: number
  private readonly deadlines: Deadlines
  private readonly headMs: number
  private readonly pace: Pace
  private headUntil = 0

  constructor(deadlines: Deadlines, { headMs, bodyIdleMs, rateMin }: ClientTimeouts) {
    this.deadlines = deadlines
    this.headMs = headMs
    this.idleMs = bodyIdleMs
    this.pace = new Pace(rateMin)
  }

  // Each gives the deadline at which it is to be asked whether the time is over.

  headBegins(): number {
    this.headUntil = this.deadlines.now + this.headMs
    return this.pace.start(this.deadlines.now, this.headMs)
  }

  /** From now on the client is waited for. */
  bodyBegins(): number {
    return this.pace.start(this.deadlines.now, this.idleMs)
  }

  moved(bytes: number): number {
    return this.pace.moved(this.deadlines.now, bytes)
  }

  /** The next deadline, or what is wrong. */
  headIsLate(): number | Problem {
    const { now } = this.deadlines
    if (now >= this.headUntil || this.pace.verdict(now) !== null) return PROBLEMS.headTimeout
    return Math.min(this.headUntil, this.pace.due)
  }

  /** The next deadline, or what is wrong. */
  bodyIsLate(): number | Problem {
    const verdict = this.pace.verdict(this.deadlines.now)
    if (verdict === null) return this.pace.due
    return verdict === 'slow' ? PROBLEMS.bodyTooSlow : PROBLEMS.bodyTimeout
  }
}
