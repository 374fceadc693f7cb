/** clock: dates as HTTP writes them, and time that goes on. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { httpDate, parseHttpDate, systemClock } from './clock.ts'

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

describe('parseHttpDate', () => {
  const NOW = Date.UTC(2026, 0, 2)

  it('reads what httpDate writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (ms) => {
        assert.equal(parseHttpDate(httpDate(ms), NOW), ms - (ms % 1_000))
      }),
    )
  })

  for (const text of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])
    it(`reads ${text}`, () => assert.equal(parseHttpDate(text, NOW), 784_111_777_000))

  it('takes two digits for a year that is at most 50 years ahead', () => {
    assert.equal(parseHttpDate('Friday, 01-Jan-76 00:00:00 GMT', NOW), Date.UTC(2076, 0, 1))
    assert.equal(parseHttpDate('Saturday, 01-Jan-77 00:00:00 GMT', NOW), Date.UTC(1977, 0, 1))
  })

  for (const text of [
    '',
    '1994-11-06T08:49:37Z',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 31 Nov 1994 08:49:37 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:49:37 GMT',
    'Sun, 06 Nov 1994 08:60:37 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
    ' Sun, 06 Nov 1994 08:49:37 GMT',
    'tomorrow',
  ])
    it(`reads nothing in ${JSON.stringify(text)}`, () => assert.ok(Number.isNaN(parseHttpDate(text, NOW))))
})

describe('systemClock', () => {
  it('goes on', () => {
    const before = [systemClock.now(), systemClock.elapsed()] as const
    const after = [systemClock.now(), systemClock.elapsed()] as const
    assert.ok(after[0] >= before[0] && after[1] >= before[1])
    assert.ok(Number.isInteger(before[0]))
  })
})
