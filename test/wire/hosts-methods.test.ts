/** One reading of the host and the method: matched without regard to case or port, refused when it could name two (RFC 9112 §3.2). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeOnce } from '../../src/selftest/raw-client.ts'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { hosts } from '../../src/selftest/corpus/hosts.ts'
import { HERE, requests } from './corpus.ts'
import { forwardings } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({
  routes: `
  shop: { match: { path: /host, host: shop.example }, reply: { body: shop } }
  wild: { match: { path: /host, host: "*.wild.example" }, reply: { body: wild } }
  gets: { match: { path: /method, methods: [GET] }, reply: { body: get } }
  read: { match: { path: /only, host: only.example, methods: [GET] }, proxy: up }
  written: { match: { path: /only, host: only.example, methods: [PUT] }, proxy: up }
`,
})

const OK = { reason: 'ok', status: 200 }

requests(rig, hosts(HERE))

for (const [host, body] of [
  ['shop.example', 'shop'],
  ['SHOP.Example', 'shop'],
  ['shop.example:8080', 'shop'],
  ['shop.example.', 'shop'],
  ['a.wild.example', 'wild'],
  ['A.b.Wild.example:1', 'wild'],
  ['wild.example', 'ok'],
  ['notshop.example', 'ok'],
  ['shop.example.evil', 'ok'],
  ['[::1]:80', 'ok'],
] as const) {
  test(`host ${host} is of ${body}`, async () => {
    const answer = await exchangeOnce(rig.postern.port(), crlf(`GET /host HTTP/1.1⏎Host: ${host}⏎⏎`))
    assert.equal(answer.body.toString(), body)
    await rig.settle(host, [{ reason: body === 'ok' ? 'ok' : 'reply', status: 200 }])
  })
}

forwardings(rig, [
  {
    name: 'an empty Host (HTTP/1.0) names nobody',
    send: 'GET /a HTTP/1.0⏎Host:⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: [`Host: ${new URL(rig.upstream.url).host}`], hostless: true }],
  },
  {
    name: 'a host in the target alone (HTTP/1.0)',
    send: 'GET http://Shop.other:81/a HTTP/1.0⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: Shop.other:81'] }],
  },
])

test('a route for GET answers HEAD', async () => {
  const answer = await exchangeOnce(rig.postern.port(), crlf('HEAD /method HTTP/1.1⏎Host: a⏎⏎'), 'HEAD')
  assert.deepEqual([answer.status, valuesOf(answer, 'content-length')], [200, ['3']])
  assert.equal(
    (await exchangeOnce(rig.postern.port(), crlf('HEAD /only HTTP/1.1⏎Host: only.example⏎⏎'), 'HEAD')).status,
    200,
  )
  const trace = await rig.settle('HEAD', [{ reason: 'reply', status: 200 }, OK])
  assert.deepEqual(
    trace.requests.map(({ start }) => start),
    ['HEAD /only HTTP/1.1'],
  )
})

test('refused: HEAD, without a body to the refusal', async () => {
  const client = await rig.connect()
  await client.send(crlf('HEAD /a HTTP/1.1⏎⏎'))
  assert.equal((await client.response('HEAD')).status, 400)
  assert.equal((await client.closed()).rest, '')
  client.close()
  assert.deepEqual(await rig.settle('HEAD refused', [{ reason: 'invalid-host', status: 400 }]), {
    requests: [],
    partial: [],
  })
})

rig.checkRecords()
