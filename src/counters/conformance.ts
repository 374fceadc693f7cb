/** What every adapter of the counters port must do, run on the real thing by the adapter's own test. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { Counters, RateSpec, Take } from './port.ts'

export interface OpenCounters {
  readonly counters: Counters
  close(): Promise<void> | void
}

/** Declares the suite. `open` gives an adapter with an empty store whose clock is the `nowMs` of each call. */
export function countersConformance(name: string, open: () => Promise<OpenCounters> | OpenCounters): void {
  describe(`counters: ${name}`, () => {
    let store: OpenCounters
    let keys = 0
    const freshKey = (): string => `key-${++keys}`

    before(async () => {
      store = await open()
    })
    after(() => store.close())

    /** A copy, since the adapter may reuse its result. */
    const take = async (key: string, rate: RateSpec, nowMs: number): Promise<Take> => ({
      ...(await store.counters.take(key, rate, nowMs)),
    })
    const takeMany = async (times: number, key: string, rate: RateSpec, nowMs: number): Promise<number> => {
      let allowed = 0
      for (let i = 0; i < times; i++) if ((await store.counters.take(key, rate, nowMs)).allowed) allowed++
      return allowed
    }

    it('admits exactly the burst at once', async () => {
      for (const burst of [1, 3, 7, 100]) {
        assert.equal(await takeMany(burst + 20, freshKey(), { limit: 7, windowMs: 1000, burst }, 5000), burst)
      }
    })

    it('counts each key by itself', async () => {
      const rate = { limit: 2, windowMs: 1000, burst: 2 }
      const [one, other] = [freshKey(), freshKey()]
      assert.equal(await takeMany(5, one, rate, 0), 2)
      assert.equal(await takeMany(5, other, rate, 0), 2)
    })

    it('says what remains and when the bucket is full again', async () => {
      const rate = { limit: 4, windowMs: 1000, burst: 4 }
      const key = freshKey()
      assertTake(await take(key, rate, 0), { allowed: true, remaining: 3, resetMs: 250, retryAfterMs: 0 })
      assertTake(await take(key, rate, 0), { allowed: true, remaining: 2, resetMs: 500, retryAfterMs: 0 })
      assertTake(await take(key, rate, 125), { allowed: true, remaining: 1, resetMs: 625, retryAfterMs: 0 })
      assertTake(await take(key, rate, 5000), { allowed: true, remaining: 3, resetMs: 250, retryAfterMs: 0 })
    })

    it('says when to come back, and keeps its word', async () => {
      const rate = { limit: 4, windowMs: 1000, burst: 2 }
      const key = freshKey()
      await takeMany(2, key, rate, 100)
      assertTake(await take(key, rate, 200), { allowed: false, remaining: 0, resetMs: 400, retryAfterMs: 150 })
      assert.equal((await take(key, rate, 349)).allowed, false, 'not a millisecond before')
      assert.equal((await take(key, rate, 350)).allowed, true, 'at that moment')
      assert.equal((await take(key, rate, 350)).allowed, false, 'and only once')
    })

    it('does not charge for a refusal', async () => {
      const rate = { limit: 1, windowMs: 1000, burst: 1 }
      const key = freshKey()
      await takeMany(50, key, rate, 0)
      assert.equal((await take(key, rate, 1000)).allowed, true)
    })

    it('never holds more than the burst, however long nobody asks', async () => {
      const rate = { limit: 10, windowMs: 1000, burst: 3 }
      const key = freshKey()
      await takeMany(1, key, rate, 0)
      assert.equal(await takeMany(20, key, rate, 86_400_000), 3)
    })

    it('is exact over a long even flow whose interval is no whole number', async () => {
      const rate = { limit: 3, windowMs: 1000, burst: 3 }
      const key = freshKey()
      let allowed = 0
      for (let ms = 0; ms < 5000; ms++) if ((await store.counters.take(key, rate, ms)).allowed) allowed++
      assert.equal(allowed, 3 + 14, 'three at once, then one every 333⅓ ms')
    })

    it('takes a limit that was lowered meanwhile as just reached', async () => {
      const key = freshKey()
      await takeMany(100, key, { limit: 100, windowMs: 1000, burst: 100 }, 0)
      const lowered = { limit: 2, windowMs: 1000, burst: 2 }
      assert.equal((await take(key, lowered, 0)).retryAfterMs, 500)
      assert.equal((await take(key, lowered, 500)).allowed, true)
    })

    it('mints nothing when time goes back', async () => {
      const rate = { limit: 10, windowMs: 1000, burst: 10 }
      const key = freshKey()
      assert.equal(await takeMany(20, key, rate, 10_000), 10)
      assert.equal(await takeMany(20, key, rate, 0), 0)
      assert.equal(await takeMany(20, key, rate, 10_000), 0, 'coming back to the same moment is no progress')
      assert.equal(await takeMany(20, key, rate, 10_100), 1)
    })

    it('agrees with a plain bucket of whole numbers, under any limit and any clock', async () => {
      const spec = fc.record({
        limit: fc.integer({ min: 1, max: 50 }),
        windowMs: fc.constantFrom(100, 1000, 60_000),
        burst: fc.integer({ min: 1, max: 20 }),
      })
      const steps = fc.array(
        fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2000 }), fc.integer({ min: -500, max: -1 })),
        {
          maxLength: 40,
        },
      )
      await fc.assert(
        fc.asyncProperty(spec, steps, async (rate, steps) => {
          const key = freshKey()
          const model = new PlainBucket(rate)
          let nowMs = 1_000_000
          for (const step of steps) {
            nowMs += step
            assertTake(await take(key, rate, nowMs), model.take(nowMs))
          }
        }),
        { numRuns: 200 },
      )
    })
  })
}

/** Counts exactly, times to the microsecond. */
function assertTake(got: Take, expected: Take): void {
  assert.equal(got.allowed, expected.allowed, 'allowed')
  assert.equal(got.remaining, expected.remaining, 'remaining')
  for (const time of ['resetMs', 'retryAfterMs'] as const) {
    assert.ok(Math.abs(got[time] - expected[time]) < 0.001, `${time}: ${got[time]} is not ${expected[time]}`)
  }
}

/** A bucket in integers: a cell is `windowMs` drops and `limit` drops leak out each millisecond, so nothing is ever rounded. */
class PlainBucket {
  private readonly rate: RateSpec
  private drops = 0
  private newestMs = 0

  constructor(rate: RateSpec) {
    this.rate = rate
  }

  take(nowMs: number): Take {
    const { limit, windowMs, burst } = this.rate
    const newestMs = Math.max(nowMs, this.newestMs)
    this.drops = Math.max(0, this.drops - (newestMs - this.newestMs) * limit)
    this.newestMs = newestMs
    const allowed = this.drops + windowMs <= burst * windowMs
    if (allowed) this.drops += windowMs
    const behindMs = newestMs - nowMs
    return {
      allowed,
      remaining: Math.floor((burst * windowMs - this.drops) / windowMs),
      resetMs: behindMs + this.drops / limit,
      retryAfterMs: allowed ? 0 : behindMs + (this.drops + windowMs - burst * windowMs) / limit,
    }
  }
}
