/** Clients that drip: each of their bytes is in time, and yet they are given up, with a reason. Whoever is merely slow is not (S9). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { crlf } from '../../src/selftest/notation.ts'
import type { RawClient } from '../../src/selftest/raw-client.ts'
import { isRefusal } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({
  listener: 'timeouts: { head: 3s, idle: 3s }, rate-min: { bytes-per-second: 2000, window: 400ms }',
  routes: '  free: { match: { path: /free/* }, body-max: 0, proxy: up }',
})
const OK = { reason: 'ok', status: 200 }

/** Sends a byte every while, until the other side has had enough. */
async function drip(client: RawClient, text: string): Promise<void> {
  for (const c of text) {
    if (client.rest !== '' || client.socket.destroyed) return
    client.socket.write(c, 'latin1')
    await sleep(20)
  }
}

const LONG = 'y'.repeat(10_000)

test('408: a head that drips', async () => {
  const client = await rig.connect()
  await drip(client, crlf(`GET /a HTTP/1.1⏎Host: a⏎X: ${LONG}`))
  isRefusal(await client.response(), { status: 408, code: 'head-timeout' })
  assert.equal((await client.closed()).rest, '')
  client.close()
  const trace = await rig.settle('a slow head', [{ reason: 'head-timeout', status: 408 }])
  assert.deepEqual(trace, { requests: [], partial: [] })
})

for (const [framing, head, dripped] of [
  ['a length', 'Content-Length: 10000', LONG],
  ['chunks', 'Transfer-Encoding: chunked', '1\r\nx\r\n'.repeat(2_000)],
] as const) {
  test(`408: a body of ${framing} that drips`, async () => {
    const client = await rig.connect()
    await client.send(crlf(`POST /a HTTP/1.1⏎Host: a⏎${head}⏎⏎`))
    await drip(client, dripped)
    isRefusal(await client.response(), { status: 408, code: 'body-too-slow' })
    assert.equal((await client.closed()).rest, '')
    client.close()
    const { requests, partial } = await rig.settle(framing, [{ reason: 'body-too-slow', status: 408 }])
    assert.deepEqual([requests, partial.length], [[], 1])
    await rig.upstream.until(
      () => (partial.some(({ over }) => over === 'no') ? undefined : true),
      'the end of the request',
    )
  })
}

test('a client that takes nothing of its answer is cut off, and so is its upstream', async () => {
  const before = rig.upstream.requests.length
  rig.upstream.script = {
    answer: (socket) => {
      socket.on('error', () => {})
      socket.write(crlf('HTTP/1.1 200 OK⏎Content-Length: 200000000⏎⏎'))
      socket.write(Buffer.alloc(50_000_000))
    },
  }
  const client = await rig.connect()
  client.socket.pause()
  await client.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
  const [request] = (await rig.upstream.untilRequests(before + 1)).slice(before)
  await rig.upstream.until(() => (request!.connection.over === 'no' ? undefined : true), 'the end of the request')
  client.close()
  await rig.settle('a client that takes nothing', [{ reason: 'client-too-slow', status: 499 }])
})

test('a client above the rate may take as long as it likes', async () => {
  const client = await rig.connect()
  const piece = 'x'.repeat(4_000)
  await client.send(crlf(`POST /free/a HTTP/1.1⏎Host: a⏎Content-Length: ${piece.length * 50}⏎⏎`))
  for (let i = 0; i < 50; i++) {
    await client.send(piece)
    await sleep(40)
  }
  assert.equal((await client.response()).status, 200)
  client.close()
  const { requests } = await rig.settle('a steady client', [OK])
  assert.equal(requests[0]!.body.length, piece.length * 50)
})

test('who waits for us is not slow', async () => {
  rig.upstream.script = {
    answer: (socket) => void setTimeout(() => socket.write(crlf('HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎')), 1_000),
  }
  const client = await rig.connect()
  await client.send(crlf('POST /free/b HTTP/1.1⏎Host: a⏎Content-Length: 5⏎⏎hello'))
  assert.equal((await client.response()).status, 200)
  client.close()
  await rig.settle('who waits', [OK])
})

rig.checkRecords()
