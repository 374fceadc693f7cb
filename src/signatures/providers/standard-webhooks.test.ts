/** The reference library and Svix's: both sign what we accept and accept what we sign. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { systemClock } from '../../base/clock.ts'
import { newId } from '../../base/ids.ts'
import { prepareKeys } from '../keys.ts'
import { plainRequest } from '../request.ts'
import { signHeaders } from '../sign.ts'
import { generateSecret, signingSecretProblem } from '../standard.ts'
import { verify } from '../verify.ts'
import { standardWebhooks } from './standard-webhooks.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const keys = prepareKeys(standardWebhooks, [SECRET])
/** The libraries read the clock themselves. */
const NOW = systemClock.now()
const SEC = Math.floor(NOW / 1000)
const texts = fc.string({ unit: 'grapheme', maxLength: 200 })

const vector = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  sec: 1_614_265_330,
  body: Buffer.from('{"test": 2432232314}'),
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}

const check = (headers: Record<string, string>, body: Uint8Array | string, nowMs = NOW) =>
  verify(standardWebhooks, plainRequest(headers, body), keys, nowMs)

const signStandard = (id: string, sec: number, body: Uint8Array, signers = keys) =>
  signHeaders(standardWebhooks, { id, timestampMs: sec * 1000, body }, signers)

describe('standard-webhooks', () => {
  it('computes the signature of a known message', () => {
    const headers = {
      'webhook-id': vector.id,
      'webhook-timestamp': String(vector.sec),
      'webhook-signature': vector.signature,
    }
    const message = { id: vector.id, timestampMs: vector.sec * 1000, body: vector.body }
    assert.deepEqual(signHeaders(standardWebhooks, message, keys), headers)
    assert.equal(check(headers, vector.body, vector.sec * 1000).ok, true)
  })

  for (const [name, Webhook] of [
    ['standardwebhooks', StandardWebhook],
    ['svix', SvixWebhook],
  ] as const) {
    it(`accepts what ${name} signs`, () => {
      const library = new Webhook(SECRET)
      fc.assert(
        fc.property(texts, (text) => {
          const id = newId('msg_', NOW)
          const headers = {
            'webhook-id': id,
            'webhook-timestamp': String(SEC),
            'webhook-signature': library.sign(id, new Date(NOW), text),
          }
          const verdict = check(headers, text)
          assert.equal(verdict.ok && verdict.eventId, id)
        }),
      )
    })

    it(`is accepted by ${name}, with every active secret of a rotation`, () => {
      fc.assert(
        fc.property(texts, (text) => {
          const secrets = [generateSecret(), generateSecret(), generateSecret()]
          const body = Buffer.from(JSON.stringify({ type: 'order.paid', text }))
          const headers = signStandard(newId('msg_', NOW), SEC, body, prepareKeys(standardWebhooks, secrets))
          assert.equal(headers['webhook-signature']!.split(' ').length, 3)
          for (const secret of secrets) new Webhook(secret).verify(body, { ...headers })
          assert.throws(() => new Webhook(SECRET).verify(body, { ...headers }))
        }),
      )
    })
  }

  it('takes the bytes of an id as they came, whatever their encoding', () => {
    const signature = new StandardWebhook(SECRET).sign('msg_é', new Date(NOW), '{}')
    const onTheWire = Buffer.from('msg_é').toString('latin1')
    const headers = { 'webhook-id': onTheWire, 'webhook-timestamp': String(SEC), 'webhook-signature': signature }
    assert.equal(check(headers, '{}').ok, true)
  })

  it('signs bytes that are no text, which the libraries cannot', () => {
    const body = Buffer.from([0xff, 0, 0x0d, 0x0a, 0xef, 0xbb, 0xbf])
    const headers = { ...signStandard('msg_1', SEC, body, keys) }
    assert.equal(check(headers, body).ok, true)
    assert.equal(check(headers, Buffer.from(body.toString())).ok, false)
  })

  it('refuses other line ends, a byte order mark and JSON written anew', () => {
    const body = '{\r\n  "type": "a",\r\n  "n": 12345678901234567890\r\n}'
    const headers = { ...signStandard('msg_1', SEC, Buffer.from(body), keys) }
    assert.deepEqual(check(headers, body), { ok: true, keyIndex: 0, eventId: 'msg_1', eventType: 'a' })
    for (const other of [body.replaceAll('\r\n', '\n'), `\ufeff${body}`, JSON.stringify(JSON.parse(body))])
      assert.deepEqual(check(headers, other), { ok: false, reason: 'mismatch' })
  })

  it('signs no id and no time that a receiver could not read back', () => {
    for (const id of ['', 'a.b', 'a b', 'a\r\nx: y', 'é'])
      assert.throws(() => signStandard(id, SEC, vector.body, keys), RangeError, id)
    for (const sec of [-1, NaN, Infinity, 1e13])
      assert.throws(() => signStandard('msg_1', sec, vector.body, keys), RangeError)
  })
})

const secretOf = (length: number) => `whsec_${Buffer.alloc(length, 7).toString('base64')}`

describe('signing secrets', () => {
  it('are new each time and good for signing', () => {
    const secrets = new Set(Array.from({ length: 100 }, generateSecret))
    assert.equal(secrets.size, 100)
    for (const secret of secrets) {
      assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
      assert.equal(signingSecretProblem(secret), null)
    }
  })

  it('are 24 to 64 bytes of base64 behind whsec_', () => {
    for (const length of [24, 32, 64]) assert.equal(signingSecretProblem(secretOf(length)), null)
    assert.match(signingSecretProblem(secretOf(23))!, /24 to 64 bytes; this one is 23/)
    assert.match(signingSecretProblem(secretOf(65))!, /24 to 64 bytes; this one is 65/)
    assert.match(signingSecretProblem(secretOf(32).slice('whsec_'.length))!, /begins with whsec_/)
    assert.match(signingSecretProblem('whsec_')!, /base64/)
    for (const secret of [secretOf(32).slice(0, -1), secretOf(32).replace('B', '-'), `${secretOf(32)} `]) {
      assert.match(signingSecretProblem(secret)!, /base64/)
      assert.ok(!signingSecretProblem(secret)!.includes(secret.slice(6)))
    }
  })
})
