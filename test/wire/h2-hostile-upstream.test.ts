/**
 * A service of HTTP/2 that floods, breaks rules or stalls: its connection ends, the client is told, and the next request finds a new
 * one. What it says to have not looked at is asked again, and only that (RFC 9113 §6.8, §8.7).
 */
import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { exchangeOnce } from '../../src/selftest/raw-client.ts'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { TYPE, answerHead, block, frame, initialWindow, uint32 } from '../../src/selftest/raw-h2.ts'
import { RawH2Upstream, okAnswer } from '../support/raw-h2-upstream.ts'
import { startPostern } from '../support/postern.ts'

const upstream = await RawH2Upstream.start()
const narrow = await RawH2Upstream.start(initialWindow(10))
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
services:
  up: { instances: [${upstream.url}], protocol: h2c, timeouts: { first-byte: 2s, idle: 600ms } }
  narrow: { instances: [${narrow.url}], protocol: h2c, timeouts: { first-byte: 30s, idle: 600ms } }
routes:
  narrow: { match: { path: /narrow/* }, body-max: 0, proxy: narrow }
  all: { match: { path: /* }, body-max: 0, proxy: up }
`)
after(async () => {
  await postern.stop()
  await upstream.close()
  await narrow.close()
})
const answer: RawH2Upstream['onRequest'] = (peer, { id }) => peer.send(okAnswer(id))
beforeEach(() => {
  upstream.onRequest = answer
})

const ask = (path: string, head = 'GET', body = '') =>
  exchangeOnce(
    postern.port(),
    `${head} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`,
  )
const codeOf = (body: Buffer): unknown => JSON.parse(body.toString()).code
const many = (count: number, make: (i: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i)))

/** What it sends in the place of an answer to `id`. Each ends the connection. */
const ROWS: readonly (readonly [name: string, frames: (id: number) => Buffer, code?: string])[] = [
  ['PING', () => many(3_000, () => frame(TYPE.PING, 0, 0, Buffer.alloc(8)))],
  ['SETTINGS', () => many(3_000, () => frame(TYPE.SETTINGS, 0, 0))],
  ['PRIORITY', () => many(3_000, () => frame(TYPE.PRIORITY, 0, 1, Buffer.alloc(5)))],
  ['WINDOW_UPDATE', () => many(10_000, () => frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(1)))],
  ['DATA of no bytes', (id) => Buffer.concat([answerHead(id), many(3_000, () => frame(TYPE.DATA, 0, id))])],
  [
    'CONTINUATION without an end',
    (id) =>
      Buffer.concat([
        frame(TYPE.HEADERS, 0, id, block([[':status', '200']])),
        many(100, () => frame(TYPE.CONTINUATION, 0, id, block([['x', 'y']]))),
      ]),
  ],
  ['a block that is broken', (id) => frame(TYPE.HEADERS, 5, id, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]))],
  ['a frame too large', (id) => frame(TYPE.DATA, 0, id, Buffer.alloc(16_385))],
  ['PUSH_PROMISE', (id) => frame(TYPE.PUSH_PROMISE, 4, id, uint32(2))],
  ['a stream of its own', () => answerHead(2)],
  ['an answer to a request that was never made', (id) => answerHead(id + 2)],
  ['DATA on a stream that never was', (id) => frame(TYPE.DATA, 0, id + 2, 'x')],
  ['a window opened beyond its bound', () => frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(0x7fffffff))],
  ['a setting beyond its bound', () => frame(TYPE.SETTINGS, 0, 0, initialWindow(0x80000000))],
  ['bytes that are no HTTP/2', () => Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')],
]

for (const [name, frames] of ROWS) {
  test(`the connection ends: ${name}`, async () => {
    upstream.onRequest = (peer, { id }) => peer.send(frames(id))
    const { status, body } = await ask('/a').catch(() => ({ status: 0, body: Buffer.from('{"code":"cut"}') }))
    const cut = name === 'DATA of no bytes'
    assert.deepEqual([status, codeOf(body)], cut ? [0, 'cut'] : [502, 'upstream-invalid'])
    await upstream.connections.at(-1)!.closed()
    upstream.onRequest = answer
    assert.equal((await ask('/next')).body.toString(), 'ok')
  })
}

/** What it sends in the place of an answer: wrong for the stream alone. */
const STREAM_ROWS: readonly (readonly [name: string, frames: (id: number) => Buffer])[] = [
  ['no status', (id) => frame(TYPE.HEADERS, 5, id, block([['x', 'y']]))],
  ['a status that is none', (id) => frame(TYPE.HEADERS, 5, id, block([[':status', '20']]))],
  ['101', (id) => answerHead(id, 101, [], true)],
  ['a name in upper case', (id) => answerHead(id, 200, [['X-A', 'b']], true)],
  ['a value with CRLF', (id) => answerHead(id, 200, [['x', 'a\r\nb: c']], true)],
  ['connection', (id) => answerHead(id, 200, [['connection', 'close']], true)],
  ['transfer-encoding', (id) => answerHead(id, 200, [['transfer-encoding', 'chunked']], true)],
  ['a length, and no body', (id) => answerHead(id, 200, [['content-length', '5']], true)],
  ['a body before its head', (id) => frame(TYPE.DATA, 0, id, 'x')],
  ['interim answers without end', (id) => many(40, () => answerHead(id, 103))],
  ['a window opened by nothing', (id) => frame(TYPE.WINDOW_UPDATE, 0, id, uint32(0))],
  [
    'an HPACK bomb',
    (id) => {
      const literal = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x'), Buffer.from([0x7f, 0xbd, 0x1d])])
      const block200 = Buffer.concat([
        Buffer.from([0x88]),
        literal,
        Buffer.alloc(3_900, 'v'),
        Buffer.alloc(12_000, 0xbe),
      ])
      return frame(TYPE.HEADERS, 5, id, block200)
    },
  ],
]

for (const [name, frames] of STREAM_ROWS) {
  test(`502, and the connection serves on: ${name}`, async () => {
    upstream.onRequest = (peer, { id }) => peer.send(frames(id))
    const { status, body } = await ask('/a')
    assert.deepEqual([status, codeOf(body)], [502, 'upstream-invalid'])
    upstream.onRequest = answer
    const before = upstream.connections.length
    assert.equal((await ask('/next')).body.toString(), 'ok')
    assert.equal(upstream.connections.length, before)
  })
}

test('GOAWAY: requests above its last stream are made again on another connection, those below it are not', async () => {
  let held = (): void => {}
  const begun = Promise.withResolvers<void>()
  const asked: [connection: number, id: number][] = []
  upstream.onRequest = (peer, request, connection) => {
    asked.push([connection, request.id])
    // Two are on their way: the first is acted on, the second has not been looked at.
    if (asked.length === 1) {
      held = () => peer.send(okAnswer(request.id))
      begun.resolve()
    } else if (asked.length === 2) peer.send(frame(TYPE.GOAWAY, 0, 0, uint32(asked[0]![1], 0)))
    else answer(peer, request, connection)
  }
  const below = ask('/below', 'POST', 'x')
  await begun.promise
  const above = await ask('/above', 'POST', 'y')
  assert.deepEqual([above.status, above.body.toString()], [200, 'ok'])
  held()
  assert.equal((await below).body.toString(), 'ok')
  assert.equal(asked.length, 3)
  const [on, same, other] = asked.map(([connection]) => connection)
  assert.equal(same, on)
  assert.notEqual(other, on, 'no new request goes where there was GOAWAY')
  await upstream.connections[on!]!.closed()
})

test('GOAWAY and the end: what may have been acted on is made again only if that cannot hurt', async () => {
  // The connection has answered before.
  assert.equal((await ask('/before')).body.toString(), 'ok')
  const targets: number[] = []
  upstream.onRequest = (peer, { id }) => {
    targets.push(id)
    peer.send(frame(TYPE.GOAWAY, 0, 0, uint32(id, 0)))
    peer.socket.end()
  }
  const post = await ask('/post', 'POST', 'x')
  assert.deepEqual([post.status, codeOf(post.body), targets.length], [502, 'upstream-reset', 1])
  targets.length = 0
  upstream.onRequest = answer
  assert.equal((await ask('/before')).body.toString(), 'ok')
})

test('a service that opens no window for a body: the client is told after its time, the body is not kept', async () => {
  narrow.onRequest = () => {}
  const refused = await ask('/narrow/a', 'POST', 'x'.repeat(100_000))
  assert.deepEqual([refused.status, codeOf(refused.body)], [504, 'upstream-timeout'])
  const sent = narrow.connections[0]!.frames.filter(({ type }) => type === TYPE.DATA)
  assert.equal(
    sent.reduce((sum, { payload }) => sum + payload.length, 0),
    10,
  )
  assert.equal(await narrow.connections[0]!.reset(1), 8)
  narrow.onRequest = answer
  assert.equal((await ask('/narrow/b')).body.toString(), 'ok')
})

test('a service that stops within an answer: it is cut, and the service is asked whether it is there', async () => {
  upstream.onRequest = (peer, { id }) => peer.send(answerHead(id), frame(TYPE.DATA, 0, id, 'begun'))
  await assert.rejects(ask('/a'), /before an answer/)
  await upstream.connections.at(-1)!.until(({ type }) => type === TYPE.PING, 'PING')
  upstream.onRequest = answer
})

test('what the service says about length and trailers is passed on', async () => {
  upstream.onRequest = (peer, { id }) =>
    peer.send(
      answerHead(id, 200, [['content-length', '2']]),
      frame(TYPE.DATA, 8, id, Buffer.from([1, 111, 107, 0])),
      frame(TYPE.DATA, 1, id),
    )
  const told = await ask('/a')
  assert.deepEqual([told.body.toString(), valuesOf(told, 'content-length')], ['ok', ['2']])
})
