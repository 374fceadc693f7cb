/** WebSocket over a stream of HTTP/2 (RFC 8441): for the upstream an upgrade like any other. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { crlf } from '../../src/selftest/notation.ts'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { ask, connectH2 } from '../support/h2.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()
const session = connectH2(rig.postern.port())
after(() => session.destroy())
if (session.remoteSettings.enableConnectProtocol !== true) await once(session, 'remoteSettings')

const OPEN = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat', 'sec-websocket-version': '13' }
const SWITCH =
  'HTTP/1.1 101 Switching Protocols⏎Upgrade: websocket⏎Connection: Upgrade⏎Sec-WebSocket-Accept: x⏎Sec-WebSocket-Protocol: chat⏎⏎'

test('a tunnel opens, passes bytes both ways, first ones included, and ends with its ends', async () => {
  rig.upstream.script = {
    tunnel: true,
    answer: (socket) => {
      socket.write(crlf(SWITCH) + 'first')
      socket.on('data', (bytes) => socket.write(bytes.toString().toUpperCase()))
      socket.on('end', () => socket.end())
    },
  }
  const stream = session.request(OPEN)
  stream.write('early ')
  const [head] = await once(stream, 'response')
  assert.deepEqual(
    [head[':status'], head['sec-websocket-protocol'], head['sec-websocket-accept'], head['upgrade']],
    [200, 'chat', undefined, undefined],
  )
  let heard = ''
  stream.on('data', (bytes: Buffer) => (heard += bytes.toString()))
  const hear = async (text: string) => {
    while (!heard.includes(text)) await once(stream, 'data')
  }
  await hear('EARLY')
  assert.ok(heard.startsWith('first'))
  const long = 'abcdefghij'.repeat(50_000)
  stream.write(long)
  await hear(long.toUpperCase())
  stream.end()
  await once(stream, 'end')
  await rig.postern.waitForRecord(({ path, status }) => path === '/chat' && status === 101)
  const { requests } = await rig.settle('a tunnel', null)
  const [request] = requests
  assert.equal(request!.start, 'GET /chat HTTP/1.1')
  assert.deepEqual([valuesOf(request!, 'upgrade'), valuesOf(request!, 'connection')], [['websocket'], ['Upgrade']])
  assert.equal(Buffer.from(valuesOf(request!, 'sec-websocket-key')[0]!, 'base64').length, 16)
})

test('a client that leaves its tunnel takes the upstream with it, and the connection stays', async () => {
  rig.upstream.script = { tunnel: true, answer: crlf(SWITCH) }
  const stream = session.request(OPEN)
  stream.on('error', () => {})
  await once(stream, 'response')
  const connection = rig.upstream.connections.at(-1)!
  stream.close(8)
  await rig.upstream.until(() => (connection.over === 'no' ? undefined : true), 'the end')
  await rig.settle('left', null)
  assert.ok(!session.closed)
})

test('an upstream that breaks off its tunnel ends the stream', async () => {
  rig.upstream.script = {
    tunnel: true,
    answer: (socket) => void socket.write(crlf(SWITCH) + 'bye', () => socket.resetAndDestroy()),
  }
  const stream = session.request(OPEN)
  stream.on('error', () => {})
  stream.resume()
  await once(stream, 'close')
  await rig.settle('broken off', null)
})

test('refused: the upstream’s answer; one that would be read as agreement is none', async () => {
  rig.upstream.script = { answer: crlf('HTTP/1.1 403 No⏎Content-Length: 2⏎⏎no') }
  const refused = await ask(session, OPEN)
  assert.deepEqual([refused.status, refused.body.toString()], [403, 'no'])
  rig.upstream.script = { answer: crlf('HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok') }
  assert.equal((await ask(session, OPEN)).status, 502)
  await rig.settle('refused', null)
})

test('other protocols are not served', async () => {
  assert.equal((await ask(session, { ...OPEN, ':protocol': 'connect-udp' })).status, 501)
  await rig.settle('another', null)
})
