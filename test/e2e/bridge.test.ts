/** Where the gateway and the post meet: answers that become events, and bodies that are published. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { Admin } from './support/admin.ts'
import { verified } from './support/partners.ts'
import { Receiver, closedPort } from './support/receiver.ts'

const KEY = 'mobile-app-key-1'
const receiver = await Receiver.start()
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
egress: { allow: [127.0.0.0/8] }
services:
  cart: { instances: [${receiver.url}] }
  dead: http://127.0.0.1:${await closedPort()}
event-types: { cart.item_added: , cart.item_removed: , cart.cleared: , cart.listed: , news.published: }
consumers:
  mobile-app: { credentials: [{ api-key: ${KEY} }] }
  partner: {}
  warehouse: {}
routes:
  cart-add:
    match: { path: /cart/add, methods: [POST] }
    policies: [request-id, key-auth, { emit: { event: cart.item_added } }]
    proxy: cart
  cart-remove:
    match: { path: /cart/items/:sku, methods: [DELETE] }
    policies:
      - key-auth
      - emit:
          event: cart.item_removed
          to: partner
          payload: '{ "sku": request.params.sku, "why": request.query.why, "by": consumer, "left": $count(response.body.items) }'
    proxy: cart
  cart-clear:
    match: { path: /cart/clear, methods: [POST] }
    policies: [{ emit: { event: cart.cleared, payload: '$error("no")' } }]
    proxy: cart
  cart-list:
    match: { path: /cart/list, methods: [GET] }
    policies: [{ emit: { event: cart.listed, bytesMax: 100 } }]
    proxy: cart
  cart-dead:
    match: { path: /cart/dead, methods: [POST] }
    policies: [{ emit: { event: cart.item_added } }]
    proxy: dead
  news: { match: { path: /news, methods: [POST] }, publish: { event: news.published, to: partner } }
`)
const [gateway] = postern.gateway
const admin = await Admin.of(postern)
const { svix } = admin
const partner = receiver.at('/partner')
const warehouse = receiver.at('/warehouse')
const { id: partnerEndpoint } = await svix.endpoint.create('partner', { url: partner.url })
await svix.endpoint.create('warehouse', { url: warehouse.url, eventTypes: ['cart.item_added'] })
const { key: secret } = await svix.endpoint.getSecret('partner', partnerEndpoint)
after(async () => {
  await receiver.close()
  await postern.stop()
})

const withKey = { 'X-API-Key': KEY, 'Content-Type': 'application/json' }
const messageIds = async (): Promise<string[]> => (await admin.messages()).map(({ id }) => id)

/** What is stored after a call that was not before it, as soon as the call is over. */
async function storedBy(call: () => Promise<unknown>) {
  const before = new Set(await messageIds())
  await call()
  return (await admin.messages()).filter(({ id }) => !before.has(id))
}

test('a successful answer becomes an event for every consumer who wants it, stored when the client has the answer', async () => {
  receiver.at('/cart/add', () => ({ status: 201, headers: { 'X-Cart': '7' }, body: '{"sku":"A-1","count":2}' }))
  const events = await storedBy(async () => {
    const answer = await fetch(`${gateway}/cart/add`, { method: 'POST', headers: withKey, body: '{}' })
    assert.deepEqual([answer.status, answer.headers.get('x-cart')], [201, '7'])
    assert.equal(await answer.text(), '{"sku":"A-1","count":2}')
  })
  assert.deepEqual(
    events.map(({ eventType }) => eventType),
    ['cart.item_added', 'cart.item_added'],
  )
  for (const { id } of events) await admin.settled(id, 'delivered')
  const [toPartner] = await partner.until(1)
  const [toWarehouse] = await warehouse.until(1)
  const { type, timestamp, data } = JSON.parse(toPartner!.body.toString())
  assert.deepEqual([type, data], ['cart.item_added', { sku: 'A-1', count: 2 }])
  assert.ok(Math.abs(Date.now() - Date.parse(timestamp)) < 60_000)
  verified(secret, toPartner!)
  assert.notEqual(toPartner!.headers['webhook-id'], toWarehouse!.headers['webhook-id'])
})

test('a hundred at once: every client has its own answer, and every answer its own event', async () => {
  receiver.at('/cart/add', (_, { body }) => ({
    headers: { 'X-Cart': body.toString() },
    body: `{"cart":${body.toString()}}`,
  }))
  const carts = Array.from({ length: 100 }, (_, n) => String(n))
  const before = partner.taken.length
  await Promise.all(
    carts.map(async (cart) => {
      const answer = await fetch(`${gateway}/cart/add`, { method: 'POST', headers: withKey, body: cart })
      assert.deepEqual(
        [answer.status, answer.headers.get('x-cart'), await answer.text()],
        [200, cart, `{"cart":${cart}}`],
      )
    }),
  )
  const events = (await partner.until(before + carts.length)).slice(before)
  const told = events.map(({ body }) => String(JSON.parse(body.toString()).data.cart))
  assert.deepEqual(new Set(told), new Set(carts))
  assert.equal(told.length, carts.length)
})

test('an empty success is an event without data', async () => {
  receiver.at('/cart/add', () => ({ status: 204 }))
  const [event] = await storedBy(async () => {
    assert.equal((await fetch(`${gateway}/cart/add`, { method: 'POST', headers: withKey, body: '{}' })).status, 204)
  })
  await admin.settled(event!.id, 'delivered')
  const taken = [...partner.taken, ...warehouse.taken].find(({ headers }) => headers['webhook-id'] === event!.id)
  assert.deepEqual(JSON.parse(taken!.body.toString()).data, {})
})

for (const [what, status] of [
  ['a redirect', 302],
  ['a client error', 404],
  ['a server error', 500],
] as const) {
  test(`${what} of the service becomes no event`, async () => {
    receiver.at('/cart/add', () => ({ status, body: '{"sku":"A-1"}' }))
    const events = await storedBy(async () => {
      const init = { method: 'POST', headers: withKey, body: '{}', redirect: 'manual' } as const
      assert.equal((await fetch(`${gateway}/cart/add`, init)).status, status)
    })
    assert.deepEqual(events, [])
  })
}

test('what the gateway answers itself becomes no event: a refusal, a dead service', async () => {
  const events = await storedBy(async () => {
    assert.equal((await fetch(`${gateway}/cart/add`, { method: 'POST' })).status, 401)
    assert.equal((await fetch(`${gateway}/cart/dead`, { method: 'POST' })).status, 502)
  })
  assert.deepEqual(events, [])
})

test('an event for one consumer reaches that one, with the payload that the expression makes', async () => {
  receiver.at('/cart/items/A-1', () => ({ body: '{"items":[{"sku":"B"},{"sku":"C"}]}' }))
  const [event, ...more] = await storedBy(async () => {
    const init = { method: 'DELETE', headers: withKey }
    assert.equal((await fetch(`${gateway}/cart/items/A-1?why=too%20dear`, init)).status, 200)
  })
  assert.deepEqual([event!.eventType, more], ['cart.item_removed', []])
  const before = warehouse.taken.length
  await admin.settled(event!.id, 'delivered')
  const { data } = JSON.parse(partner.taken.at(-1)!.body.toString())
  assert.deepEqual(data, { sku: 'A-1', why: 'too dear', by: 'mobile-app', left: 2 })
  assert.equal(warehouse.taken.length, before)
})

test('an answer that cannot become its event is not given as a success', async () => {
  const calls = receiver.at('/cart/clear', () => ({ body: '{}' })).taken
  receiver.at('/cart/list', () => ({ body: JSON.stringify({ items: 'x'.repeat(100) }) }))
  const events = await storedBy(async () => {
    const failed = await fetch(`${gateway}/cart/clear`, { method: 'POST' })
    assert.deepEqual([failed.status, JSON.parse(await failed.text()).code], [500, 'policy-failed'])
    const large = await fetch(`${gateway}/cart/list`)
    assert.deepEqual([large.status, JSON.parse(await large.text()).code], [502, 'upstream-body-too-large'])
  })
  assert.deepEqual(events, [])
  assert.equal(calls.length, 1)
})

test('a body that is published becomes an event of its consumer, byte for byte', async () => {
  const body = '{"id": 12345678901234567890,\r\n "é": 1.0}'
  const answer = await fetch(`${gateway}/news`, { method: 'POST', body })
  assert.equal(answer.status, 202)
  const { id } = JSON.parse(await answer.text())
  await admin.settled(id, 'delivered')
  const taken = partner.taken.find(({ headers }) => headers['webhook-id'] === id)
  assert.equal(taken!.body.toString(), body)
  verified(secret, taken!)

  const events = await storedBy(async () => {
    const refused = await fetch(`${gateway}/news`, { method: 'POST', body: 'no JSON' })
    assert.deepEqual([refused.status, JSON.parse(await refused.text()).code], [400, 'payload-invalid'])
  })
  assert.deepEqual(events, [])
})

test('an event for a consumer that is gone is not lost in silence: the client is told that it could not be stored', async () => {
  receiver.at('/cart/items/A-1', () => ({ body: '{"items":[]}' }))
  await svix.application.delete('partner')
  const events = await storedBy(async () => {
    const answer = await fetch(`${gateway}/cart/items/A-1`, { method: 'DELETE', headers: withKey })
    assert.deepEqual([answer.status, JSON.parse(await answer.text()).code], [503, 'store-unavailable'])
  })
  assert.deepEqual(events, [])
})
