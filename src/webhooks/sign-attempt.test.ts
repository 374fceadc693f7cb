/** What an attempt is signed with: judged by the libraries that receivers verify with, and by published vectors. */
import assert from 'node:assert/strict'
import { createPublicKey, verify as verifyEd25519 } from 'node:crypto'
import { describe, it } from 'node:test'
import { verify as verifyGithub } from '@octokit/webhooks-methods'
import { Webhook } from 'standardwebhooks'
import { Stripe } from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import { PLAIN_SENDING, type Sending } from '../model/sending.ts'
import type { Endpoint } from '../model/webhook.ts'
import { generatePrivateKey, privateKeyProblem, publicJwk, publicKeyText } from '../signatures/asymmetric.ts'
import { newEndpoint } from '../store/conformance/subject.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import { AttemptSigner } from './sign-attempt.ts'

const BODY = Buffer.from('{"id":"evt_1","object":"event","type":"order.paid","note":"naïve ☕"}')
const secretOf = (byte: number): string => `whsec_${Buffer.alloc(24, byte).toString('base64')}`

/** The vector of Svix's own sender, v1 and v1a. */
const VECTOR = {
  message: { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', eventType: 'x' },
  atMs: 1_614_265_330_000,
  body: Buffer.from('{"test": 2432232314}'),
  secrets: [
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==',
  ],
  signatures: [
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
  ],
}

function signed(fields: Partial<Endpoint>, nowMs = Date.now()): Record<string, string> {
  const lines = new OutgoingHead()
  new AttemptSigner(newEndpoint(fields)).sign(lines, { id: 'msg_1', eventType: 'order.paid' }, nowMs, BODY)
  return Object.fromEntries(lines.entries())
}

const sending = (fields: Partial<Sending>): Sending => ({ ...PLAIN_SENDING, ...fields })
const signatures = (headers: Record<string, string>): string[] => headers['webhook-signature']!.split(' ')

describe('AttemptSigner', () => {
  it('signs with every current secret', () => {
    const secrets = [secretOf(1), secretOf(2)]
    const headers = signed({ secrets })
    for (const secret of secrets) new Webhook(secret).verify(BODY.toString(), headers)
    assert.throws(() => new Webhook(secretOf(3)).verify(BODY.toString(), headers))
  })

  it('signs with a retiring secret until its time is over', () => {
    const retiring = [20_000, 10_000].map((until) => ({ secret: secretOf(until / 1_000), until }))
    const lengths = [0, 9_999, 10_000, 19_999, 20_000].map((now) => signatures(signed({ retiring }, now)).length)
    assert.deepEqual(lengths, [3, 3, 2, 2, 1])
    const signer = new AttemptSigner(newEndpoint({ retiring }))
    const later = [0, 10_000, 20_000].map((now) => {
      const lines = new OutgoingHead()
      signer.sign(lines, { id: 'msg_1', eventType: 'x' }, now, BODY)
      return signatures(Object.fromEntries(lines.entries())).length
    })
    assert.deepEqual(later, [3, 2, 1])
  })

  it('makes v1 and v1a signatures as Svix does', () => {
    const lines = new OutgoingHead()
    new AttemptSigner(newEndpoint({ secrets: VECTOR.secrets })).sign(lines, VECTOR.message, VECTOR.atMs, VECTOR.body)
    assert.deepEqual(signatures(Object.fromEntries(lines.entries())), VECTOR.signatures)
  })

  it('makes v1a signatures that the public key verifies, alone where there is no other secret', () => {
    const secret = generatePrivateKey()
    const headers = signed({ secrets: [secret] })
    const [only, ...more] = signatures(headers)
    assert.deepEqual(more, [])
    const content = Buffer.concat([Buffer.from(`msg_1.${headers['webhook-timestamp']}.`), BODY])
    const key = createPublicKey({ key: { ...publicJwk(secret) }, format: 'jwk' })
    const bytes = Buffer.from(only!.slice('v1a,'.length), 'base64')
    assert.ok(verifyEd25519(null, content, key, bytes))
    bytes[0]! ^= 1
    assert.ok(!verifyEd25519(null, content, key, bytes))
    assert.equal(publicKeyText(secret), `whpk_${Buffer.from(publicJwk(secret).x, 'base64url').toString('base64')}`)
  })

  it('takes a private key as 64 bytes that are a pair, and as nothing else', () => {
    const [good, other] = [generatePrivateKey(), generatePrivateKey()]
    assert.equal(privateKeyProblem(good), null)
    const bytes = Buffer.from(good.slice(5), 'base64')
    const mixed = Buffer.concat([bytes.subarray(0, 32), Buffer.from(other.slice(5), 'base64').subarray(32)])
    for (const text of ['whsk_', secretOf(1), good.slice(0, -1), `whsk_${mixed.toString('base64')}`]) {
      assert.match(privateKeyProblem(text)!, /Ed25519/)
      if (text.startsWith('whsk_')) assert.throws(() => signed({ secrets: [text] }), { name: 'InvalidSecret' })
    }
  })

  it('says its headers under every name it is asked for, or under none', () => {
    const both = signed({ secrets: [secretOf(1)], sending: sending({ headerPrefixes: ['webhook', 'svix', 'x-acme'] }) })
    const own = Object.fromEntries(Object.entries(both).filter(([name]) => name.startsWith('svix-')))
    new SvixWebhook(secretOf(1)).verify(BODY, own)
    assert.equal(both['x-acme-signature'], both['webhook-signature'])
    assert.deepEqual(signed({ sending: sending({ headerPrefixes: [] }) }), {})
  })

  it('signs as Stripe does: its own library verifies, beside Standard Webhooks and with the same secret', async () => {
    const secrets = [secretOf(1)]
    const headers = signed({ secrets, sending: sending({ scheme: { provider: 'stripe', secrets: [] } }) })
    new Webhook(secretOf(1)).verify(BODY.toString(), headers)
    const event = Stripe.webhooks.constructEvent(BODY, headers['stripe-signature']!, secretOf(1))
    assert.equal(event.id, 'evt_1')
    assert.throws(() =>
      Stripe.webhooks.constructEvent(`${BODY.toString()} `, headers['stripe-signature']!, secretOf(1)),
    )
  })

  it('signs as GitHub does, with a secret of its own, and instead of Standard Webhooks', async () => {
    const scheme = { provider: 'github', secrets: ["It's a Secret to Everybody"] }
    const headers = signed({ sending: sending({ headerPrefixes: [], scheme }) })
    const signature = headers['x-hub-signature-256']!
    assert.ok(await verifyGithub(scheme.secrets[0]!, BODY.toString(), signature))
    assert.ok(!(await verifyGithub(scheme.secrets[0]!, `${BODY.toString()} `, signature)))
    assert.deepEqual([headers['x-github-event'], headers['x-github-delivery']], ['order.paid', 'msg_1'])
    assert.equal(headers['webhook-id'], undefined)
  })

  it('does not sign what could be read in two ways, nor with what is no secret', () => {
    const signer = new AttemptSigner(newEndpoint())
    assert.throws(() => signer.sign(new OutgoingHead(), { id: 'a.b', eventType: 'x' }, 0, BODY), RangeError)
    assert.throws(() => signed({ secrets: ['whsec_!'] }), { name: 'InvalidSecret' })
    const scheme = { provider: 'nobody', secrets: [] }
    assert.throws(() => signed({ sending: sending({ scheme }) }), { name: 'InvalidSecret' })
  })
})
