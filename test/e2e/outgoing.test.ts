/** Webhooks to a consumer's endpoints: driven by Svix's own client, judged by the libraries that receivers verify with. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { Admin } from './support/admin.ts'
import { Partners, verified } from './support/partners.ts'
import { type Inbox, Receiver } from './support/receiver.ts'

const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
egress: { allow: [127.0.0.0/8] }
`)
const admin = await Admin.of(postern)
const { svix } = admin
const receiver = await Receiver.start()
const partners = new Partners(admin, receiver)
after(async () => {
  await receiver.close()
  await postern.stop()
})

test('a published event reaches the endpoint, signed as Standard Webhooks says, and the attempt is listed', async () => {
  const secret = `whsec_${randomBytes(24).toString('base64')}`
  const { name, inbox, endpointId } = await partners.next({ secret, eventTypes: ['order.paid'] })
  inbox.script = () => ({ status: 202, body: 'thank you' })
  await svix.eventType.create({ name: `${name}.paid`, description: 'An order is paid.' })

  const payload = { order: 'o-1', total: 12.5, note: 'naïve ☕' }
  const message = await svix.message.create(name, { eventType: 'order.paid', eventId: 'evt-1', payload })
  const [request] = await inbox.until(1)

  assert.deepEqual(verified(secret, request!), payload)
  assert.equal(request!.method, 'POST')
  assert.equal(request!.headers['content-type'], 'application/json')
  assert.equal(request!.headers['webhook-id'], message.id)
  const age = Math.floor(request!.at / 1_000) - Number(request!.headers['webhook-timestamp'])
  assert.ok(age >= 0 && age <= 2, `the timestamp is the attempt's: ${age} s old`)

  await admin.settled(message.id, 'delivered')
  const attempts = await svix.messageAttempt.listByMsg(name, 'evt-1', { withContent: true })
  const [attempt] = attempts.data
  assert.equal(attempts.data.length, 1)
  assert.deepEqual(
    [attempt!.endpointId, attempt!.url, attempt!.statusText, attempt!.responseStatusCode, attempt!.response],
    [endpointId, inbox.url, 'success', 202, 'thank you'],
  )
  assert.equal(typeof attempt!.responseDurationMs, 'number')
  const [destination] = (await svix.messageAttempt.listAttemptedDestinations(name, message.id)).data
  assert.deepEqual([destination!.id, destination!.statusText], [endpointId, 'success'])
})

test('what is delivered is what the publisher wrote: big integers, duplicate keys and escapes stay as they are', async () => {
  const { name, inbox, secret } = await partners.next()
  const payload = '{"id":12345678901234567890,"a":1,"a":2,"e":"\\u00e9","f":1.0, "g" :null}'
  const answer = await admin.fetch(`/api/v1/app/${name}/msg`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: `{"eventType":"order.paid","payload":${payload}}`,
  })
  assert.equal(answer.status, 202)
  const [request] = await inbox.until(1)
  assert.equal(request!.body.toString(), payload)
  verified(secret, request!)
})

test('an event id is accepted once', async () => {
  const { name, inbox } = await partners.next()
  const event = { eventType: 'order.paid', eventId: 'evt-7', payload: {} }
  await svix.message.create(name, event)
  await assert.rejects(svix.message.create(name, event), { code: 409 })
  const last = await partners.publish(name)
  await admin.settled(last, 'delivered')
  assert.equal((await inbox.until(2)).length, 2)
})

test('each event of a burst is delivered once, and a receiver’s answer to one is never read as its answer to another', async () => {
  const { name, inbox } = await partners.next()
  // A body that looks like an answer: read as one, it would settle the delivery that is next on this connection.
  inbox.script = () => ({ body: 'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n' })
  const ids = await Promise.all(Array.from({ length: 300 }, (_, n) => partners.publish(name, { n })))
  for (const id of ids) {
    const attempts = await admin.settled(id, 'delivered')
    assert.deepEqual(
      attempts.map(({ status, failure }) => [status, failure]),
      [[200, null]],
    )
  }
  assert.equal(inbox.taken.length, ids.length)
})

test('an endpoint hears only of the event types and channels it asked for', async () => {
  const { name, inbox: all } = await partners.next()
  const inboxOf = async (path: string, filter: { eventTypes?: string[]; channels?: string[] }): Promise<Inbox> => {
    const inbox = receiver.at(`/${name}/${path}`)
    await svix.endpoint.create(name, { url: inbox.url, ...filter })
    return inbox
  }
  const paid = await inboxOf('paid', { eventTypes: ['order.paid', 'order.refunded'] })
  const europe = await inboxOf('europe', { channels: ['eu', 'uk'] })
  const paidInEurope = await inboxOf('paid-in-europe', { eventTypes: ['order.paid'], channels: ['eu'] })

  const ids: string[] = []
  for (const [eventType, channels] of [
    ['order.paid', undefined],
    ['order.sent', ['eu']],
    ['order.paid', ['us']],
    ['order.paid', ['us', 'eu']],
  ] as const) {
    const message = {
      eventType,
      payload: { n: ids.length },
      ...(channels === undefined ? {} : { channels: [...channels] }),
    }
    ids.push((await svix.message.create(name, message)).id)
  }
  for (const id of ids) await admin.settled(id, 'delivered')

  const heard = (inbox: Inbox): number[] =>
    inbox.taken.map(({ headers }) => ids.indexOf(String(headers['webhook-id']))).toSorted((a, b) => a - b)
  assert.deepEqual(
    { all: heard(all), paid: heard(paid), europe: heard(europe), paidInEurope: heard(paidInEurope) },
    { all: [0, 1, 2, 3], paid: [0, 2, 3], europe: [1, 3], paidInEurope: [3] },
  )
})

test('filterTypes, the name that 1.x clients use, filters too', async () => {
  const { name } = await partners.next({ eventTypes: ['nothing.at.all'] })
  const inbox = receiver.at(`/${name}/filtered`)
  const answer = await admin.fetch(`/api/v1/app/${name}/endpoint`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ url: inbox.url, filterTypes: ['order.paid'], version: 1 }),
  })
  assert.equal(answer.status, 201)
  await partners.publish(name, { n: 1 }, 'order.sent')
  await admin.settled(await partners.publish(name, { n: 2 }), 'delivered')
  assert.deepEqual(
    inbox.taken.map(({ body }) => body.toString()),
    ['{"n":2}'],
  )
})

test('an endpoint’s own headers go with every delivery; the signed ones cannot be set', async () => {
  const { name, inbox, endpointId } = await partners.next({
    headers: { 'X-Tenant': 'blue', Authorization: 'Bearer partner' },
  })
  await partners.publish(name)
  const [first] = await inbox.until(1)
  assert.deepEqual([first!.headers['x-tenant'], first!.headers['authorization']], ['blue', 'Bearer partner'])

  await svix.endpoint.patchHeaders(name, endpointId, { headers: { 'X-Tenant': 'green' } })
  await partners.publish(name)
  const [, second] = await inbox.until(2)
  assert.equal(second!.headers['x-tenant'], 'green')
  await assert.rejects(svix.endpoint.setHeaders(name, endpointId, { headers: { 'webhook-id': 'mine' } }), { code: 422 })
})

test('after a rotation both secrets verify; after one without grace only the new one', async () => {
  const { name, inbox, endpointId, secret: old } = await partners.next()
  await svix.endpoint.rotateSecret(name, endpointId)
  const { key: next } = await svix.endpoint.getSecret(name, endpointId)
  assert.notEqual(next, old)
  await partners.publish(name)
  const [both] = await inbox.until(1)
  verified(old, both!)
  verified(next, both!)

  await svix.endpoint.rotateSecret(name, endpointId, { gracePeriodSeconds: 0 })
  const { key: last } = await svix.endpoint.getSecret(name, endpointId)
  await partners.publish(name)
  const [, only] = await inbox.until(2)
  verified(last, only!)
  for (const gone of [old, next]) assert.throws(() => verified(gone, only!))
})

test('an endpoint that is disabled gets nothing; what is published after it is enabled it gets', async () => {
  const { name, inbox, endpointId } = await partners.next()
  await svix.endpoint.patch(name, endpointId, { disabled: true })
  await partners.publish(name, { n: 'while disabled' })
  await svix.endpoint.patch(name, endpointId, { disabled: false })
  await admin.settled(await partners.publish(name, { n: 'enabled' }), 'delivered')
  assert.deepEqual(
    inbox.taken.map(({ body }) => body.toString()),
    ['{"n":"enabled"}'],
  )
})
