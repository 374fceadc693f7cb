/** clock: dates as HTTP writes them, and time that goes on. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { httpDate, systemClock } from './clock.ts'

describe('httpDate', () => {
  it('is an IMF-fixdate of the second, whatever was asked before', () => {
    const moment = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) })
    fc.assert(
      fc.property(fc.array(moment, { minLength: 1 }), (moments) => {
        for (const ms of moments) {
          const date = httpDate(ms)
          assert.match(date, /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/)
          assert.equal(Date.parse(date), ms - (ms % 1_000))
        }
      }),
    )
  })

  it('is the example of RFC 9110 §5.6.7', () => {
    assert.equal(httpDate(784_111_777_999), 'Sun, 06 Nov 1994 08:49:37 GMT')
  })
})

describe('systemClock', () => {
  it('goes on', () => {
    const before = [systemClock.now(), systemClock.elapsed()] as const
    const after = [systemClock.now(), systemClock.elapsed()] as const
    assert.ok(after[0] >= before[0] && after[1] >= before[1])
    assert.ok(Number.isInteger(before[0]))
  })
})
