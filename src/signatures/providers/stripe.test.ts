/** Stripe's own library signs what we accept and accepts what we sign. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Stripe } from 'stripe'
import { prepareKeys } from '../keys.ts'
import { plainRequest } from '../request.ts'
import { signHeaders } from '../sign.ts'
import { verify } from '../verify.ts'
import { stripe } from './stripe.ts'

const NOW = 1_614_556_800_000
const SECRET = 'whsec_test_secret'
const keys = prepareKeys(stripe, [SECRET])
const EVENT = '{"id":"evt_1","object":"event","type":"payment_intent.succeeded"}'

const check = (header: string, body: Uint8Array | string, nowMs = NOW) =>
  verify(stripe, plainRequest({ 'stripe-signature': header }, body), keys, nowMs)

const theirs = (payload: string, timestamp = NOW / 1000) =>
  Stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET, timestamp })

const ours = (body: Uint8Array, by = keys) =>
  signHeaders(stripe, { id: 'unused', timestampMs: NOW, body }, by)['stripe-signature']!

const accepted = (body: Buffer, header: string) =>
  Stripe.webhooks.constructEvent(body, header, SECRET, 300, undefined, NOW)

describe('stripe', () => {
  it('computes the signature of a known message', () => {
    assert.equal(
      ours(Buffer.from('{"id":"evt_1","object":"event"}')),
      't=1614556800,v1=7a0685c65fcda9f1dd585b6eaa74ead6d954e5895ecc08263afbd424c5661b46',
    )
  })

  it('accepts what the library signs and names the event', () => {
    assert.deepEqual(check(theirs(EVENT), EVENT), {
      ok: true,
      keyIndex: 0,
      eventId: 'evt_1',
      eventType: 'payment_intent.succeeded',
    })
    fc.assert(fc.property(fc.json(), (json) => check(theirs(json), json).ok))
  })

  it('is accepted by the library, one signature a secret', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.string({ unit: 'grapheme' }), (id, text) => {
        const body = Buffer.from(JSON.stringify({ id, object: 'event', text }))
        assert.equal(accepted(body, ours(body)).id, id)
        assert.equal(accepted(body, ours(body, prepareKeys(stripe, ['whsec_next', SECRET]))).id, id)
      }),
    )
  })

  it('refuses a time in the future, which the library lets pass', () => {
    const header = theirs(EVENT, NOW / 1000 + 3600)
    assert.equal(accepted(Buffer.from(EVENT), header).id, 'evt_1')
    assert.deepEqual(check(header, EVENT), { ok: false, reason: 'expired' })
  })

  it('verifies bytes: other line ends, a byte order mark or JSON written anew are other messages', () => {
    const pretty = JSON.stringify(JSON.parse(EVENT), null, 2)
    const header = theirs(pretty)
    assert.equal(check(header, pretty).ok, true)
    for (const body of [EVENT, pretty.replaceAll('\n', '\r\n'), `\ufeff${pretty}`, `${pretty}\n`])
      assert.deepEqual(check(header, body), { ok: false, reason: 'mismatch' })
    const marked = Buffer.from(`\ufeff${EVENT}\r\n`)
    assert.equal(check(ours(marked), marked).ok, true)
    assert.equal(check(ours(Buffer.from([0, 255, 13, 10])), Buffer.from([0, 255, 13, 10])).ok, true)
  })
})
