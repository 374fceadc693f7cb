/** post: what policies, routes and the API hand over, and what they hear back. */
import assert from 'node:assert/strict'
import { type TestContext, describe, it } from 'node:test'
import { PostRig, wrapping } from '../../test/support/unit/post-rig.ts'
import { stateWith } from '../../test/support/unit/state.ts'
import type { Reply } from '../pipeline/reply.ts'
import { newConsumer } from '../store/conformance/subject.ts'
import type { Store } from '../store/port.ts'
import { serviceEndpointId } from './directory.ts'
import { Post } from './post.ts'

/** Two consumers: `shop` wants everything at ep_1 and refunds at ep_2, `bank` wants refunds at ep_3. */
async function started(t: TestContext, wrap?: (store: Store) => Store): Promise<{ rig: PostRig; post: Post }> {
  const rig = await PostRig.start(t, wrap)
  const consumers = [newConsumer({ id: 'app_1', uid: 'shop' }), newConsumer({ id: 'app_2', uid: 'bank' })]
  for (const consumer of consumers) await rig.store.putConsumer(consumer)
  rig.directory.apply({ consumers })
  await rig.endpoint('ep_1')
  await rig.endpoint('ep_2', 204, { eventTypes: ['refund'] })
  await rig.endpoint('ep_3', 204, { eventTypes: ['refund'], consumerId: 'app_2' })
  const { directory, clock } = rig
  return { rig, post: new Post({ accept: rig.engine.accept, directory, clock }) }
}

const payload = Buffer.from('{"a":1}')
const bodyOf = (reply: Reply) => JSON.parse(String(reply.body))
const deliveredTo = (rig: PostRig) => rig.receiver.requests.map((one) => one.target).toSorted()
const full = wrapping('append', () => () => Promise.reject(new Error('disk full')))

describe('emit', () => {
  for (const [name, to, eventType, targets] of [
    ['one consumer, by its own name', 'shop', 'sale', ['/ep_1']],
    ['one consumer, by id', 'app_1', 'refund', ['/ep_1', '/ep_2']],
    ['everybody who wants it', null, 'refund', ['/ep_1', '/ep_2', '/ep_3']],
    ['everybody, of whom one wants it', null, 'sale', ['/ep_1']],
    ['a consumer that does not want it', 'bank', 'sale', []],
  ] as const) {
    it(`reaches ${name}`, async (t) => {
      const { rig, post } = await started(t)
      await post.emit({ eventType, payload, to })
      await rig.untilCount('delivered', targets.length)
      assert.deepEqual(deliveredTo(rig), targets)
      for (const request of rig.receiver.requests) assert.equal(request.body.toString(), '{"a":1}')
    })
  }

  it('keeps an event that nobody wants, once and for nobody', async (t) => {
    const { rig, post } = await started(t)
    rig.directory.apply({ removedConsumers: ['app_1', 'app_2'] })
    await post.emit({ eventType: 'sale', payload, to: null })
    const [message, ...more] = await rig.store.listMessages({ limit: 10 })
    assert.deepEqual([message!.consumerId, message!.origin, more.length], [null, 'event:sale', 0])
    assert.deepEqual(await rig.store.listDeliveries(message!.id), [])
  })

  it('rejects when there is no such consumer, and when it cannot be stored', async (t) => {
    const { post } = await started(t)
    await assert.rejects(post.emit({ eventType: 'sale', payload, to: 'nobody' }), /there is no consumer nobody/)
    const { post: failing } = await started(t, full)
    await assert.rejects(failing.emit({ eventType: 'sale', payload, to: 'shop' }), /disk full/)
  })
})

describe('publishBody', () => {
  it('stores the body as it is and answers with the message’s id', async (t) => {
    const { rig, post } = await started(t)
    const body = Buffer.from(' {"n": 1.0}\n')
    const reply = await post.publishBody('sale', 'shop', body)
    assert.deepEqual([reply.status, reply.code], [202, 'published'])
    const message = (await rig.store.getMessage('app_1', bodyOf(reply).id))!
    assert.ok(Buffer.from(message.payload).equals(body))
    await rig.untilCount('delivered', 1)
  })

  for (const [name, to, body, status, code] of [
    ['what is not JSON', 'shop', '{', 400, 'payload-invalid'],
    ['nothing', 'shop', '', 400, 'payload-invalid'],
    ['what is for nobody', 'nobody', '{}', 404, 'not-found'],
  ] as const) {
    it(`refuses ${name}`, async (t) => {
      const { rig, post } = await started(t)
      const reply = await post.publishBody('sale', to, Buffer.from(body))
      assert.deepEqual([reply.status, reply.code], [status, code])
      assert.equal((await rig.store.stats()).messages, 0)
    })
  }
})

describe('defer', () => {
  it('keeps the request for the service and answers 202 with a receipt', async (t) => {
    const { rig, post } = await started(t)
    const received = { method: 'PUT', target: '/orders/1', headers: ['X-One', '1'] }
    const reply = await post.defer('orders', 'orders-import', received, payload)
    assert.deepEqual([reply.status, reply.code], [202, 'deferred'])
    const message = (await rig.store.getMessage(null, bodyOf(reply).id))!
    assert.deepEqual([message.origin, message.eventType], ['route:orders-import', 'route.orders-import'])
    assert.deepEqual(message.received, received)
    const [delivery] = await rig.store.listDeliveries(message.id)
    assert.equal(delivery!.endpointId, serviceEndpointId('orders', ''))
  })
})

describe('a store that cannot keep it', () => {
  it('means 503 and that nothing was accepted', async (t) => {
    const { post } = await started(t, full)
    const received = { method: 'POST', target: '/', headers: [] }
    for (const reply of [
      await post.publishBody('sale', 'shop', payload),
      await post.defer('orders', 'orders-import', received, payload),
    ]) {
      assert.deepEqual([reply.status, reply.code], [503, 'store-unavailable'])
      assert.ok(reply.headers.includes('Retry-After'))
      assert.ok(!String(reply.body).includes('disk'))
    }
  })
})

describe('ingest', () => {
  it('knows the sources of the revision in force', async (t) => {
    const { post } = await started(t)
    const received = { method: 'POST', target: '/', headers: [] }
    assert.equal((await post.ingest('stripe', received, payload)).code, 'route-not-found')
    const source = { name: 'stripe', provider: 'stripe', secrets: ['whsec_x'], deliver: [] }
    post.update(stateWith({ sources: { stripe: source } }))
    assert.equal((await post.ingest('stripe', received, payload)).code, 'signature-missing')
    // A revision that cannot be compiled changes nothing.
    assert.throws(() => post.update(stateWith({ sources: { stripe: { ...source, provider: 'nobody' } } })))
    assert.equal((await post.ingest('stripe', received, payload)).code, 'signature-missing')
    post.update(stateWith({}))
    assert.equal((await post.ingest('stripe', received, payload)).code, 'route-not-found')
  })
})
