/** Messages, deliveries, replay and figures across consumers and sources. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHost } from './test-host.ts'

/** The answer's JSON, as loosely typed as JSON is. */
const body = async (answer: Response) => JSON.parse(await answer.text())

test('messages by origin, deliveries of a message, replay, stats', async (t) => {
  let woken = 0
  const { request, store, svix, attempt } = await openHost(t, { wake: () => woken++ })
  await store.append('test', [
    {
      message: {
        id: 'msg_received',
        consumerId: null,
        origin: 'source:stripe',
        eventType: 'payment_intent.succeeded',
        eventId: 'evt_1',
        channels: null,
        tags: null,
        deliverAt: null,
        expiresAt: null,
        expunged: false,
        payload: Buffer.from('{"id":"evt_1"}'),
        received: { method: 'POST', target: '/hooks/stripe', headers: [] },
        createdAt: 0,
      },
      deliveries: [{ id: 'dlv_1', endpointId: 'service:payments:/stripe-events', as: 'due' }],
    },
  ])
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const endpoint = await svix.endpoint.create('shop', { url: 'https://partner.example/' })
  const message = await svix.message.create('shop', { eventType: 'a', payload: {} })

  const received = await body(await request('GET', '/admin/v1/messages?origin=source:stripe'))
  assert.deepEqual(received.data, [
    {
      id: 'msg_received',
      consumerId: null,
      origin: 'source:stripe',
      eventType: 'payment_intent.succeeded',
      eventId: 'evt_1',
      bytes: 14,
      createdAt: '1970-01-01T00:00:00.000Z',
    },
  ])
  assert.equal((await body(await request('GET', '/admin/v1/messages'))).data.length, 2)

  const delivery = async () => {
    const { data } = await body(await request('GET', `/admin/v1/deliveries?message=${message.id}`))
    assert.equal(data.length, 1)
    return data[0]
  }
  const { endpointId, state, attempts } = await delivery()
  assert.deepEqual([endpointId, state, attempts], [endpoint.id, 'pending', 0])
  await attempt(message.id, endpoint.id, { status: 200, response: 'ok' })
  assert.equal((await delivery()).state, 'delivered')

  const replay = (endpointId: string) =>
    request('POST', '/admin/v1/deliveries/replay', {
      body: JSON.stringify({ messageId: message.id, endpointId }),
      type: 'application/json',
    })
  assert.equal((await replay(endpoint.id)).status, 202)
  assert.equal(woken, 1)
  assert.equal((await delivery()).state, 'pending')
  assert.equal((await replay('ep_none')).status, 404)
  await store.claimOne('another', message.id, endpoint.id)
  assert.equal((await replay(endpoint.id)).status, 409)

  const stats = await body(await request('GET', '/admin/v1/stats'))
  assert.equal(stats.messages, 2)
  assert.equal(stats.deliveries.pending, 1)
})
