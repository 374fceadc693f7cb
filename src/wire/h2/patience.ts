/**
 * How much a peer may ask of us without sending anything: one allowance for every cheap frame that makes work (RFC 9113 §10.5). Work
 * that was asked for and done earns it back, so that a busy connection is not mistaken for an abusive one.
 */

/** Points a connection starts with, and the most it can have. */
const POINTS_MAX = 1_000
const POINTS_PER_SECOND = 100

/** What things cost. */
export const COST = {
  /** A frame that only wants an answer or says nothing: PING, SETTINGS, PRIORITY, an unknown one, DATA of no bytes. */
  idleFrame: 1,
  /** A window opened by little. */
  windowUpdate: 0.2,
  /** A request that was begun for nothing: reset by the peer (rapid reset), or by us for what the peer did (MadeYouReset). */
  wastedRequest: 5,
} as const

export class Patience {
  private points = POINTS_MAX
  /** Monotonic ms. */
  private at: number

  constructor(now: number) {
    this.at = now
  }

  /** False when it is at an end. */
  spend(cost: number, now: number): boolean {
    this.points = Math.min(POINTS_MAX, this.points + ((now - this.at) * POINTS_PER_SECOND) / 1_000)
    this.at = now
    this.points -= cost
    return this.points > 0
  }

  earn(points: number): void {
    this.points = Math.min(POINTS_MAX, this.points + points)
  }
}
