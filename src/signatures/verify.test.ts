/** The rules of the engine, each on the scheme that shows it best. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { InvalidSecret, prepareKeys, secretProblem } from './keys.ts'
import { github } from './providers/github.ts'
import { standardWebhooks } from './providers/standard-webhooks.ts'
import { stripe } from './providers/stripe.ts'
import { plainRequest } from './request.ts'
import type { Scheme } from './scheme.ts'
import { signHeaders } from './sign.ts'
import { verify } from './verify.ts'

const NOW = 1_700_000_000_000
const SEC = NOW / 1000
const BODY = Buffer.from('{"id":"evt_1","type":"order.paid"}')
const OLD = 'whsec_b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQ='
const NEW = 'whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXc='

const signed = (scheme: Scheme, secrets: readonly string[], timestampMs = NOW, body: Uint8Array = BODY) =>
  signHeaders(scheme, { id: 'msg_1', timestampMs, body }, prepareKeys(scheme, secrets))

const check = (
  scheme: Scheme,
  headers: Record<string, string | readonly string[]>,
  {
    secrets = [OLD],
    nowMs = NOW,
    body = BODY,
  }: { secrets?: string[]; nowMs?: number; body?: Uint8Array | string } = {},
) => {
  const verdict = verify(scheme, plainRequest(headers, body), prepareKeys(scheme, secrets), nowMs)
  return verdict.ok ? verdict.keyIndex : verdict.reason
}

const without = (headers: Record<string, string>, name: string) =>
  Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name))

describe('a header that is missing', () => {
  for (const scheme of [github, standardWebhooks, stripe]) {
    for (const name of Object.keys(signed(scheme, [OLD]))) {
      it(`refuses ${scheme.id} without ${name}`, () => {
        assert.equal(check(scheme, without(signed(scheme, [OLD]), name)), 'missing')
      })
    }
  }
})

describe('a header that came twice', () => {
  it('is refused where the scheme has one signature or its time stands in it, even when both are good', () => {
    for (const scheme of [github, stripe]) {
      const value = signed(scheme, [OLD])[scheme.signature.header]!
      assert.equal(check(scheme, { [scheme.signature.header]: [value, value] }), 'malformed')
    }
  })

  it('adds its signatures where the scheme carries several', () => {
    const headers = signed(standardWebhooks, [OLD])
    const lines = ['v1,AAAA', headers['webhook-signature']!]
    assert.equal(check(standardWebhooks, { ...headers, 'webhook-signature': lines }), 0)
  })

  it('is refused for an id and for a time', () => {
    const headers = signed(standardWebhooks, [OLD])
    for (const name of ['webhook-id', 'webhook-timestamp'])
      assert.equal(check(standardWebhooks, { ...headers, [name]: [headers[name]!, headers[name]!] }), 'malformed')
  })

  it('is refused for a time among the pairs', () => {
    const value = signed(stripe, [OLD])['stripe-signature']!
    assert.equal(check(stripe, { 'stripe-signature': `t=${SEC},${value}` }), 'malformed')
  })
})

const github256 = (value: string) => check(github, { 'x-hub-signature-256': value })

describe('a signature that cannot be read', () => {
  const hex = signed(github, [OLD])['x-hub-signature-256']!.slice('sha256='.length)

  it('is malformed: empty, another version, not hex, of odd length', () => {
    for (const value of ['', 'sha256=', hex, `sha1=${hex}`, `sha256=${hex}0`, `sha256=zz${hex}`, `sha256=${hex} `])
      assert.equal(github256(value), 'malformed', value)
  })

  it('is a mismatch when it has another length', () => {
    assert.equal(github256('sha256=00'), 'mismatch')
    assert.equal(github256(`sha256=${hex}00`), 'mismatch')
    assert.equal(github256(`sha256=${hex.slice(2)}`), 'mismatch')
  })

  it('may be hex in upper case: the bytes are compared', () => {
    assert.equal(github256(`sha256=${hex.toUpperCase()}`), 0)
  })

  it('is malformed when its base64 is not canonical, though a lenient decoder would see the same bytes', () => {
    const headers = signed(standardWebhooks, [OLD])
    const good = headers['webhook-signature']!
    const last = good.at(-2)!
    const loose = [good.slice(0, -1), `${good}=`, good.slice(0, -2) + String.fromCharCode(last.charCodeAt(0) + 1) + '=']
    for (const value of [...loose, good.replace('v1,', 'v1a,'), good.replace('v1,', 'v1, ')])
      assert.equal(check(standardWebhooks, { ...headers, 'webhook-signature': value }), 'malformed', value)
  })

  it('may have spaces after the comma of a list', () => {
    const scheme: Scheme = { ...github, signature: { ...github.signature, form: 'list', prefix: '', separator: ',' } }
    const value = signed(scheme, [NEW, OLD])['x-hub-signature-256']!.replace(',', ' ,\t')
    assert.equal(check(scheme, { 'x-hub-signature-256': value }), 0)
  })

  it('does not hide a good one beside it', () => {
    const headers = signed(standardWebhooks, [OLD])
    const value = `v1a,AAAA v1,not-base64 v2,AAAA  v1,AAAA ${headers['webhook-signature']}`
    assert.equal(check(standardWebhooks, { ...headers, 'webhook-signature': value }), 0)
    const pairs = signed(stripe, [OLD])['stripe-signature']!
    assert.equal(check(stripe, { 'stripe-signature': `v0=00,nonsense,v1=00,${pairs}` }), 0)
  })
})

describe('keys', () => {
  it('are all tried against every signature, and the answer says which one matched', () => {
    for (const scheme of [stripe, standardWebhooks]) {
      assert.equal(check(scheme, signed(scheme, [OLD]), { secrets: [NEW, OLD] }), 1)
      assert.equal(check(scheme, signed(scheme, [NEW]), { secrets: [NEW, OLD] }), 0)
      assert.equal(check(scheme, signed(scheme, [NEW, OLD]), { secrets: [OLD] }), 0)
      assert.equal(check(scheme, signed(scheme, [NEW]), { secrets: [OLD] }), 'mismatch')
    }
    assert.equal(check(github, signed(github, [OLD]), { secrets: [NEW, OLD] }), 1)
    assert.equal(
      check(github, signed(github, [NEW, OLD]), { secrets: [OLD] }),
      'mismatch',
      'one signature: the first key',
    )
  })

  it('are refused when they cannot be keys, without telling the secret', () => {
    const whsec = standardWebhooks
    const hex: Scheme = { ...github, key: 'hex' }
    const base64: Scheme = { ...github, key: 'base64' }
    assert.equal(secretProblem(github, ''), 'is empty')
    assert.equal(secretProblem(stripe, ' \n'), 'is empty')
    assert.equal(secretProblem(hex, 'canary'), 'is not hex')
    assert.equal(secretProblem(hex, 'abc'), 'is not hex')
    assert.equal(secretProblem(hex, 'C0FFEE'), null)
    assert.equal(secretProblem(base64, 'can*ary'), 'is not base64')
    assert.equal(secretProblem(base64, 'AAECAw'), 'is not base64')
    assert.equal(secretProblem(base64, 'AAECAw=='), null)
    assert.equal(secretProblem(whsec, 'whsec_'), 'is not whsec_ and base64')
    assert.equal(secretProblem(whsec, 'whsec_can*ary'), 'is not whsec_ and base64')
    assert.equal(secretProblem(whsec, OLD), null)
    assert.equal(secretProblem(whsec, OLD.slice('whsec_'.length)), null)
    assert.throws(
      () => prepareKeys(whsec, [OLD, 'whsec_can*ary']),
      (error: unknown) => {
        assert.ok(error instanceof InvalidSecret)
        assert.equal(error.message, 'secret 2 for standard-webhooks is not whsec_ and base64')
        return true
      },
    )
    assert.throws(() => prepareKeys(whsec, []), /standard-webhooks needs a secret/)
  })

  it('show nothing when printed', () => {
    const keys = prepareKeys(stripe, ['canary-secret'])
    const printed = inspect(keys, { depth: 9, showHidden: true }) + JSON.stringify(keys)
    for (const form of ['utf8', 'hex', 'base64'] as const)
      assert.ok(!printed.includes(Buffer.from('canary-secret').toString(form)))
  })
})

describe('the time', () => {
  for (const scheme of [stripe, standardWebhooks]) {
    it(`of ${scheme.id} may be 300 s off, either way, and no more`, () => {
      for (const off of [-300, 0, 300]) assert.equal(check(scheme, signed(scheme, [OLD], NOW + off * 1000)), 0)
      for (const off of [-301, 301, -86_400, 600])
        assert.equal(check(scheme, signed(scheme, [OLD], NOW + off * 1000)), 'expired')
    })

    it(`of ${scheme.id} is measured in whole seconds, as it is written`, () => {
      assert.equal(check(scheme, signed(scheme, [OLD]), { nowMs: NOW + 300_999 }), 0)
      assert.equal(check(scheme, signed(scheme, [OLD]), { nowMs: NOW + 301_000 }), 'expired')
    })
  }

  it('is malformed when it is anything but one plain number', () => {
    const garbage = [
      '',
      '-1',
      '+1',
      '1.5',
      '1e9',
      '0x65',
      ' 1',
      '01',
      'NaN',
      'Infinity',
      '9'.repeat(16),
      '9'.repeat(400),
      '١',
    ]
    const headers = signed(standardWebhooks, [OLD])
    for (const text of [...garbage, `${SEC}.0`, `${SEC}abc`, `0${SEC}`, String(NOW * 1000 * 1000)]) {
      assert.equal(check(standardWebhooks, { ...headers, 'webhook-timestamp': text }), 'malformed', text)
      const value = signed(stripe, [OLD])['stripe-signature']!.replace(/t=\d+/, `t=${text}`)
      assert.equal(check(stripe, { 'stripe-signature': value }), 'malformed', text)
    }
    assert.equal(check(stripe, { 'stripe-signature': `v1=${'0'.repeat(64)}` }), 'malformed', 'no time among the pairs')
  })
})

describe('an id', () => {
  it('with a full stop is refused: one signature would fit two messages', () => {
    const keys = prepareKeys(standardWebhooks, [OLD])
    const headers = signHeaders(standardWebhooks, { id: 'msg', timestampMs: NOW, body: Buffer.from(`${SEC}.5`) }, keys)
    const shifted = { ...headers, 'webhook-id': `msg.${SEC}`, 'webhook-timestamp': String(SEC) }
    assert.equal(check(standardWebhooks, headers, { body: `${SEC}.5` }), 0)
    assert.equal(check(standardWebhooks, shifted, { body: '5' }), 'malformed')
    assert.equal(check(standardWebhooks, { ...headers, 'webhook-id': '' }), 'malformed')
  })
})
