/** throttle: how hard a receiver is pushed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type Sign, Throttle, type ThrottleBounds } from './throttle.ts'

const BOUNDS: ThrottleBounds = {
  first: 8,
  max: 64,
  min: 1,
  failures: 5,
  openMs: 10_000,
  openMsMax: 60_000,
  slowFactor: 4,
}

/** How many may run at once now. */
function most(throttle: Throttle, now: number): number {
  let running = 0
  while (throttle.waitMs(running, now) === 0) running++
  return running
}

describe('a throttle', () => {
  it('lets a few at once reach a receiver that nobody knows', () => {
    assert.equal(most(new Throttle(BOUNDS), 0), 8)
  })

  it('lets more and more reach one that answers well, up to the bound', () => {
    const throttle = new Throttle(BOUNDS)
    const seen: number[] = []
    for (let now = 0; now < 100; now++) {
      throttle.ended('well', now, now + 5)
      seen.push(most(throttle, now + 5))
    }
    assert.deepEqual(seen.slice(0, 3), [9, 10, 11])
    assert.equal(seen.at(-1), 64)
  })

  it('halves with a failure, once for all that ran together, and grows by one a round from there', () => {
    const throttle = new Throttle({ ...BOUNDS, failures: Infinity })
    for (let i = 0; i < 8; i++) throttle.ended('struggling', 0, 10)
    assert.equal(most(throttle, 10), 4)
    for (let i = 0; i < 4; i++) throttle.ended('well', 20, 25)
    assert.equal(most(throttle, 25), 4)
    throttle.ended('well', 20, 25)
    assert.equal(most(throttle, 25), 5)
    throttle.ended('struggling', 30, 40)
    throttle.ended('struggling', 35, 41) // started before anybody knew
    assert.equal(most(throttle, 41), 2)
  })

  it('gives way to a receiver that becomes slow, and not to one that always was', () => {
    const quick = new Throttle(BOUNDS)
    quick.ended('well', 0, 10)
    quick.ended('well', 20, 20 + 1_000)
    assert.equal(most(quick, 2_000), 8)
    const slow = new Throttle(BOUNDS)
    slow.ended('well', 0, 1_000)
    slow.ended('well', 1_000, 2_100)
    assert.equal(most(slow, 2_100), 10)
  })

  it('is silent while the receiver asks for patience, then starts slowly', () => {
    const throttle = new Throttle(BOUNDS)
    throttle.pause(3_000, 100)
    assert.deepEqual([throttle.waitMs(0, 100), throttle.waitMs(0, 3_099)], [3_000, 1])
    throttle.pause(1_000, 200) // a shorter wish shortens nothing
    assert.equal(throttle.waitMs(0, 200), 2_900)
    assert.equal(most(throttle, 3_100), 1)
    for (const now of [3_101, 3_102, 3_103]) throttle.ended('well', now, now + 1)
    assert.equal(most(throttle, 3_104), 4)
  })

  it('leaves one alone that fails again and again, sends one probe at a time, and waits longer after each that fails', () => {
    const throttle = new Throttle(BOUNDS)
    for (let now = 0; now < 5; now++) throttle.ended('struggling', now, now + 1)
    assert.equal(throttle.isOpen, true)
    assert.equal(throttle.waitMs(0, 5), 10_000)
    assert.equal(most(throttle, 10_005), 1)
    throttle.ended('struggling', 10_005, 10_010)
    assert.equal(throttle.waitMs(0, 10_010), 20_000)
    throttle.ended('struggling', 30_010, 30_020)
    assert.equal(throttle.waitMs(0, 30_020), 40_000)
    for (let i = 0; i < 5; i++) {
      const now = 100_000 * (i + 1)
      throttle.ended('struggling', now, now)
      assert.equal(throttle.waitMs(0, now), 60_000)
    }
    throttle.ended('well', 900_000, 900_001)
    assert.deepEqual([throttle.isOpen, most(throttle, 900_001)], [false, 2])
  })

  it('hears of what was under way when it opened without waiting longer for it', () => {
    const throttle = new Throttle(BOUNDS)
    for (let i = 0; i < 8; i++) throttle.ended('struggling', 0, 1)
    assert.equal(throttle.waitMs(0, 1), 10_000)
    throttle.ended('struggling', 0, 9_000)
    assert.equal(throttle.waitMs(0, 9_000), 1_001)
  })

  it('takes an answer that says nothing of load for a sign of life', () => {
    const throttle = new Throttle(BOUNDS)
    for (let now = 0; now < 40; now++) throttle.ended(now % 4 === 3 ? 'alive' : 'struggling', now, now)
    assert.equal(throttle.isOpen, false)
  })

  it('stays within its bounds and never waits for nothing, whatever happens', () => {
    const sign = fc.constantFrom<Sign>('well', 'alive', 'struggling')
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ sign, tookMs: fc.nat({ max: 20_000 }), laterMs: fc.nat({ max: 5_000 }) }) },
      fc.record({ pauseMs: fc.nat({ max: 100_000 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const throttle = new Throttle(BOUNDS)
        let now = 0
        let promised = 0
        for (const one of steps) {
          if ('pauseMs' in one) {
            throttle.pause(one.pauseMs, now)
            promised = Math.max(promised, now + one.pauseMs)
          } else {
            now += one.laterMs
            throttle.ended(one.sign, now - one.tookMs, now)
          }
          const wait = throttle.waitMs(0, now)
          assert.ok(wait >= 0 && now + wait <= Math.max(promised, now + BOUNDS.openMsMax), `${wait}`)
          const at = now + wait
          const running = most(throttle, at)
          assert.ok(running >= BOUNDS.min && running <= BOUNDS.max, `${running}`)
        }
      }),
    )
  })
})
