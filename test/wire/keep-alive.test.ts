/** How long connections live: the client's as its version and its words say, the upstream's as long as it is good for (RFC 9112 §9). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { ok } from '../../src/selftest/recording-upstream.ts'
import { ask } from './answers.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isProblem } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({ catchAll: false, routes: '  a: { match: { path: /a }, proxy: up }' })
const OK = { reason: 'ok', status: 200 }

interface Kept {
  readonly name: string
  readonly send: string
  /** What the answer's Connection says; `close` must then be true. */
  readonly connection: readonly string[]
}

const kept: readonly Kept[] = [
  { name: 'HTTP/1.1', send: 'GET /a HTTP/1.1⏎Host: a⏎⏎', connection: [] },
  { name: 'HTTP/1.1 keep-alive', send: 'GET /a HTTP/1.1⏎Host: a⏎Connection: keep-alive⏎⏎', connection: [] },
  { name: 'HTTP/1.1 close', send: 'GET /a HTTP/1.1⏎Host: a⏎Connection: Close⏎⏎', connection: ['close'] },
  { name: 'HTTP/1.0', send: 'GET /a HTTP/1.0⏎Host: a⏎⏎', connection: ['close'] },
  {
    name: 'HTTP/1.0 keep-alive',
    send: 'GET /a HTTP/1.0⏎Host: a⏎Connection: Keep-Alive⏎⏎',
    connection: ['keep-alive'],
  },
]

for (const { name, send, connection } of kept) {
  test(`a client of ${name}`, async () => {
    rig.upstream.script = ok('hello')
    const client = await rig.connect()
    await client.send(crlf(send))
    const first = await client.response()
    assert.deepEqual([first.body.toString(), valuesOf(first, 'connection')], ['hello', connection])
    const records = [OK]
    if (connection.includes('close')) assert.equal((await client.closed()).rest, '')
    else {
      await client.send(crlf(send))
      assert.equal((await client.response()).body.toString(), 'hello')
      records.push(OK)
    }
    client.close()
    const { requests } = await rig.settle(name, records)
    for (const { start } of requests) assert.equal(start, 'GET /a HTTP/1.1')
  })
}

test('one upstream connection serves request after request', async () => {
  const client = await rig.connect()
  const before = rig.upstream.connections.length
  for (let i = 0; i < 20; i++) {
    await client.send(ask(i % 2 === 0 ? 'GET' : 'POST'))
    assert.equal((await client.response()).status, 200)
  }
  client.close()
  const { requests } = await rig.settle(
    'twenty',
    Array.from({ length: 20 }, () => OK),
  )
  assert.equal(new Set(requests.map(({ connection }) => connection.id)).size, 1)
  assert.equal(rig.upstream.connections.length, before)
})

test('clients at the same time have an upstream connection each', async () => {
  rig.upstream.script = { answer: () => {} }
  const before = rig.upstream.requests.length
  const clients = await Promise.all(Array.from({ length: 5 }, () => rig.connect()))
  for (const client of clients) await client.send(ask())
  const requests = (await rig.upstream.untilRequests(before + 5)).slice(before)
  assert.equal(new Set(requests.map(({ connection }) => connection.id)).size, 5)
  for (const { connection } of requests) {
    const id = String(connection.id)
    connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${id.length}\r\n\r\n${id}`)
  }
  const heard: string[] = []
  for (const client of clients) {
    heard.push((await client.response()).body.toString())
    client.close()
  }
  assert.deepEqual(new Set(heard), new Set(requests.map(({ connection }) => String(connection.id))))
  await rig.settle(
    'five',
    clients.map(() => OK),
  )
})

test('an upstream that closes an idle connection is not missed', async () => {
  for (const { socket } of rig.upstream.open) socket.end()
  await rig.upstream.until(() => (rig.upstream.open.length === 0 ? true : undefined), 'the end of idle connections')
  const client = await rig.connect()
  await client.send(ask('POST'))
  assert.equal((await client.response()).status, 200)
  client.close()
  await rig.settle('idle connections closed', [OK])
})

test('an upstream that speaks without being asked is not believed', async () => {
  const poisoned = rig.upstream.open
  for (const { socket } of poisoned) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned')
  await rig.upstream.until(() => (poisoned.some(({ over }) => over === 'no') ? undefined : true), 'their end')
  await rig.settle('unasked answers', [])
})

for (const framing of ['Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎', 'Content-Length: 5⏎⏎hello']) {
  test(`a client of HTTP/1.0 gets no chunks: ${framing.slice(0, framing.indexOf('⏎'))}`, async () => {
    rig.upstream.script = { answer: crlf(`HTTP/1.1 200 OK⏎${framing}`) }
    const client = await rig.connect()
    await client.send(crlf('GET /a HTTP/1.0⏎Host: a⏎⏎'))
    const answer = await client.response()
    assert.equal(answer.body.toString(), 'hello')
    assert.notEqual(answer.framing, 'chunked')
    await client.closed()
    client.close()
    await rig.settle(framing, [OK])
  })
}

test('a client of HTTP/1.0 gets no interim answers', async () => {
  rig.upstream.script = {
    answer: crlf(
      'HTTP/1.1 103 Early Hints⏎Link: </a>⏎⏎HTTP/1.1 100 Continue⏎⏎HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello',
    ),
  }
  const client = await rig.connect()
  await client.send(crlf('GET /a HTTP/1.0⏎Host: a⏎⏎'))
  assert.equal((await client.response()).body.toString(), 'hello')
  client.close()
  await rig.settle('no interim answers', [OK])
})

for (const [name, send] of [
  ['without a body', 'GET /nowhere HTTP/1.1⏎Host: a⏎⏎'],
  ['with a body', 'POST /nowhere HTTP/1.1⏎Host: a⏎Content-Length: 5⏎⏎hello'],
  ['with chunks', 'POST /nowhere HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎'],
] as const) {
  test(`no route for a request ${name}: the client can go on, or is told that it cannot`, async () => {
    const client = await rig.connect()
    await client.send(crlf(send))
    const answer = await client.response()
    isProblem(answer, { status: 404, code: 'route-not-found' })
    const records = [{ reason: 'route-not-found', status: 404 }]
    if (valuesOf(answer, 'connection').includes('close')) assert.equal((await client.closed()).rest, '')
    else {
      await client.send(ask())
      assert.equal((await client.response()).status, 200)
      records.push(OK)
    }
    client.close()
    const { requests, partial } = await rig.settle(name, records)
    assert.deepEqual([requests.length, partial], [records.length - 1, []])
  })
}

rig.checkRecords()
