/** outcome: what an attempt's end means for its delivery. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { STANDARD_SCHEDULE_MS } from '../base/backoff.ts'
import type { CallResult } from '../upstream/call.ts'
import type { OutboundFailure } from '../wire/outbound.ts'
import { type Ending, type Outcome, type RetryRules, outcomeOf as outcomeAfter } from './outcome.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const DAY = 24 * 3_600_000
/** No jitter. */
const RULES: RetryRules = {
  retries: { scheduleMs: [5_000, 60_000], jitter: 'proportional', expireMs: 0 },
  random: () => 0.5,
}

const outcomeOf = (ending: Ending, attempts: number, nowMs: number, rules: RetryRules): Outcome =>
  outcomeAfter(ending, { attempts, acceptedAt: nowMs }, nowMs, rules)

function result(status: number, rest: Partial<CallResult> = {}): CallResult {
  return { status, failure: null, body: '', retryAfter: null, control: null, ...rest }
}

const delivered: Outcome = { state: 'delivered', nextAt: null, failure: null }
const pending = (afterMs: number, failure: string): Outcome => ({ state: 'pending', nextAt: NOW + afterMs, failure })
const exhausted = (failure: string): Outcome => ({ state: 'exhausted', nextAt: null, failure })

const FAILURES: readonly OutboundFailure[] = [
  'connect-refused',
  'connect-timeout',
  'tls-failed',
  'name-not-found',
  'reset',
  'first-byte-timeout',
  'idle-timeout',
  'total-timeout',
  'invalid-answer',
]

describe('outcomeOf', () => {
  for (const status of [200, 201, 202, 204, 299]) {
    it(`calls ${status} delivered, on the first attempt and after the last`, () => {
      for (const attempts of [1, 3, 99]) assert.deepEqual(outcomeOf(result(status), attempts, NOW, RULES), delivered)
    })
  }

  for (const [status, failure] of [
    [301, 'redirect'],
    [302, 'redirect'],
    [304, 'redirect'],
    [307, 'redirect'],
    [308, 'redirect'],
    [400, 'status'],
    [401, 'status'],
    [404, 'status'],
    [429, 'status'],
    [500, 'status'],
    [503, 'status'],
    [599, 'status'],
  ] as const) {
    it(`tries again after ${status}, by the schedule, until it is used up`, () => {
      assert.deepEqual(outcomeOf(result(status), 1, NOW, RULES), pending(5_000, failure))
      assert.deepEqual(outcomeOf(result(status), 2, NOW, RULES), pending(60_000, failure))
      assert.deepEqual(outcomeOf(result(status), 3, NOW, RULES), exhausted(failure))
      assert.deepEqual(outcomeOf(result(status), 4, NOW, RULES), exhausted(failure))
    })
  }

  for (const failure of FAILURES) {
    it(`tries again after ${failure}, even if an answer had begun well`, () => {
      assert.deepEqual(outcomeOf(result(0, { failure }), 1, NOW, RULES), pending(5_000, failure))
      assert.deepEqual(outcomeOf(result(200, { failure }), 1, NOW, RULES), pending(5_000, failure))
      assert.deepEqual(outcomeOf(result(0, { failure }), 3, NOW, RULES), exhausted(failure))
    })
  }

  it('does not try an address again that may not be called', () => {
    assert.deepEqual(outcomeOf(result(0, { failure: 'blocked-address' }), 1, NOW, RULES), exhausted('blocked-address'))
  })

  it('tries once only on an empty schedule', () => {
    assert.deepEqual(
      outcomeOf(result(500), 1, NOW, { ...RULES, retries: { ...RULES.retries, scheduleMs: [] } }),
      exhausted('status'),
    )
  })

  it('moves an attempt by a fifth of its delay at most', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), random, (attempts, n) => {
        const { nextAt } = outcomeOf(result(500), attempts, NOW, {
          retries: { ...RULES.retries, scheduleMs: STANDARD_SCHEDULE_MS },
          random: () => n,
        })
        const delay = nextAt! - NOW
        const step = STANDARD_SCHEDULE_MS[attempts - 1]!
        assert.ok(delay >= step * 0.8 && delay <= step * 1.2)
      }),
    )
  })
})

describe('Retry-After', () => {
  const http = (ms: number) => new Date(ms).toUTCString()

  for (const [value, delay] of [
    ['120', 120_000],
    ['0', 5_000],
    ['4', 5_000],
    ['6', 6_000],
    ['86400', DAY],
    ['86401', DAY],
    ['999999999999', DAY],
    ['1000000000', DAY],
    ['9999999999999999', 5_000],
    ['-120', 5_000],
    ['1e9', 5_000],
    ['12.5', 5_000],
    ['soon', 5_000],
    ['', 5_000],
    [http(NOW + 90_000), 90_000],
    [http(NOW - 90_000), 5_000],
    [http(NOW), 5_000],
    [http(NOW + 40 * DAY), DAY],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 5_000],
    ['Sun Nov  6 08:49:37 1994', 5_000],
    ['2099-01-01', 5_000],
    ['2099', 2_099_000],
    ['Jan 1 2099', 5_000],
    [new Date(NOW + 90_000).toISOString(), 5_000],
    [String(new Date(NOW + 90_000)), 5_000],
    [`${http(NOW + 90_000)} `, 5_000],
    [http(NOW + 90_000).replace('GMT', 'CET'), 5_000],
  ] as const) {
    it(`${JSON.stringify(value)} waits ${delay} ms`, () => {
      for (const status of [429, 503]) {
        assert.deepEqual(outcomeOf(result(status, { retryAfter: value }), 1, NOW, RULES), pending(delay, 'status'))
      }
    })
  }

  for (const status of [302, 400, 500, 502]) {
    it(`says nothing with ${status}`, () => {
      assert.deepEqual(outcomeOf(result(status, { retryAfter: '3600' }), 1, NOW, RULES).nextAt, NOW + 5_000)
    })
  }

  it('never shortens the schedule', () => {
    assert.equal(outcomeOf(result(429, { retryAfter: '1' }), 2, NOW, RULES).nextAt, NOW + 60_000)
  })

  it('does not lengthen it: the last attempt is the last', () => {
    assert.deepEqual(outcomeOf(result(503, { retryAfter: '120' }), 3, NOW, RULES), exhausted('status'))
  })

  it('is between the schedule’s delay and a day, whatever it says', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.date().map(String), fc.nat().map(String)), (value) => {
        const { nextAt } = outcomeOf(result(503, { retryAfter: value }), 1, NOW, RULES)
        assert.ok(Number.isInteger(nextAt))
        assert.ok(nextAt! >= NOW + 5_000 && nextAt! <= NOW + DAY)
      }),
    )
  })
})
