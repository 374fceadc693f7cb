/** due: certificates are renewed in time and not all at once; CAs that fail are left alone for as long as they want. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { OrderedCertificate } from '../model/tls.ts'
import { renewAt, retryMs } from './due.ts'
import { CaRefusal, CaUnreachable } from './failure.ts'

const DAY_MS = 86_400_000
const living = (days: number): OrderedCertificate => ({
  issuer: '',
  name: '',
  chain: '',
  key: '',
  issuedAt: 0,
  expiresAt: days * DAY_MS,
})
const LIMITED = 'urn:ietf:params:acme:error:rateLimited'

test('renewal comes so long before the end, or up to a tenth of that later', () => {
  const at = (days: number, before: number, random: number) => renewAt(living(days), before * DAY_MS, () => random)
  assert.equal(at(90, 30, 0), 60 * DAY_MS)
  assert.equal(at(90, 30, 1), 63 * DAY_MS)
  assert.equal(at(6, 30, 0), 3 * DAY_MS, 'not before the middle of its life')
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 1, max: 366 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (days, before, random) => {
        const renewal = at(days, before, random)
        assert.ok(renewal >= (days * DAY_MS) / 2 - 1 && renewal < days * DAY_MS)
      },
    ),
  )
})

test('failures in a row are waited for ever longer, to a bound', () => {
  const waits = (error: Error) => [1, 2, 3, 40].map((failures) => retryMs(error, failures, () => 0))
  assert.deepEqual(waits(new CaUnreachable('')), [5_000, 10_000, 20_000, 600_000])
  assert.deepEqual(waits(new CaRefusal('no')), [60_000, 120_000, 240_000, 21_600_000])
  assert.deepEqual(waits(new Error('ours')), [60_000, 120_000, 240_000, 21_600_000])
})

test('a CA is never asked sooner than it wants', () => {
  assert.equal(
    retryMs(new CaRefusal('', LIMITED), 1, () => 0),
    3_600_000,
  )
  assert.equal(
    retryMs(new CaRefusal('', LIMITED, 90_000), 1, () => 0),
    90_000,
  )
  fc.assert(
    fc.property(
      fc.nat(10 ** 9),
      fc.integer({ min: 1, max: 50 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (asked, failures, random) => {
        assert.ok(retryMs(new CaRefusal('', '', asked), failures, () => random) >= asked)
      },
    ),
  )
})
