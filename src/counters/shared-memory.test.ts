/** The shared table: the port's suite, then what only threads and a full table can show. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { systemClock } from '../base/clock.ts'
import { countersConformance } from './conformance.ts'
import type { HammerOrder } from './test-hammer.ts'
import { createSharedCounters, sharedCounters } from './shared-memory.ts'

countersConformance('shared memory', () => ({ counters: sharedCounters(createSharedCounters()), close: () => {} }))

/** Lets `threads` engines loose on the same keys; what they were given together. */
async function hammer(
  threads: number,
  order: Pick<HammerOrder, 'table' | 'keys' | 'takesPerKey' | 'rate'>,
): Promise<number> {
  const tally = new SharedArrayBuffer(8)
  const workerData: HammerOrder = { ...order, threads, tally, elapsedMs: systemClock.elapsed() }
  const ends = Array.from({ length: threads }, () =>
    once(new Worker(new URL('./test-hammer.ts', import.meta.url), { workerData }), 'exit'),
  )
  await Promise.all(ends)
  return new Int32Array(tally)[1]!
}

describe('counters in shared memory, between threads', () => {
  it('admits exactly the limit when four threads take from one key', async () => {
    const given = await hammer(4, {
      table: createSharedCounters(),
      keys: ['one'],
      takesPerKey: 30_000,
      rate: { limit: 10_000, windowMs: 1000, burst: 10_000 },
    })
    assert.equal(given, 10_000)
  })

  it('admits exactly the limit of each of many keys', async () => {
    const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
    const rate = { limit: 50, windowMs: 1000, burst: 50 }
    const given = await hammer(3, { table: createSharedCounters(), keys, takesPerKey: 100, rate })
    assert.equal(given, 100 * 50)
  })

  it('goes on after an engine died while it held a lock', () => {
    const table = createSharedCounters(16)
    const counters = sharedCounters(table)
    const rate = { limit: 2, windowMs: 1000, burst: 2 }
    counters.take('key', rate, 0)
    // Every lock of the two groups, just after the header of 64 bytes, is held by an engine that is no more.
    const locks = new Int32Array(table, 64, 2)
    locks.fill(99)
    assert.equal(counters.take('key', rate, 0).allowed, true, 'the lock is taken over')
    assert.equal(counters.take('key', rate, 0).allowed, false, 'and what was counted is still counted')
    assert.ok(locks.includes(0), 'the lock is free again')
  })
})

describe('counters in shared memory, when the table is full', () => {
  const rate = { limit: 100, windowMs: 60_000, burst: 100 }

  it('forgets who is nearest to full, never who is at the limit', () => {
    const counters = sharedCounters(createSharedCounters(16))
    for (let i = 0; i < 100; i++) counters.take('greedy', rate, 0)
    for (let i = 0; i < 10_000; i++) counters.take(`passer-by ${i}`, rate, 0)
    assert.equal(counters.take('greedy', rate, 0).allowed, false)
  })

  it('forgets buckets that are full again first, which loses nothing', () => {
    const counters = sharedCounters(createSharedCounters(16))
    for (let i = 0; i < 1000; i++) counters.take(`earlier ${i}`, rate, 0)
    for (let i = 0; i < 4; i++) assert.equal(counters.take(`later ${i}`, rate, 60_000).remaining, 99)
    for (let i = 0; i < 4; i++) assert.equal(counters.take(`later ${i}`, rate, 60_000).remaining, 98)
  })

  it('may be as small as you like', () => {
    for (const keys of [1, 8, 9, 17])
      assert.equal(sharedCounters(createSharedCounters(keys)).take('a', rate, 0).remaining, 99)
  })

  it('refuses sizes that make no sense', () => {
    for (const keys of [0, -1, Number.NaN, 2 ** 25]) assert.throws(() => createSharedCounters(keys), RangeError)
  })
})
