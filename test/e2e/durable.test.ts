/** Requests that are kept and delivered later: a receipt now, the request as it came when the service can take it. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { RawClient, exchangeOnce } from '../../src/selftest/raw-client.ts'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { Admin, eventually } from './support/admin.ts'
import { Receiver, closedPort } from './support/receiver.ts'

const KEY = 'mobile-app-key-1'
const receiver = await Receiver.start()
const latePort = await closedPort()
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
delivery: { schedule: [${Array.from({ length: 60 }, () => '100ms').join(', ')}] }
services:
  orders: ${receiver.url}
  late: http://127.0.0.1:${latePort}
consumers:
  mobile-app: { credentials: [{ api-key: ${KEY} }] }
routes:
  orders-import: { match: /orders/*, policies: [key-auth], durable: orders }
  late-import: { match: { path: /late/*, methods: [POST] }, body-max: 1KiB, durable: late }
`)
const [gateway] = postern.gateway
const admin = await Admin.of(postern)
after(async () => {
  await receiver.close()
  await postern.stop()
})

test('a durable request is answered with a receipt and delivered with its method, target, headers and bytes', async () => {
  const body = Buffer.from([0, 255, 13, 10, 0xc3, 0x28])
  const lines = ['X-Batch: 7', 'content-type: application/octet-stream', 'x-Batch: 8', 'Authorization: Bearer upstream']
  const answer = await exchangeOnce(
    postern.port(),
    Buffer.concat([
      Buffer.from(
        `PUT /orders/import/7?dry=%20run&a=1&a=2 HTTP/1.1\r\nHost: shop.example\r\nX-API-Key: ${KEY}\r\n` +
          `${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n`,
      ),
      body,
    ]),
  )
  assert.equal(answer.status, 202)
  assert.deepEqual(valuesOf(answer, 'content-type'), ['application/json'])
  const { id } = JSON.parse(answer.body.toString())
  const attempts = await admin.settled(id, 'delivered')
  assert.equal(attempts.length, 1)
  const [taken] = receiver.at('/orders/import/7').taken
  assert.deepEqual([taken!.method, taken!.url], ['PUT', '/orders/import/7?dry=%20run&a=1&a=2'])
  assert.deepEqual(
    taken!.lines.filter((line) => lines.includes(line)),
    lines,
  )
  assert.deepEqual(taken!.body, body)
  assert.deepEqual(
    [taken!.headers['x-consumer-name'], taken!.headers['x-api-key'], taken!.headers['postern-message-id']],
    ['mobile-app', undefined, id],
  )
  const [stored] = await admin.messages('route:orders-import')
  assert.deepEqual([stored!.id, stored!.bytes], [id, body.length])
})

test('a durable request without a body, sent in chunks, or refused', async () => {
  const deleted = await fetch(`${gateway}/orders/9`, { method: 'DELETE', headers: { 'X-API-Key': KEY } })
  assert.equal(deleted.status, 202)
  const [taken] = await receiver.at('/orders/9').until(1)
  assert.deepEqual([taken!.method, taken!.body.length], ['DELETE', 0])

  const chunked = await exchangeOnce(
    postern.port(),
    `POST /orders/chunked HTTP/1.1\r\nHost: a\r\nX-API-Key: ${KEY}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`,
  )
  assert.equal(chunked.status, 202)
  const [whole] = await receiver.at('/orders/chunked').until(1)
  assert.deepEqual([whole!.body.toString(), whole!.headers['content-length']], ['abcde', '5'])

  const { messages } = await admin.stats()
  assert.equal((await fetch(`${gateway}/orders/9`, { method: 'DELETE' })).status, 401)
  assert.equal((await fetch(`${gateway}/late/large`, { method: 'POST', body: 'x'.repeat(1_025) })).status, 413)
  assert.equal((await admin.stats()).messages, messages)
})

test('durable requests that a client pipelines are answered in their order, each with a receipt of its own', async () => {
  const client = await RawClient.connect(postern.port())
  const bodies = Array.from({ length: 20 }, (_, n) => `import ${n}`)
  await client.send(
    bodies
      .map(
        (body) =>
          `POST /orders/piped HTTP/1.1\r\nHost: a\r\nX-API-Key: ${KEY}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      .join(''),
  )
  const bodyOf = new Map<string, string>()
  for (const body of bodies) {
    const answer = await client.response()
    assert.equal(answer.status, 202)
    bodyOf.set(JSON.parse(answer.body.toString()).id, body)
  }
  client.close()
  const taken = await receiver.at('/orders/piped').until(bodies.length)
  const delivered = taken.map(({ headers, body }) => [String(headers['postern-message-id']), body.toString()] as const)
  assert.deepEqual(new Map(delivered), bodyOf)
})

test('a durable request for a service that is down waits until it is back', async () => {
  const answer = await fetch(`${gateway}/late/import?n=1`, { method: 'POST', body: 'later' })
  assert.equal(answer.status, 202)
  const { id } = JSON.parse(await answer.text())
  await eventually(
    () => admin.attempts(id),
    (attempts) => attempts.length >= 2,
    'two attempts have failed',
  )
  const late = await Receiver.start(latePort)
  try {
    const [taken] = await late.at('/late/import').until(1)
    assert.deepEqual([taken!.url, taken!.body.toString()], ['/late/import?n=1', 'later'])
    await admin.settled(id, 'delivered')
  } finally {
    await late.close()
  }
})
