/** Publishing without a server: what is accepted, what is refused and how, and that the payload's bytes are the publisher's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Consumer, Message } from '../../model/webhook.ts'
import { createPublish, type PublishInput } from './publish.ts'

const shop: Consumer = {
  id: 'app_1',
  uid: 'shop',
  name: 'Shop',
  metadata: {},
  ratePerSecondMax: null,
  createdAt: 0,
  updatedAt: 0,
}
const AT = Date.UTC(2026, 0, 31, 12)

function publisher() {
  const stored: PublishInput[] = []
  const publish = createPublish({
    directory: { consumerByIdOrUid: (key) => (key === shop.id || key === shop.uid ? shop : null) },
    fault: () => null,
    publish: async (input) => {
      const same = stored.findIndex(({ eventId }) => eventId !== null && eventId === input.eventId)
      if (same !== -1) return { ok: false, existingId: `msg_${same}` }
      stored.push(input)
      const message: Message = {
        ...input,
        id: `msg_${stored.length - 1}`,
        consumerId: input.consumer.id,
        origin: null,
        received: null,
        createdAt: AT,
      }
      return { ok: true, message }
    },
  })
  const send = async (body: string | Uint8Array, withContent = false, app = 'shop') => {
    const reply = await publish(app, typeof body === 'string' ? Buffer.from(body) : body, withContent)
    return { ...reply, json: JSON.parse(String(reply.body)) }
  }
  return { stored, send }
}

const text = (input: PublishInput | undefined): string => Buffer.from(input!.payload).toString()

test('a message is accepted with 202 and what clients read from it', async () => {
  const { send, stored } = publisher()
  const body = { eventType: 'order.paid', eventId: 'o-1', channels: ['eu'], payload: { id: 1 }, tags: ['a'] }
  const reply = await send(JSON.stringify(body))
  assert.equal(reply.status, 202)
  assert.deepEqual(reply.json, {
    id: 'msg_0',
    eventId: 'o-1',
    eventType: 'order.paid',
    channels: ['eu'],
    payload: {},
    tags: null,
    deliverAt: null,
    timestamp: '2026-01-31T12:00:00.000Z',
  })
  assert.deepEqual(
    { ...stored[0], payload: text(stored[0]) },
    { consumer: shop, eventType: 'order.paid', eventId: 'o-1', channels: ['eu'], payload: '{"id":1}' },
  )
})

test('with content the answer has the payload; its text is delivered as it was written', async () => {
  const { send, stored } = publisher()
  const payload = '{ "id": 12345678901234567890, "price": 1.0 }'
  const reply = await send(`{"payload":${payload},"eventType":"a"}`, true)
  assert.equal(text(stored[0]), payload)
  assert.ok(String(reply.body).includes(payload))
})

test('a raw payload is delivered as it is, JSON or not', async () => {
  const { send, stored } = publisher()
  for (const rawPayload of ['<order/>', '{"a": 1}']) {
    const body = { eventType: 'a', payload: {}, transformationsParams: { rawPayload } }
    const reply = await send(JSON.stringify(body), true)
    assert.equal(text(stored.at(-1)), rawPayload)
    assert.deepEqual(reply.json.payload, rawPayload.startsWith('{') ? { a: 1 } : rawPayload)
  }
})

test('an unknown application is 404, a taken event id is 409 with the message that has it', async () => {
  const { send } = publisher()
  assert.equal((await send('{}', false, 'nobody')).status, 404)
  const body = '{"eventType":"a","eventId":"x","payload":{}}'
  assert.equal((await send(body)).status, 202)
  const again = await send(body)
  assert.equal(again.status, 409)
  assert.equal(again.json.code, 'conflict')
  assert.match(again.json.detail, /msg_0/)
})

test('what is not a message is 422, names the field, and stores nothing', async () => {
  const { send, stored } = publisher()
  const valid = { eventType: 'a', payload: {} }
  const cases: [unknown, string | undefined][] = [
    [[], undefined],
    [null, undefined],
    [{ payload: {} }, 'eventType'],
    [{ ...valid, eventType: '' }, 'eventType'],
    [{ ...valid, eventType: 'a b' }, 'eventType'],
    [{ ...valid, eventType: 'a'.repeat(257) }, 'eventType'],
    [{ ...valid, eventType: 7 }, 'eventType'],
    [{ ...valid, eventId: 'a/b' }, 'eventId'],
    [{ ...valid, channels: [] }, 'channels'],
    [{ ...valid, channels: ['a', 'b', 'c', 'd', 'e', 'f'] }, 'channels'],
    [{ ...valid, channels: ['a b'] }, 'channels'],
    [{ ...valid, channels: 'a' }, 'channels'],
    [{ eventType: 'a' }, 'payload'],
    [{ eventType: 'a', payload: [] }, 'payload'],
    [{ eventType: 'a', payload: 'text' }, 'payload'],
    [{ ...valid, tags: [1] }, 'tags'],
    [{ ...valid, payloadRetentionPeriod: 1 }, 'payloadRetentionPeriod'],
    [{ ...valid, deliverAt: '2026-01-31T12:00:00Z' }, 'deliverAt'],
    [{ ...valid, transformationsParams: { headers: { a: 'b' } } }, 'transformationsParams'],
  ]
  for (const [body, field] of cases) {
    const reply = await send(JSON.stringify(body))
    assert.equal(reply.status, 422, JSON.stringify(body))
    assert.deepEqual(reply.json.detail[0].loc, field === undefined ? ['body'] : ['body', field])
    assert.equal(typeof reply.json.detail[0].msg, 'string')
  }
  for (const bytes of ['{', '', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)]) {
    const reply = await send(bytes)
    assert.equal(reply.status, 422)
    assert.equal(reply.json.detail[0].type, 'value_error.jsondecode')
  }
  assert.equal(stored.length, 0)
})

test('null where clients send it is absence', async () => {
  const { send, stored } = publisher()
  const body = { eventType: 'a', payload: {}, eventId: null, channels: null, tags: null, deliverAt: null }
  assert.equal((await send(JSON.stringify({ ...body, payloadRetentionPeriod: 90 }))).status, 202)
  assert.equal(stored[0]!.eventId, null)
  assert.equal(stored[0]!.channels, null)
})
