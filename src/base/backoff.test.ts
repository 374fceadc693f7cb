/** backoff: the schedule, step by step, and how far jitter may move it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { STANDARD_SCHEDULE_MS, nextDelayMs } from './backoff.ts'

describe('nextDelayMs', () => {
  it('follows the standard schedule: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h', () => {
    const delays = Array.from({ length: 10 }, (_, i) => nextDelayMs(STANDARD_SCHEDULE_MS, i + 1, () => 0.5))
    const [second, minute, hour] = [1_000, 60_000, 3_600_000]
    assert.deepEqual(delays, [
      5 * second,
      5 * minute,
      30 * minute,
      ...[2, 5, 10, 14, 20, 24].map((hours) => hours * hour),
      null,
    ])
  })

  it('stays within a fifth of the step, in whole milliseconds', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.array(fc.nat(86_400_000), { minLength: 1 }), fc.nat(40), random, (schedule, finished, n) => {
        const delay = nextDelayMs(schedule, finished + 1, () => n)
        const step = schedule[finished]
        if (step === undefined) return assert.equal(delay, null)
        assert.ok(delay !== null && Number.isInteger(delay))
        assert.ok(delay >= Math.floor(step * 0.8) && delay <= Math.ceil(step * 1.2))
      }),
    )
  })

  it('spreads a crowd over the whole of it', () => {
    const delays = Array.from({ length: 1_000 }, (_, i) => nextDelayMs([10_000], 1, () => i / 1_000)!)
    assert.equal(Math.min(...delays), 8_000)
    assert.equal(Math.max(...delays), 11_996)
    assert.equal(new Set(delays).size, 1_000)
  })

  it('is anything up to the step where jitter is full', () => {
    const delays = Array.from({ length: 1_000 }, (_, i) => nextDelayMs([10_000], 1, () => i / 1_000, 'full')!)
    assert.deepEqual([Math.min(...delays), Math.max(...delays)], [0, 9_990])
  })

  it('has no next attempt on an empty schedule', () => {
    assert.equal(
      nextDelayMs([], 1, () => 0),
      null,
    )
  })
})
