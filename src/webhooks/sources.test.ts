/** sources: who sends a webhook hears what became of it, and what was not signed is not kept. */
import assert from 'node:assert/strict'
import { type TestContext, describe, it } from 'node:test'
import { PostRig } from '../../test/support/unit/post-rig.ts'
import type { SourceSpec } from '../model/gateway.ts'
import type { Reply } from '../pipeline/reply.ts'
import { prepareKeys } from '../signatures/keys.ts'
import { providerById } from '../signatures/providers/index.ts'
import { signHeaders } from '../signatures/sign.ts'
import { serviceEndpointId } from './directory.ts'
import { compileSources, ingest } from './sources.ts'

const STRIPE: SourceSpec = {
  name: 'stripe',
  provider: 'stripe',
  secrets: ['whsec_first', 'whsec_second'],
  deliver: [
    { service: 'payments', path: '/stripe-events', events: ['payment_intent.succeeded'] },
    { service: 'audit', path: '/all', events: [] },
  ],
}
const GITHUB: SourceSpec = { ...STRIPE, name: 'github', provider: 'github', secrets: ['hush'], deliver: [] }

const paid = Buffer.from('{"id":"evt_1","type":"payment_intent.succeeded"}')
const refunded = Buffer.from('{"id":"evt_2","type":"charge.refunded"}')

interface Sent {
  readonly spec?: SourceSpec
  readonly secret?: string
  readonly body?: Buffer
  /** What arrives, if it is not what was signed. */
  readonly arrives?: Buffer
  /** When it was signed, ms from now. */
  readonly agoMs?: number
  readonly headers?: readonly string[]
}

/** Takes in a webhook as its provider would sign it. */
async function takeIn(rig: PostRig, sent: Sent = {}): Promise<Reply> {
  const { spec = STRIPE, secret = spec.secrets[0]!, body = paid, arrives = body, agoMs = 0 } = sent
  const scheme = providerById(spec.provider)!
  const message = { id: 'evt_1', timestampMs: rig.clock.now() - agoMs, body }
  const signed = Object.entries(signHeaders(scheme, message, prepareKeys(scheme, [secret]))).flat()
  const source = compileSources({ [spec.name]: spec }).get(spec.name)!
  const headers = ['Content-Type', 'application/json', ...(sent.headers ?? signed)]
  return ingest(source, { method: 'POST', target: '/hooks', headers }, arrives, rig.engine.accept, rig.clock)
}

const bodyOf = (reply: Reply) => JSON.parse(String(reply.body))
const start = (t: TestContext) => PostRig.start(t)

describe('ingest', () => {
  it('answers 200 after the webhook is stored, with a delivery for each service that wants it', async (t) => {
    const rig = await start(t)
    const reply = await takeIn(rig)
    assert.deepEqual([reply.status, reply.code], [200, 'ingested'])
    const message = (await rig.store.getMessage(null, bodyOf(reply).id))!
    assert.deepEqual(
      [message.origin, message.eventType, message.eventId],
      ['source:stripe', 'payment_intent.succeeded', 'evt_1'],
    )
    assert.ok(Buffer.from(message.payload).equals(paid))
    assert.deepEqual([message.received!.method, message.received!.target], ['POST', '/hooks'])
    const to = (await rig.store.listDeliveries(message.id)).map((one) => one.endpointId)
    assert.deepEqual(to.toSorted(), [
      serviceEndpointId('audit', '/all'),
      serviceEndpointId('payments', '/stripe-events'),
    ])
  })

  it('delivers an event only to those who want it', async (t) => {
    const rig = await start(t)
    const { id } = bodyOf(await takeIn(rig, { body: refunded }))
    const to = (await rig.store.listDeliveries(id)).map((one) => one.endpointId)
    assert.deepEqual(to, [serviceEndpointId('audit', '/all')])
  })

  it('answers 200 again for what came before, and stores it once', async (t) => {
    const rig = await start(t)
    const first = bodyOf(await takeIn(rig))
    const again = await takeIn(rig, { agoMs: 1_000 })
    assert.deepEqual([again.status, again.code], [200, 'duplicate'])
    assert.deepEqual(bodyOf(again), { id: first.id, duplicate: true })
    assert.equal((await rig.store.stats()).messages, 1)
  })

  it('accepts every active secret', async (t) => {
    assert.equal((await takeIn(await start(t), { secret: 'whsec_second' })).status, 200)
  })

  it('takes the event’s type and id from where the provider puts them', async (t) => {
    const rig = await start(t)
    const body = Buffer.from('{"action":"opened"}')
    const scheme = providerById('github')!
    const signed = signHeaders(scheme, { id: '', timestampMs: 0, body }, prepareKeys(scheme, ['hush']))
    const headers = [...Object.entries(signed).flat(), 'X-GitHub-Event', 'issues', 'X-GitHub-Delivery', 'd-1']
    const reply = await takeIn(rig, { spec: GITHUB, body, headers })
    const message = (await rig.store.getMessage(null, bodyOf(reply).id))!
    assert.deepEqual([message.eventType, message.eventId], ['issues.opened', 'd-1'])
  })

  for (const [name, sent, code] of [
    ['without a signature', { headers: [] }, 'signature-missing'],
    ['with a signature that cannot be read', { headers: ['Stripe-Signature', 'nonsense'] }, 'signature-invalid'],
    ['with another’s signature', { secret: 'whsec_other' }, 'signature-invalid'],
    ['whose body was altered', { arrives: refunded }, 'signature-invalid'],
    ['that was signed long ago', { agoMs: 301_000 }, 'signature-expired'],
    ['that will be signed much later', { agoMs: -301_000 }, 'signature-expired'],
  ] satisfies [string, Sent, string][]) {
    it(`refuses a webhook ${name}, and keeps nothing of it`, async (t) => {
      const rig = await start(t)
      const reply = await takeIn(rig, sent)
      assert.deepEqual([reply.status, reply.code], [401, code])
      assert.equal((await rig.store.stats()).messages, 0)
      // It has not used up the event's id either.
      assert.equal((await takeIn(rig)).code, 'ingested')
    })
  }
})

describe('compileSources', () => {
  it('throws for a provider that is not known and for a secret that cannot be one', () => {
    assert.throws(() => compileSources({ a: { ...STRIPE, provider: 'nobody' } }), /no provider is named nobody/)
    assert.throws(() => compileSources({ a: { ...STRIPE, secrets: [] } }), /needs a secret/)
    assert.throws(() => compileSources({ a: { ...STRIPE, secrets: [''] } }), /is empty/)
  })
})
