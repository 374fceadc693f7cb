/** Which route a request meets and how the route ends: hosts, paths, methods, services with weights, replies, redirects. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { RawClient, exchangeOnce } from '../../src/selftest/raw-client.ts'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { Receiver, closedPort } from './support/receiver.ts'

const [one, other] = [await Receiver.start(), await Receiver.start()]
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }, { address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
services:
  one: ${one.url}
  weighted: { instances: [{ url: ${one.url}, weight: 3 }, { url: ${other.url} }] }
  half-dead: { instances: [{ url: http://127.0.0.1:${await closedPort()}, weight: 3 }, ${one.url}] }
routes:
  exact: { match: /a, reply: { body: exact } }
  prefix: { match: /a/*, reply: { body: prefix } }
  deeper: { match: /a/b/*, reply: { body: deeper } }
  param: { match: /user/:id, reply: { body: param } }
  literal: { match: /user/me, reply: { body: literal } }
  nested: { match: /user/:id/orders/:order, reply: { body: nested } }
  read: { match: { path: /thing, methods: [GET, HEAD] }, reply: { body: read } }
  write: { match: { path: /thing, methods: [POST] }, reply: { body: write } }
  shop: { match: { path: /*, host: shop.example }, reply: { body: shop } }
  shop-a: { match: { path: /a, hosts: [shop.example] }, reply: { body: shop-a } }
  below: { match: { path: /*, host: "*.shop.example" }, reply: { body: below } }
  far-below: { match: { path: /*, host: "*.eu.shop.example" }, reply: { body: far-below } }
  json: { match: /json, reply: { status: 203, headers: { X-Kind: made }, body: { a: [1, null] } } }
  silent: { match: /silent, reply: { status: 204 } }
  moved: { match: /moved, redirect: { location: "https://shop.example/new?a=1", status: 308 } }
  found: { match: /found, redirect: /a }
  up: { match: /up/*, proxy: one }
  weighted: { match: /weighted, proxy: weighted }
  half-dead: { match: /half-dead, proxy: half-dead }
`)
after(async () => {
  await one.close()
  await other.close()
  await postern.stop()
})

const ask = (method: string, target: string, host = 'other.example') =>
  exchangeOnce(postern.port(), `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, method)

/** Method and target, host, and the route that answers; null is nobody. */
const ROUTES: readonly (readonly [request: string, host: string, route: string | null])[] = [
  ['GET /a', 'other.example', 'exact'],
  ['DELETE /a?b=1', 'other.example', 'exact'],
  ['GET /a/', 'other.example', 'prefix'],
  ['GET /a/x/y', 'other.example', 'prefix'],
  ['GET /a/b/c', 'other.example', 'deeper'],
  ['GET /a/b', 'other.example', 'prefix'],
  ['GET /A', 'other.example', null],
  ['GET /%61', 'other.example', 'exact'],
  ['GET /x/../a', 'other.example', 'exact'],
  ['GET //a', 'other.example', 'exact'],
  ['GET /user/42', 'other.example', 'param'],
  ['GET /user/me', 'other.example', 'literal'],
  ['GET /user/', 'other.example', null],
  ['GET /user/42/orders/7', 'other.example', 'nested'],
  ['GET /user/me/orders/7', 'other.example', 'nested'],
  ['GET /user/42/orders', 'other.example', null],
  ['GET /thing', 'other.example', 'read'],
  ['POST /thing', 'other.example', 'write'],
  ['PUT /thing', 'other.example', null],
  ['GET /nothing', 'shop.example', 'shop'],
  ['GET /a', 'shop.example', 'shop-a'],
  ['GET /a', 'SHOP.example:8080', 'shop-a'],
  ['GET /a', 'www.shop.example', 'below'],
  ['GET /a', 'a.b.shop.example', 'below'],
  ['GET /a', 'de.eu.shop.example', 'far-below'],
  ['GET /a', 'eu.shop.example', 'below'],
  ['GET /a', 'notshop.example', 'exact'],
  ['GET /nothing', 'other.example', null],
]
for (const [request, host, route] of ROUTES) {
  test(`${request} at ${host} is answered by ${route ?? 'nobody'}`, async () => {
    const [method, target] = request.split(' ')
    const answer = await ask(method!, target!, host)
    // A path that has routes for other methods says so.
    assert.equal(answer.status, route !== null ? 200 : method === 'PUT' ? 405 : 404)
    if (route !== null) assert.equal(answer.body.toString(), route)
  })
}

test('HEAD is answered as GET would be, without the body', async () => {
  const client = await RawClient.connect(postern.port())
  await client.send('HEAD /thing HTTP/1.1\r\nHost: a\r\n\r\nGET /thing HTTP/1.1\r\nHost: a\r\n\r\n')
  const [head, get] = [await client.response('HEAD'), await client.response('GET')]
  client.close()
  assert.deepEqual([head.status, head.body.length, valuesOf(head, 'content-length')], [200, 0, ['4']])
  assert.equal(get.body.toString(), 'read')
})

test('a reply has its status, its headers and its body; a redirect its place', async () => {
  const json = await ask('GET', '/json')
  assert.deepEqual([json.status, JSON.parse(json.body.toString())], [203, { a: [1, null] }])
  assert.deepEqual([valuesOf(json, 'content-type'), valuesOf(json, 'x-kind')], [['application/json'], ['made']])
  const silent = await ask('GET', '/silent')
  assert.deepEqual([silent.status, silent.framing, silent.body.length], [204, 'none', 0])
  const moved = await ask('POST', '/moved')
  assert.deepEqual([moved.status, valuesOf(moved, 'location')], [308, ['https://shop.example/new?a=1']])
  const found = await ask('GET', '/found')
  assert.deepEqual([found.status, valuesOf(found, 'location')], [302, ['/a']])
})

test('a service gets the method, the canonical path, the query, the headers and the body as they came', async () => {
  const inbox = one.at('/up/x', () => ({ status: 418, headers: { 'X-Brew': 'tea' }, body: 'short and stout' }))
  const answer = await exchangeOnce(
    postern.port(),
    'PATCH /up/y/../%78?q=%2F&b HTTP/1.1\r\nHost: shop.internal\r\nX-One: 1\r\nx-two: 2\r\nContent-Length: 4\r\n\r\nbody',
  )
  assert.deepEqual(
    [answer.status, valuesOf(answer, 'x-brew'), answer.body.toString()],
    [418, ['tea'], 'short and stout'],
  )
  const [taken] = inbox.taken
  assert.deepEqual([taken!.method, taken!.url, taken!.body.toString()], ['PATCH', '/up/x?q=%2F&b', 'body'])
  assert.deepEqual(
    taken!.lines.filter((line) => /^x-(one|two)|^host/i.test(line)),
    ['Host: shop.internal', 'X-One: 1', 'x-two: 2'],
  )
})

test('HEAD goes to the service as HEAD', async () => {
  one.at('/up/head', () => ({ headers: { 'Content-Length': '5' } }))
  const answer = await ask('HEAD', '/up/head')
  assert.deepEqual([answer.status, answer.body.length, valuesOf(answer, 'content-length')], [200, 0, ['5']])
  assert.equal(one.at('/up/head').taken[0]!.method, 'HEAD')
})

test('instances are called by weight, three to one, and mixed: every four calls in a row hold the lighter one once', async () => {
  const inboxes = { a: one.at('/weighted', () => ({ body: 'a' })), b: other.at('/weighted', () => ({ body: 'b' })) }
  let order = ''
  for (let i = 0; i < 40; i++) order += (await ask('GET', '/weighted')).body.toString()
  assert.deepEqual([inboxes.a.taken.length, inboxes.b.taken.length], [30, 10])
  for (let i = 0; i < 40; i += 4) assert.equal(order.slice(i, i + 4).replaceAll('a', ''), 'b')
})

test('an instance that is down is passed over while another one lives, whatever the method: nothing was sent to it', async () => {
  const inbox = one.at('/half-dead', (_, { body }) => ({ body }))
  for (let i = 0; i < 8; i++) {
    const answer = await fetch(`${postern.gateway[0]}/half-dead`, { method: 'POST', body: `order ${i}` })
    assert.deepEqual([answer.status, await answer.text()], [200, `order ${i}`])
  }
  assert.equal(inbox.taken.length, 8)
  const records = await postern.waitForRecords(8, ({ route }) => route === 'half-dead')
  assert.ok(records.some(({ tries }) => tries === 2))
})

test('every listener serves the routes', async () => {
  assert.equal(postern.gateway.length, 2)
  assert.notEqual(postern.gateway[0], postern.gateway[1])
  for (const listener of postern.gateway) assert.equal(await (await fetch(`${listener}/a`)).text(), 'exact')
})
