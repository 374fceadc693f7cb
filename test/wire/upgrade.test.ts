/** WebSocket handshakes and the tunnels they open: no byte lost, each half closed by itself, refusals are ordinary answers (RFC 9110 §7.8). */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { type RawResponse, valuesOf } from '../../src/selftest/raw-message.ts'
import type { RawClient } from '../../src/selftest/raw-client.ts'
import { type RecordedConnection, ok } from '../../src/selftest/recording-upstream.ts'
import { ask } from './answers.ts'
import { forwardings } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isProblem } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

const shake = (connection = 'Upgrade'): string =>
  crlf(
    `GET /chat HTTP/1.1⏎Host: a⏎Upgrade: websocket⏎Connection: ${connection}⏎` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==⏎Sec-WebSocket-Version: 13⏎⏎',
  )
const ACCEPT = crlf(
  'HTTP/1.1 101 Switching Protocols⏎Upgrade: websocket⏎Connection: Upgrade⏎Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=⏎⏎',
)

interface Tunnel {
  readonly client: RawClient
  readonly response: RawResponse
  readonly upstream: RecordedConnection
}

/** Opens a tunnel through the gateway; `early` goes out in the packet of the client's head, `greeting` in that of the upstream's 101. */
async function open(options: { connection?: string; early?: string; greeting?: string } = {}): Promise<Tunnel> {
  const { connection, early = '', greeting = '' } = options
  rig.upstream.script = { tunnel: true, answer: ACCEPT + greeting }
  const client = await rig.connect()
  await client.send(shake(connection) + early)
  const response = await client.response()
  return { client, response, upstream: rig.upstream.requests.at(-1)!.connection }
}

/** The socket of an upstream connection, to speak as the upstream. */
const speak = ({ upstream }: Tunnel): Socket => upstream.socket

const over = (connection: RecordedConnection): Promise<true> =>
  rig.upstream.until(() => (connection.over === 'no' ? undefined : true), 'the end of the tunnel')

/** Ends a row whose tunnel the client has closed; `bytes` are what the upstream got through it. */
async function settled(row: string, { upstream }: Tunnel, bytes = ''): Promise<void> {
  await over(upstream)
  upstream.socket.destroy()
  const records = [{ reason: 'ok', status: 101 }]
  await rig.recorded(records)
  const { requests, partial } = await rig.settle(row, records)
  assert.deepEqual(
    requests.map(({ start }) => start),
    ['GET /chat HTTP/1.1'],
  )
  assert.deepEqual(
    partial.map((one) => one.partial),
    bytes === '' ? [] : [bytes],
  )
}

for (const connection of ['Upgrade', 'upgrade', 'keep-alive, Upgrade']) {
  test(`a tunnel opens: Connection: ${connection}`, async () => {
    const tunnel = await open({ connection })
    const { client, response, upstream } = tunnel
    assert.equal(response.status, 101)
    assert.deepEqual(
      ['upgrade', 'connection', 'sec-websocket-accept'].map((name) => valuesOf(response, name)),
      [['websocket'], ['Upgrade'], ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo=']],
    )
    const request = rig.upstream.requests.at(-1)!
    assert.deepEqual(
      ['host', 'upgrade', 'connection', 'sec-websocket-key', 'sec-websocket-version'].map((name) =>
        valuesOf(request, name),
      ),
      [['a'], ['websocket'], ['Upgrade'], ['dGhlIHNhbXBsZSBub25jZQ=='], ['13']],
    )
    await client.send('ping')
    await rig.upstream.until(() => upstream.partial === 'ping' || undefined, 'ping')
    speak(tunnel).write('pong')
    assert.equal(await client.take(4), 'pong')
    client.close()
    await settled(connection, tunnel, 'ping')
  })
}

test('bytes in the packet of the 101 are not lost', async () => {
  const tunnel = await open({ greeting: 'hello' })
  assert.equal(await tunnel.client.take(5), 'hello')
  tunnel.client.close()
  await settled('greeting', tunnel)
})

test('bytes in the packet of the request are not lost', async () => {
  const early = 'GET /early HTTP/1.1\r\n\r\n'
  const tunnel = await open({ early })
  await rig.upstream.until(() => tunnel.upstream.partial === early || undefined, 'the early bytes')
  tunnel.client.close()
  await settled('early bytes', tunnel, early)
})

test('every byte passes, both ways, in order', async () => {
  const tunnel = await open()
  const { client, upstream } = tunnel
  const noise = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 7 + (i >> 8)) & 255))
  await client.send(noise)
  speak(tunnel).write(noise)
  assert.ok(Buffer.from(await client.take(noise.length), 'latin1').equals(noise), 'at the client')
  await rig.upstream.until(() => upstream.partial.length === noise.length || undefined, 'the bytes')
  client.close()
  await settled('noise', tunnel, noise.toString('latin1'))
})

test('the client closes its half and still hears the rest', async () => {
  const tunnel = await open()
  const { client, upstream } = tunnel
  await client.send('last')
  client.end()
  await over(upstream)
  assert.equal(upstream.partial, 'last')
  speak(tunnel).end('late')
  assert.deepEqual(await client.closed(), { how: 'end', rest: 'late' })
  client.close()
  await settled('half-close by the client', tunnel, 'last')
})

test('the upstream closes its half and still hears the rest', async () => {
  const tunnel = await open()
  const { client, upstream } = tunnel
  speak(tunnel).end('last')
  assert.deepEqual(await client.closed(), { how: 'end', rest: 'last' })
  await client.send('late')
  client.end()
  await over(upstream)
  assert.equal(upstream.partial, 'late')
  client.close()
  await settled('half-close by the upstream', tunnel, 'late')
})

test('the client closes its half before there is a tunnel, behind its first bytes: that goes on too', async () => {
  const answer = Promise.withResolvers<Socket>()
  rig.upstream.script = { tunnel: true, answer: (socket) => answer.resolve(socket) }
  const client = await rig.connect()
  await client.send(`${shake()}first`)
  client.end()
  const socket = await answer.promise
  // The end has to be with the gateway before the tunnel is.
  await client.idle()
  socket.write(ACCEPT)
  const { connection } = rig.upstream.requests.at(-1)!
  await over(connection)
  assert.equal(connection.partial, 'first')
  socket.end('late')
  assert.equal((await client.response()).status, 101)
  assert.deepEqual(await client.closed(), { how: 'end', rest: 'late' })
  client.close()
  const records = [{ reason: 'ok', status: 101 }]
  await rig.recorded(records)
  await rig.settle('half-close before the tunnel', records)
})

test('the client breaks off: so does the gateway', async () => {
  const tunnel = await open()
  tunnel.client.reset()
  await settled('reset by the client', tunnel)
})

test('the upstream breaks off right after 101: so does the gateway', async () => {
  const tunnel = await open()
  speak(tunnel).resetAndDestroy()
  assert.equal((await tunnel.client.closed()).rest, '')
  tunnel.client.close()
  await settled('reset by the upstream', tunnel)
})

for (const [status, lines] of [
  [200, 'Content-Length: 2'],
  [403, 'Content-Length: 2⏎Connection: close'],
  [426, 'Upgrade: websocket⏎Connection: Upgrade⏎Content-Length: 2'],
] as const) {
  test(`refused with ${status}: an ordinary answer, and the client goes on`, async () => {
    rig.upstream.script = { answer: crlf(`HTTP/1.1 ${status} No⏎${lines}⏎⏎no`) }
    const client = await rig.connect()
    await client.send(shake())
    const answer = await client.response()
    assert.deepEqual([answer.status, answer.body.toString()], [status, 'no'])
    assert.deepEqual([valuesOf(answer, 'connection'), valuesOf(answer, 'upgrade')], [[], []])
    await client.send(ask())
    assert.equal((await client.response()).body.toString(), 'no')
    client.close()
    const { partial } = await rig.settle(`refused with ${status}`, [
      { reason: 'ok', status },
      { reason: 'ok', status },
    ])
    assert.deepEqual(partial, [])
  })
}

test('101 to another protocol than was asked for is no answer', async () => {
  rig.upstream.script = { tunnel: true, answer: ACCEPT.replace('websocket', 'h2c') }
  const client = await rig.connect()
  await client.send(shake())
  isProblem(await client.response(), { status: 502, code: 'upstream-invalid' })
  client.close()
  await rig.settle('another protocol', [{ reason: 'upstream-invalid', status: 502 }])
})

forwardings(rig, [
  {
    name: 'Upgrade that Connection does not name asks for nothing',
    send: 'GET /a HTTP/1.1⏎Host: a⏎Upgrade: websocket⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
  {
    name: 'Connection without Upgrade asks for nothing',
    send: 'GET /a HTTP/1.1⏎Host: a⏎Connection: Upgrade⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
])

test('HTTP/1.0 cannot upgrade', async () => {
  rig.upstream.script = ok()
  const client = await rig.connect()
  await client.send(shake().replace('HTTP/1.1', 'HTTP/1.0'))
  assert.equal((await client.response()).status, 200)
  assert.equal((await client.closed()).rest, '')
  client.close()
  const { requests } = await rig.settle('HTTP/1.0', [{ reason: 'ok', status: 200 }])
  assert.deepEqual([valuesOf(requests[0]!, 'upgrade'), valuesOf(requests[0]!, 'connection')], [[], []])
})

rig.checkRecords()
