/**
 * Who drips on a stream of HTTP/2 is given up, with the reasons of HTTP/1.1, and his other streams go on; whoever is merely slow is not
 * (S9). A connection that takes nothing at all ends as a whole: nothing could be said on it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { crlf } from '../../src/selftest/notation.ts'
import {
  END_HEADERS,
  END_STREAM,
  RawH2,
  TYPE,
  block,
  frame,
  get,
  initialWindow,
  post,
  pseudo,
  uint32,
} from '../../src/selftest/raw-h2.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({
  listener: 'timeouts: { head: 1s, idle: 2s, keep-alive: 1s }, rate-min: { bytes-per-second: 2000, window: 400ms }',
  routes: '  free: { match: { path: /free/* }, body-max: 0, proxy: up }',
})
const OK = { reason: 'ok', status: 200 }
const LARGE = Buffer.alloc(40_000, 'x')
const connect = (settings?: Buffer) => RawH2.connect(rig.postern.port(), settings)

/** The upstream's answer is this long. */
function answering(bytes: number): void {
  rig.upstream.script = {
    answer: (socket) => {
      socket.on('error', () => {})
      socket.write(crlf(`HTTP/1.1 200 OK⏎Content-Length: ${bytes}⏎⏎`))
      socket.write(Buffer.alloc(bytes, 'x'))
    },
  }
}

/** Sends a piece every while, until `done`. */
async function drip(client: RawH2, done: () => boolean, piece: () => Buffer, everyMs = 20): Promise<void> {
  while (!done() && !client.over) {
    client.send(piece())
    await sleep(everyMs)
  }
}

/** It goes on serving. */
async function servesOn(client: RawH2, id: number): Promise<void> {
  rig.upstream.script = { answer: crlf('HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok') }
  client.send(get(id, '/next'))
  assert.equal((await client.body(id)).toString(), 'ok')
}

const isEnded = (client: RawH2, id: number) => () =>
  client.frames.some((one) => one.id === id && (one.type === TYPE.RST_STREAM || (one.flags & END_STREAM) !== 0))

test('408: a body that drips, frame by frame; the connection serves on', async () => {
  const client = await connect()
  client.send(post(1))
  await drip(client, isEnded(client, 1), () => frame(TYPE.DATA, 0, 1, 'x'))
  assert.match((await client.body(1)).toString(), /"body-too-slow"/)
  await servesOn(client, 3)
  client.close()
  const { requests, partial } = await rig.settle('frames', [{ reason: 'body-too-slow', status: 408 }, OK])
  assert.deepEqual([requests.map(({ start }) => start), partial.length], [['GET /next HTTP/1.1'], 1])
})

test('408: a body that drips within a frame', async () => {
  const client = await connect()
  const bytes = frame(TYPE.DATA, END_STREAM, 1, Buffer.alloc(10_000))
  let at = 0
  client.send(post(1))
  await drip(client, isEnded(client, 1), () => bytes.subarray(at, ++at))
  assert.match((await client.body(1)).toString(), /"body-too-slow"/)
  client.send(bytes.subarray(at))
  await servesOn(client, 3)
  client.close()
  await rig.settle('within a frame', [{ reason: 'body-too-slow', status: 408 }, OK])
})

test('408: a body that stops', async () => {
  const client = await connect()
  client.send(post(1), frame(TYPE.DATA, 0, 1, 'x'.repeat(2_000)))
  assert.match((await client.body(1)).toString(), /"body-timeout"/)
  client.close()
  await rig.settle('a body that stops', [{ reason: 'body-timeout', status: 408 }])
})

test('a body above the rate may take as long as it likes, and its frames too', async () => {
  const client = await connect()
  client.send(post(1, '/free/a'))
  const bytes = Buffer.concat([
    frame(TYPE.DATA, 0, 1, Buffer.alloc(16_000)),
    frame(TYPE.DATA, END_STREAM, 1, Buffer.alloc(16_000)),
  ])
  let at = 0
  await drip(
    client,
    () => at >= bytes.length,
    () => bytes.subarray(at, (at += 200)),
  )
  assert.equal((await client.body(1)).toString(), 'ok')
  client.close()
  const { requests } = await rig.settle('a steady client', [OK])
  assert.equal(requests[0]!.body.length, 32_000)
})

test('a client that opens no window for an answer: the stream is reset, its upstream request ends, the connection serves on', async () => {
  const before = rig.upstream.requests.length
  answering(1_000_000)
  const client = await connect(initialWindow(0))
  client.send(get(1))
  assert.equal(await client.reset(1), 8)
  const [request] = (await rig.upstream.untilRequests(before + 1)).slice(before)
  await rig.upstream.until(() => (request!.connection.over === 'no' ? undefined : true), 'the end of the request')
  client.send(frame(TYPE.SETTINGS, 0, 0, initialWindow(65_535)))
  await servesOn(client, 3)
  client.close()
  await rig.settle('no window', [{ reason: 'client-too-slow', status: 499 }, OK])
})

test('a client that opens its window by drips is no better', async () => {
  answering(1_000_000)
  const client = await connect(initialWindow(0))
  client.send(get(1))
  await drip(client, isEnded(client, 1), () => frame(TYPE.WINDOW_UPDATE, 0, 1, uint32(10)))
  assert.equal(await client.reset(1), 8)
  client.close()
  await rig.settle('a window that drips', [{ reason: 'client-too-slow', status: 499 }])
})

test('a client that opens its window above the rate gets all of it, however long that takes', async () => {
  answering(LARGE.length)
  const client = await connect(initialWindow(0))
  client.send(get(1))
  await drip(client, isEnded(client, 1), () => frame(TYPE.WINDOW_UPDATE, 0, 1, uint32(400)))
  assert.equal((await client.body(1)).length, LARGE.length)
  client.close()
  await rig.settle('a steady reader', [OK])
})

test('a stream that waits its turn is not slow: what the connection takes counts', async () => {
  answering(LARGE.length)
  // Windows of streams are open; that of the connection is opened by as little as both streams need together.
  const client = await connect(initialWindow(1_000_000))
  client.send(get(1), get(3))
  const done = () => isEnded(client, 1)() && isEnded(client, 3)()
  await drip(client, done, () => frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(60)))
  assert.deepEqual([(await client.body(1)).length, (await client.body(3)).length], [LARGE.length, LARGE.length])
  client.close()
  await rig.settle('in turn', [OK, OK])
})

test('a client that reads nothing: the connection ends, and with it every exchange on it', async () => {
  answering(30_000_000)
  const client = await connect(initialWindow(0x7fffffff))
  client.send(frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(0x7fff0000)))
  client.socket.pause()
  client.send(get(1), get(3))
  const records = [1, 3].map(() => ({ reason: 'client-too-slow', status: 499 }))
  await rig.recorded(records)
  client.socket.resume()
  await client.closed()
  client.close()
  await rig.settle('reads nothing', records)
})

test('a client that reads nothing and has left its stream: the end of its connection is recorded', async () => {
  answering(30_000_000)
  const client = await connect(initialWindow(0x7fffffff))
  client.send(frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(0x7fff0000)))
  client.send(get(1))
  await client.until(({ type }) => type === TYPE.DATA, 'the answer')
  client.socket.pause()
  // Nothing moves any more on either side.
  for (let seen = -1; seen !== client.frames.length; await sleep(100)) seen = client.frames.length
  client.send(frame(TYPE.RST_STREAM, 0, 1, uint32(8)))
  const records = [
    { reason: 'client-abort', status: 499 },
    { reason: 'client-too-slow', status: 0 },
  ]
  await rig.recorded(records)
  client.close()
  await rig.settle('left and reads nothing', records)
})

test('a head that does not end has its time, whatever else goes on', async () => {
  rig.upstream.script = { answer: crlf('HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok') }
  const client = await connect()
  await servesOn(client, 1)
  client.send(frame(TYPE.HEADERS, END_STREAM, 3, block(pseudo('GET', '/a'))))
  assert.equal(await client.goaway(), 0)
  await client.closed()
  client.close()
  await rig.settle('no end', [OK, { reason: 'head-timeout', status: 0 }])
})

test('a connection without requests ends after its time; PING does not keep it', async () => {
  const client = await connect()
  await servesOn(client, 1)
  const gone = () => client.frames.some(({ type }) => type === TYPE.GOAWAY)
  await drip(client, gone, () => frame(TYPE.PING, 0, 0, Buffer.alloc(8)), 50)
  assert.equal(await client.goaway(), 0)
  await client.closed()
  client.close()
  await rig.settle('idle', [OK])
})

test('a connection that was opened for later and not used ends without blame', async () => {
  const client = await connect()
  assert.equal(await client.goaway(), 0)
  await client.closed()
  client.close()
  await rig.settle('unused', [{ reason: 'no-request', status: 0 }])
})

test('a stream holds its connection for as long as its answer takes', async () => {
  rig.upstream.script = {
    answer: (socket) => void setTimeout(() => socket.write(crlf('HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok')), 1_500),
  }
  const client = await connect()
  client.send(frame(TYPE.HEADERS, END_STREAM | END_HEADERS, 1, block(pseudo('GET', '/a'))))
  assert.equal((await client.body(1)).toString(), 'ok')
  client.close()
  await rig.settle('held', [OK])
})

rig.checkRecords()
