/** Messages, attempts and deliveries through the unmodified Svix client; what engines do is done here by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageStatus, StatusCodeClass } from 'svix'
import { openHost, refused } from '../test-host.ts'

const URL = 'https://partner.example/hooks'

test('publish, get by id and event id, list with filters', async (t) => {
  const { svix, clock } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const paid = { eventType: 'order.paid', eventId: 'o-1', payload: { id: 1 }, channels: ['eu'] }
  const first = await svix.message.create('shop', paid, { withContent: true })
  assert.match(first.id, /^msg_[0-9A-Za-z]{27}$/)
  assert.deepEqual(first.payload, { id: 1 })
  assert.ok(first.timestamp instanceof Date && !Number.isNaN(first.timestamp.getTime()))
  await refused(svix.message.create('shop', paid), 409, 'conflict')
  await refused(svix.message.create('nobody', paid), 404, 'not_found')
  await refused(svix.message.create('shop', { ...paid, eventType: 'no spaces' }), 422)

  clock.advance(1000)
  const second = await svix.message.create('shop', { eventType: 'order.sent', payload: { id: 2 } })
  assert.deepEqual(second.payload, {})
  assert.deepEqual(await svix.message.get('shop', first.id, { withContent: true }), first)
  assert.deepEqual(await svix.message.get('shop', 'o-1', { withContent: true }), first)
  await refused(svix.message.get('shop', 'o-2'), 404, 'not_found')

  const ids = async (options: Parameters<typeof svix.message.list>[1]) =>
    (await svix.message.list('shop', options)).data.map(({ id }) => id)
  assert.deepEqual(await ids({}), [second.id, first.id])
  assert.deepEqual(await ids({ eventTypes: ['order.paid', 'other'] }), [first.id])
  assert.deepEqual(await ids({ channel: 'eu' }), [first.id])
  assert.deepEqual(await ids({ after: second.timestamp }), [second.id])
  assert.deepEqual(await ids({ before: second.timestamp }), [first.id])
  const page = await svix.message.list('shop', { limit: 1, withContent: true })
  assert.deepEqual([page.done, page.data[0]?.payload], [false, { id: 2 }])
  assert.deepEqual(await ids({ limit: 1, iterator: page.iterator }), [first.id])
})

test('a message belongs to its application', async (t) => {
  const { svix } = await openHost(t)
  await svix.application.create({ name: 'A', uid: 'a' })
  await svix.application.create({ name: 'B', uid: 'b' })
  const { id } = await svix.message.create('a', { eventType: 'x', payload: {} })
  await refused(svix.message.get('b', id), 404, 'not_found')
  await refused(svix.messageAttempt.listByMsg('b', id), 404, 'not_found')
  assert.deepEqual((await svix.message.list('b')).data, [])
})

test('attempts are listed by message and endpoint, filtered, and read one by one', async (t) => {
  const { svix, attempt } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const one = await svix.endpoint.create('shop', { url: URL, uid: 'one' })
  const two = await svix.endpoint.create('shop', { url: URL, uid: 'two' })
  const message = await svix.message.create('shop', { eventType: 'order.paid', payload: { id: 1 }, channels: ['eu'] })
  const other = await svix.message.create('shop', { eventType: 'order.sent', payload: {} })
  const failed = await attempt(message.id, one.id, { status: 503, response: 'busy' })
  const worked = await attempt(message.id, one.id, { status: 200, response: 'ok' })
  const silent = await attempt(message.id, two.id, { status: 0, response: '' })
  const later = await attempt(other.id, one.id, { status: 204, response: '' })

  const byMessage = await svix.messageAttempt.listByMsg('shop', message.id, { withContent: true })
  assert.deepEqual(byMessage.data.map(idOf), [silent, worked, failed])
  const [, ok, busy] = byMessage.data
  assert.deepEqual(
    { ...ok, timestamp: 0 },
    {
      id: worked,
      msgId: message.id,
      endpointId: one.id,
      url: URL,
      response: 'ok',
      responseStatusCode: 200,
      responseDurationMs: 12,
      status: 0,
      statusText: 'success',
      triggerType: 0,
      timestamp: 0,
      msg: undefined,
    },
  )
  assert.deepEqual([busy?.status, busy?.statusText, busy?.responseStatusCode], [2, 'fail', 503])

  type ByMessage = Parameters<typeof svix.messageAttempt.listByMsg>[2]
  const found = async (options: ByMessage) =>
    (await svix.messageAttempt.listByMsg('shop', message.id, options)).data.map(idOf)
  assert.deepEqual(await found({ endpointId: 'one' }), [worked, failed])
  assert.deepEqual(await found({ status: MessageStatus.Success }), [worked])
  assert.deepEqual(await found({ status: MessageStatus.Fail }), [silent, failed])
  assert.deepEqual(await found({ status: MessageStatus.Sending }), [])
  assert.deepEqual(await found({ statusCodeClass: StatusCodeClass.Code5xx }), [failed])
  assert.deepEqual(await found({ statusCodeClass: StatusCodeClass.CodeNone }), [silent])
  assert.deepEqual(await found({ eventTypes: ['order.sent'] }), [])
  assert.deepEqual(await found({ before: ok!.timestamp }), [failed])
  assert.deepEqual(await found({ after: ok!.timestamp }), [silent, worked])

  const byEndpoint = await svix.messageAttempt.listByEndpoint('shop', 'one', { withMsg: true })
  assert.deepEqual(byEndpoint.data.map(idOf), [later, worked, failed])
  assert.equal(byEndpoint.data[0]?.msg?.eventType, 'order.sent')
  assert.equal(byEndpoint.data[0]?.response, '{}', 'without content')
  const inEurope = await svix.messageAttempt.listByEndpoint('shop', 'one', { channel: 'eu' })
  assert.deepEqual(inEurope.data.map(idOf), [worked, failed])

  assert.equal((await svix.messageAttempt.get('shop', message.id, failed)).response, 'busy')
  await refused(svix.messageAttempt.get('shop', other.id, failed), 404, 'not_found')
})

test('what became of a message at each endpoint', async (t) => {
  const { svix, attempt } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const paidOnly = await svix.endpoint.create('shop', { url: URL, eventTypes: ['order.paid'] })
  const all = await svix.endpoint.create('shop', { url: URL })
  const paid = await svix.message.create('shop', { eventType: 'order.paid', payload: {} })
  const sent = await svix.message.create('shop', { eventType: 'order.sent', payload: {} })
  await attempt(paid.id, all.id, { status: 200, response: '' })

  const destinations = await svix.messageAttempt.listAttemptedDestinations('shop', paid.id)
  assert.deepEqual(
    destinations.data.map(({ id, statusText }) => [id, statusText]),
    [
      [paidOnly.id, 'pending'],
      [all.id, 'success'],
    ],
  )
  assert.ok(destinations.data[0]?.nextAttempt instanceof Date)
  assert.equal(destinations.data[1]?.nextAttempt, null)

  const statuses = async (options: Parameters<typeof svix.messageAttempt.listAttemptedMessages>[2]) =>
    (await svix.messageAttempt.listAttemptedMessages('shop', all.id, options)).data.map(({ id, status }) => [
      id,
      status,
    ])
  assert.deepEqual(await statuses({}), [
    [sent.id, 1],
    [paid.id, 0],
  ])
  assert.deepEqual(await statuses({ status: MessageStatus.Success }), [[paid.id, 0]])
  assert.deepEqual(await statuses({ eventTypes: ['order.sent'] }), [[sent.id, 1]])
  assert.deepEqual((await svix.messageAttempt.listAttemptedMessages('shop', paidOnly.id)).data.map(idOf), [paid.id])
})

test('a resend asks an engine; what cannot be resent says why', async (t) => {
  const asked: string[][] = []
  let answer = true
  const { svix } = await openHost(t, {
    resend: async (messageId, endpointId) => {
      asked.push([messageId, endpointId])
      return answer
    },
  })
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const endpoint = await svix.endpoint.create('shop', { url: URL, uid: 'one' })
  const message = await svix.message.create('shop', { eventType: 'a', eventId: 'e', payload: {} })
  assert.deepEqual(await svix.messageAttempt.resend('shop', 'e', 'one'), {})
  assert.deepEqual(asked, [[message.id, endpoint.id]])

  answer = false
  await refused(svix.messageAttempt.resend('shop', message.id, 'one'), 409, 'conflict')
  await svix.endpoint.create('shop', { url: URL, uid: 'new' })
  await refused(svix.messageAttempt.resend('shop', message.id, 'new'), 404, 'not_found')
  await refused(svix.messageAttempt.resend('shop', message.id, 'none'), 404, 'not_found')
})

test('health answers, with and without a slash at the end', async (t) => {
  const { svix, request } = await openHost(t)
  await svix.health.get()
  assert.equal((await request('GET', '/api/v1/health/')).status, 204)
})

test('what is not offered is 404 in the shape that clients read', async (t) => {
  const { svix } = await openHost(t)
  await refused(svix.streaming.stream.list(), 404, 'not_found')
  await refused(svix.ingest.source.list(), 404, 'not_found')
})

const idOf = ({ id }: { id: string }): string => id
