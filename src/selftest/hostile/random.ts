/** Chance that can be repeated: the same seed draws the same. */

export class Random {
  private state: number

  constructor(seed: string) {
    // FNV-1a over the text.
    let hash = 0x811c9dc5
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193)
    this.state = hash >>> 0
  }

  /** From 0 up to, not including, 1 (mulberry32). */
  draw(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number below `end`. */
  below(end: number): number {
    return Math.floor(this.draw() * end)
  }

  pick<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!
  }

  /** True so often out of 1. */
  chance(probability: number): boolean {
    return this.draw() < probability
  }
}
