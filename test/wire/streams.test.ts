/** Bodies on their way: whole and unmixed however many move at once, and never faster than the slower side takes them. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { crlf } from '../../src/selftest/notation.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({ routes: '  free: { match: { path: /free/* }, body-max: 0, proxy: up }' })
const OK = { reason: 'ok', status: 200 }
const CROWD = 16
/** The first few are slow, and have more to take than the system's buffers hold for them. */
const SLOW = 4
const isSlow = (seed: number): boolean => seed < SLOW

/** Bytes that belong to one exchange alone: a byte of another's, or out of its place, shows. */
function patternOf(seed: number): Buffer {
  const bytes = Buffer.alloc(isSlow(seed) ? 8_000_003 : 700_001)
  for (let i = 0; i < bytes.length; i++) bytes[i] = i * 31 + (i >> 8) * 7 + seed * 89
  return bytes
}
const patterns = Array.from({ length: CROWD }, (_, seed) => patternOf(seed))

/** Cuts unevenly: from single bytes to more than any buffer on the way holds. */
function* cut(body: Buffer, seed: number): Generator<Buffer> {
  for (let at = 0, size = 1 + seed; at < body.length; at += size, size = (size * 5 + 1) % 150_001) {
    yield body.subarray(at, at + size)
  }
}

async function writeAll(socket: Socket, pieces: Iterable<string | Buffer>): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece)
    await turn()
  }
}

/** The answer to the exchange `seed`, framed in each way in turn. */
async function answerWith(socket: Socket, seed: number): Promise<void> {
  const body = patterns[seed]!
  if (seed % 3 === 0) {
    await writeAll(socket, [crlf(`HTTP/1.1 200 OK⏎Content-Length: ${body.length}⏎⏎`), ...cut(body, seed)])
  } else if (seed % 3 === 1) {
    const chunks = Array.from(cut(body, seed), (piece) => [piece.length.toString(16) + '\r\n', piece, '\r\n'])
    await writeAll(socket, [crlf('HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎'), ...chunks.flat(), '0\r\n\r\n'])
  } else {
    await writeAll(socket, ['HTTP/1.1 200 OK\r\n\r\n', ...cut(body, seed)])
    socket.end()
  }
}

test('many answers at once, to readers quick and slow', async () => {
  rig.upstream.script = {
    answer: (socket) => void answerWith(socket, Number(rig.upstream.requests.at(-1)!.target.slice(1))),
  }
  const clients = await Promise.all(patterns.map(() => rig.connect()))
  for (const [seed, client] of clients.entries()) {
    if (isSlow(seed)) client.socket.pause()
    await client.send(`GET /${seed} HTTP/1.1\r\nHost: a\r\n\r\n`)
  }
  for (const [seed, client] of clients.entries()) {
    if (!isSlow(seed)) assert.ok((await client.response()).body.equals(patterns[seed]!), `answer ${seed}`)
  }
  for (const [seed, client] of clients.slice(0, SLOW).entries()) {
    client.socket.resume()
    assert.ok((await client.response()).body.equals(patterns[seed]!), `answer ${seed}`)
  }
  for (const client of clients) client.close()
  await rig.settle(
    'many answers',
    clients.map(() => OK),
  )
})

test('many uploads at once, to upstreams quick and slow', async () => {
  rig.upstream.script = {
    on: 'connection',
    answer: (socket, _, { id }) => {
      if (id % 4 !== 0) return
      socket.pause()
      setTimeout(() => socket.resume(), 100)
    },
  }
  const before = rig.upstream.requests.length
  const clients = await Promise.all(patterns.map(() => rig.connect()))
  const sent = clients.map(async (client, seed) => {
    const body = patterns[seed]!
    const framing = seed % 2 === 0 ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked'
    await client.send(crlf(`POST /${seed} HTTP/1.1⏎Host: a⏎${framing}⏎⏎`))
    for (const piece of cut(body, seed)) {
      if (seed % 2 === 0) await client.send(piece)
      else await client.send(piece.length.toString(16) + '\r\n', piece, '\r\n')
      await turn()
    }
    if (seed % 2 === 1) await client.send('0\r\n\r\n')
  })
  await Promise.all(sent)
  const requests = (await rig.upstream.untilRequests(before + CROWD)).slice(before)
  for (const { connection } of requests) connection.socket.write(crlf('HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎'))
  for (const client of clients) {
    assert.equal((await client.response()).status, 200)
    client.close()
  }
  for (const { target, body } of requests)
    assert.ok(body.equals(patterns[Number(target.slice(1))]!), `upload ${target}`)
  await rig.settle(
    'many uploads',
    clients.map(() => OK),
  )
})

test('an answer may begin before the request is complete, and end after it', async () => {
  rig.upstream.script = {
    on: 'head',
    answer: (socket) => {
      socket.write(crlf('HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎first⏎'))
      const complete = rig.upstream.requests.length + 1
      void rig.upstream.untilRequests(complete).then(() => socket.write(crlf('4⏎last⏎0⏎⏎')))
    },
  }
  const client = await rig.connect()
  await client.send(crlf('POST /a HTTP/1.1⏎Host: a⏎Content-Length: 10⏎⏎01234'))
  await client.until('first')
  await client.send('56789')
  assert.equal((await client.response()).body.toString(), 'firstlast')
  client.close()
  const { requests, partial } = await rig.settle('both ways at once', [OK])
  assert.deepEqual([requests.map(({ body }) => body.toString()), partial], [['0123456789'], []])
})

const PIECE = Buffer.alloc(1_000_000)
/** More than the buffers of two connections can hold. */
const FLOOD_BYTES = 200_000_000

/** Writes as fast as the socket takes it; resolves to the bytes taken when it has been full for a while. */
async function flood(socket: Socket): Promise<number> {
  let sent = 0
  const fill = (): void => {
    while (sent < FLOOD_BYTES && socket.writableLength < PIECE.length) {
      socket.write(PIECE)
      sent += PIECE.length
    }
  }
  socket.on('drain', fill)
  fill()
  for (let seen = -1; seen !== sent;) {
    seen = sent
    await sleep(200)
  }
  return sent
}

test('a client that does not read holds its upstream back', async () => {
  rig.upstream.script = { answer: crlf(`HTTP/1.1 200 OK⏎Content-Length: ${FLOOD_BYTES}⏎⏎`) }
  const before = rig.upstream.requests.length
  const client = await rig.connect()
  client.socket.pause()
  await client.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
  const request = (await rig.upstream.untilRequests(before + 1))[before]!
  assert.ok((await flood(request.connection.socket)) < FLOOD_BYTES)
  client.reset()
  await rig.upstream.until(() => (request.connection.over === 'no' ? undefined : true), 'the end of the flood')
  await rig.settle('a client that does not read', [{ reason: 'client-abort', status: 499 }])
})

test('an upstream that does not read holds its client back', async () => {
  rig.upstream.script = { on: 'head', answer: (socket) => void socket.pause() }
  const client = await rig.connect()
  await client.send(crlf(`POST /free/a HTTP/1.1⏎Host: a⏎Content-Length: ${FLOOD_BYTES}⏎⏎`))
  assert.ok((await flood(client.socket)) < FLOOD_BYTES)
  client.reset()
  const stuck = rig.upstream.open.find(({ partial }) => partial.startsWith('POST /free/a'))!
  stuck.socket.resume()
  await rig.upstream.until(() => (stuck.over === 'no' ? undefined : true), 'the end of the flood')
  const { requests } = await rig.settle('an upstream that does not read', [{ reason: 'client-abort', status: 499 }])
  assert.deepEqual(requests, [])
})

rig.checkRecords()
