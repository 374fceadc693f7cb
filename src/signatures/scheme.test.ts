/** Every scheme that the record can describe: what is signed verifies, and nothing else does. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type Keys, prepareKeys } from './keys.ts'
import { plainRequest } from './request.ts'
import type { Part, Scheme, TimestampRule } from './scheme.ts'
import { signHeaders } from './sign.ts'
import { verify } from './verify.ts'

const header = 'x-signature'
const encoding = fc.constantFrom('hex' as const, 'base64' as const)
const lists = fc.record({
  form: fc.constant('list' as const),
  header: fc.constant(header),
  encoding,
  prefix: fc.constantFrom('', 'v0=', 'v1,', 'sha256='),
  separator: fc.constantFrom(null, ' ', ','),
})
const pairs = fc.record({
  form: fc.constant('pairs' as const),
  header: fc.constant(header),
  encoding,
  separator: fc.constantFrom(',', ';'),
  signatureKey: fc.constantFrom('v1', 'h1'),
})
const timestamps = (from: TimestampRule['from']) =>
  fc.record({
    from: fc.constant(from),
    name: fc.constant(from === 'header' ? 'x-timestamp' : 't'),
    unit: fc.constantFrom('s', 'ms', 'iso'),
    toleranceSec: fc.constantFrom(5, 300),
  })

/** A comma divides both the prefix `v1,` and a comma-separated list, so no scheme has the two. */
const rules = fc
  .oneof(
    fc.tuple(lists, fc.option(timestamps('header'))),
    fc.tuple(pairs, timestamps('signature')),
    fc.tuple(pairs, fc.option(timestamps('header'))),
  )
  .filter(([rule]) => !(rule.form === 'list' && rule.prefix === 'v1,' && rule.separator === ','))

const schemes: fc.Arbitrary<Scheme> = fc
  .record({
    rules,
    hasId: fc.boolean(),
    bodyLast: fc.boolean(),
    algorithm: fc.constantFrom<Scheme['algorithm']>('hmac-sha1', 'hmac-sha256', 'hmac-sha512'),
    key: fc.constantFrom<Scheme['key']>('utf8', 'hex', 'base64', 'whsec'),
  })
  .map(({ rules: [signature, timestamp], hasId, bodyLast, algorithm, key }) => {
    const meta: Part[] = ['lit:v0:']
    if (hasId) meta.push('id', 'lit:|')
    if (timestamp !== null) meta.push('timestamp', 'lit:.')
    return {
      id: 'drawn',
      title: 'Drawn',
      documentation: 'https://example.com',
      algorithm,
      key,
      signature,
      timestamp,
      idHeader: hasId ? 'x-id' : null,
      content: bodyLast ? [...meta, 'body'] : ['body', ...meta],
      eventId: [],
      eventType: [],
      eventAction: null,
    }
  })

const NOW = 1_700_000_000_000
/** Of one length: HMAC pads a key with zeros (RFC 2104 §2), so keys that differ in trailing zeros alone are the same key. */
const secretBytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
const writeSecret = (form: Scheme['key'], bytes: Uint8Array): string => {
  const base64 = Buffer.from(bytes).toString('base64')
  if (form === 'whsec') return `whsec_${base64}`
  return form === 'hex' ? Buffer.from(bytes).toString('hex') : base64
}
const keysOf = (scheme: Scheme, ...secrets: Uint8Array[]): Keys =>
  prepareKeys(
    scheme,
    secrets.map((bytes) => writeSecret(scheme.key, bytes)),
  )

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const out = Uint8Array.from(bytes)
  const at = bit % (out.length * 8)
  out[at >> 3]! ^= 1 << (at & 7)
  return out
}

const messages = fc.record({
  id: fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/),
  timestampMs: fc.constant(NOW),
  body: fc.uint8Array({ minLength: 1, maxLength: 300 }),
})

describe('any scheme', () => {
  it('verifies what it signs and says which key it was', () => {
    fc.assert(
      fc.property(schemes, messages, secretBytes, secretBytes, (scheme, message, right, wrong) => {
        fc.pre(Buffer.compare(right, wrong) !== 0)
        const request = plainRequest(signHeaders(scheme, message, keysOf(scheme, right)), message.body)
        assert.deepEqual(verify(scheme, request, keysOf(scheme, wrong, right), NOW), {
          ok: true,
          keyIndex: 1,
          eventId: null,
          eventType: null,
        })
        assert.deepEqual(verify(scheme, request, keysOf(scheme, wrong), NOW), { ok: false, reason: 'mismatch' })
      }),
      { numRuns: 300 },
    )
  })

  it('signs with every key when it can carry several signatures', () => {
    fc.assert(
      fc.property(schemes, messages, secretBytes, secretBytes, (scheme, message, first, second) => {
        const request = plainRequest(signHeaders(scheme, message, keysOf(scheme, first, second)), message.body)
        const several = scheme.signature.separator !== null
        assert.equal(verify(scheme, request, keysOf(scheme, first), NOW).ok, true)
        assert.equal(
          verify(scheme, request, keysOf(scheme, second), NOW).ok,
          several || Buffer.compare(first, second) === 0,
        )
      }),
    )
  })

  it('refuses one flipped bit in the body, in the key and in any header', () => {
    fc.assert(
      fc.property(schemes, messages, secretBytes, fc.nat(), (scheme, message, secret, bit) => {
        const keys = keysOf(scheme, secret)
        const headers = signHeaders(scheme, message, keys)
        const ok = (changed: Record<string, string>, body: Uint8Array, by: Keys): boolean =>
          verify(scheme, plainRequest(changed, body), by, NOW).ok
        assert.equal(ok(headers, flipped(message.body, bit), keys), false)
        assert.equal(ok(headers, message.body, keysOf(scheme, flipped(secret, bit))), false)
        for (const [name, value] of Object.entries(headers)) {
          const other = Buffer.from(flipped(Buffer.from(value, 'latin1'), bit)).toString('latin1')
          // A hex digit in the other case is the same signature.
          const same = name === header && scheme.signature.encoding === 'hex' && isRecased(value, other)
          assert.equal(ok({ ...headers, [name]: other }, message.body, keys), same, `${name}: ${other}`)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('never throws and never agrees, whatever the headers hold', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('t=1,v1=', 'v1,', 'sha256=', `t=${NOW},v1=00`),
    )
    const lines = fc.array(value, { maxLength: 3 })
    fc.assert(
      fc.property(schemes, lines, lines, lines, fc.uint8Array(), (scheme, signature, timestamp, id, body) => {
        const request = plainRequest({ [header]: signature, 'x-timestamp': timestamp, 'x-id': id }, body)
        assert.equal(verify(scheme, request, keysOf(scheme, new Uint8Array(24)), NOW).ok, false)
      }),
      { numRuns: 300 },
    )
  })
})

/** True when `other` is `value` with some hex digit of the signature, which stands last, in the other case. */
function isRecased(value: string, other: string): boolean {
  const digits = /[0-9a-f]{40,}$/.exec(value)![0]
  const head = value.slice(0, -digits.length)
  return other.startsWith(head) && other.slice(head.length).toLowerCase() === digits
}
