/** Times read back as written, and nothing read that no provider writes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { TimestampUnit } from './scheme.ts'
import { formatTimestamp, isFresh, parseTimestamp } from './timestamp.ts'

const UNITS: readonly TimestampUnit[] = ['s', 'ms', 'iso']
const YEAR_9999 = Date.UTC(9999, 11, 31)
const times = fc.integer({ min: 0, max: YEAR_9999 })

describe('timestamps', () => {
  it('read back what they write, to the precision of the unit', () => {
    fc.assert(
      fc.property(times, fc.constantFrom(...UNITS), (ms, unit) => {
        const expected = unit === 's' ? Math.floor(ms / 1000) * 1000 : ms
        assert.equal(parseTimestamp(formatTimestamp(ms, unit), unit), expected)
      }),
    )
  })

  it('refuse every text that is not the one they would write', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.bigInt().map(String)), (text) => {
        for (const unit of ['s', 'ms'] as const) {
          const ms = parseTimestamp(text, unit)
          if (ms !== null) assert.equal(formatTimestamp(ms, unit), text)
        }
      }),
    )
  })

  it('read RFC 3339 with an offset and a fraction, and no other date', () => {
    assert.equal(parseTimestamp('2023-11-14T22:13:20Z', 'iso'), 1_700_000_000_000)
    assert.equal(parseTimestamp('2023-11-15T00:13:20.5+02:00', 'iso'), 1_700_000_000_500)
    for (const text of [
      '2023-11-14',
      '2023-11-14T22:13:20',
      '2023-13-14T22:13:20Z',
      'Tue, 14 Nov 2023 22:13:20 GMT',
      '',
    ])
      assert.equal(parseTimestamp(text, 'iso'), null, text)
  })

  it('end where a Date ends', () => {
    assert.equal(parseTimestamp('8640000000000', 's'), 8.64e15)
    assert.equal(parseTimestamp('8640000000001', 's'), null)
    assert.equal(parseTimestamp('8640000000000001', 'ms'), null)
  })

  it('are not written for a time that no provider can have', () => {
    for (const unit of UNITS) {
      for (const ms of [-1, NaN, Infinity, 8.64e15 + 2]) assert.throws(() => formatTimestamp(ms, unit), RangeError)
    }
  })

  it('are fresh within the tolerance, symmetrically', () => {
    fc.assert(
      fc.property(
        times,
        fc.integer({ min: -900_000, max: 900_000 }),
        fc.nat({ max: 600 }),
        (stamp, off, toleranceSec) => {
          const rule = { from: 'header', name: 'x', unit: 'ms', toleranceSec } as const
          assert.equal(isFresh(stamp, rule, stamp + off), Math.abs(off) <= toleranceSec * 1000)
          assert.equal(isFresh(stamp, rule, stamp + off), isFresh(stamp, rule, stamp - off))
        },
      ),
    )
  })
})
