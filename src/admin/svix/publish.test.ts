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
  const messages: Message[] = []
  const publish = createPublish({
    directory: { consumerByIdOrUid: (key) => (key === shop.id || key === shop.uid ? shop : null) },
    clock: { now: () => AT, elapsed: () => 0 },
    fault: () => null,
    message: async (id) => messages.find((one) => one.id === id) ?? null,
    publish: async (input) => {
      const find = (is: (one: PublishInput) => boolean) => stored.findIndex(is)
      const repeated = find(({ idempotencyKey: key }) => key !== null && key === input.idempotencyKey)
      if (repeated !== -1) return { ok: false, existingId: `msg_${repeated}`, repeats: true }
      const same = find(({ eventId }) => eventId !== null && eventId === input.eventId)
      if (same !== -1) return { ok: false, existingId: `msg_${same}`, repeats: false }
      stored.push(input)
      const message: Message = {
        ...input,
        id: `msg_${stored.length - 1}`,
        consumerId: input.consumer.id,
        origin: null,
        received: null,
        createdAt: AT,
        expiresAt: input.retentionMs === null ? null : AT + input.retentionMs,
        expunged: false,
      }
      messages.push(message)
      return { ok: true, message }
    },
  })
  const send = async (body: string | Uint8Array, withContent = false, app = 'shop', key: string | null = null) => {
    const reply = await publish(app, typeof body === 'string' ? Buffer.from(body) : body, withContent, key)
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
    tags: ['a'],
    deliverAt: null,
    timestamp: '2026-01-31T12:00:00.000Z',
  })
  assert.deepEqual(
    { ...stored[0], payload: text(stored[0]) },
    {
      consumer: shop,
      eventType: 'order.paid',
      eventId: 'o-1',
      channels: ['eu'],
      tags: ['a'],
      deliverAt: null,
      retentionMs: null,
      payload: '{"id":1}',
      idempotencyKey: null,
      retryKey: null,
    },
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
    [{ ...valid, tags: [] }, 'tags'],
    [{ ...valid, tags: ['a\n'] }, 'tags'],
    [{ ...valid, tags: ['a'.repeat(129)] }, 'tags'],
    [{ ...valid, payloadRetentionPeriod: 4 }, 'payloadRetentionPeriod'],
    [{ ...valid, payloadRetentionPeriod: 91 }, 'payloadRetentionPeriod'],
    [{ ...valid, payloadRetentionHours: 0 }, 'payloadRetentionHours'],
    [{ ...valid, payloadRetentionHours: 1.5 }, 'payloadRetentionHours'],
    [{ ...valid, payloadRetentionHours: 1, payloadRetentionPeriod: 5 }, 'payloadRetentionHours'],
    [{ ...valid, deliverAt: '2026-01-31T12:00:59Z' }, 'deliverAt'],
    [{ ...valid, deliverAt: '2026-02-01T12:00:01Z' }, 'deliverAt'],
    [{ ...valid, deliverAt: 'tomorrow' }, 'deliverAt'],
    [{ ...valid, deliverAt: '2026-01-31' }, 'deliverAt'],
    [{ ...valid, deliverAt: 5 }, 'deliverAt'],
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

test('tags, a time and a retention are handed on', async () => {
  const { send, stored } = publisher()
  const options = { tags: ['b', 'a', 'b'], deliverAt: '2026-01-31T14:00:00+01:00', payloadRetentionHours: 2 }
  const reply = await send(JSON.stringify({ eventType: 'a', payload: {}, ...options }))
  assert.deepEqual([reply.json.tags, reply.json.deliverAt], [['b', 'a'], '2026-01-31T13:00:00.000Z'])
  const { tags, deliverAt, retentionMs } = stored[0]!
  assert.deepEqual([tags, deliverAt, retentionMs], [['b', 'a'], AT + 3_600_000, 7_200_000])
})

test('a key says which request it is: the same is answered as before, another is 409', async () => {
  const { send, stored } = publisher()
  const body = { eventType: 'a', eventId: 'x', payload: { a: 1 }, tags: ['t'], payloadRetentionHours: 5 }
  const first = await send(JSON.stringify(body), true, 'shop', 'k-1')
  assert.deepEqual(await send(JSON.stringify(body), true, 'shop', 'k-1'), first)
  for (const other of [
    { eventType: 'b' },
    { eventId: 'y' },
    { payload: { a: 2 } },
    { tags: null },
    { channels: ['c'] },
    { payloadRetentionHours: 6 },
    { deliverAt: '2026-01-31T13:00:00Z' },
  ]) {
    const reply = await send(JSON.stringify({ ...body, ...other }), true, 'shop', 'k-1')
    assert.deepEqual([reply.status, reply.json.code], [409, 'idempotency_key_reused'], JSON.stringify(other))
  }
  assert.equal(stored.length, 1)
  assert.equal((await send(JSON.stringify(body), true, 'shop', 'k'.repeat(257))).status, 422)
  await send(JSON.stringify({ ...body, eventId: null }), true, 'shop', 'auto_1')
  const [, later] = stored
  assert.deepEqual([later?.idempotencyKey, later?.retryKey], [null, 'auto_1'])
})
