/** WebSockets to services that speak HTTP/2 (RFC 8441), from clients of either protocol: judged by Node's own client and server. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { after, beforeEach, test } from 'node:test'
import { crlf } from '../../src/selftest/notation.ts'
import { RawClient } from '../../src/selftest/raw-client.ts'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { TestAuthority } from '../support/certificates.ts'
import { H2Upstream, type OnStream, ask, connectH2 } from '../support/h2.ts'
import { startPostern } from '../support/postern.ts'

const authority = await TestAuthority.make()
const { chain, key } = authority.issue('up', '/CN=up', ['IP:127.0.0.1'])
const settings = { enableConnectProtocol: true }
const upstream = await H2Upstream.start({ settings })
const secure = await H2Upstream.start({ settings, key, cert: chain })
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
via: rig
services:
  up: { instances: [${upstream.url}], protocol: h2c, timeouts: { first-byte: 500ms, stream: 1s } }
  secure: { instances: [${secure.url}], protocol: h2, tls: { ca: ${authority.caFile} } }
routes:
  secure: { match: { path: /secure/* }, proxy: secure }
  all: { match: { path: /* }, proxy: up }
`)
const session = connectH2(postern.port())
after(async () => {
  session.destroy()
  await postern.stop()
  await upstream.close()
  await secure.close()
  await authority.remove()
})
if (session.remoteSettings.enableConnectProtocol !== true) await once(session, 'remoteSettings')

const OPEN = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat', 'sec-websocket-version': '13' }
const HANDSHAKE = crlf(
  'GET /chat HTTP/1.1⏎Host: shop.example⏎Upgrade: websocket⏎Connection: Upgrade⏎Sec-WebSocket-Version: 13⏎Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==⏎⏎',
)
/** Of the key above, as RFC 6455 §1.3 has it. */
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

const agree: OnStream = (stream) => stream.respond({ ':status': 200 })
const shout: OnStream = (stream, headers) => {
  agree(stream, headers)
  stream.on('data', (bytes: Buffer) => stream.write(bytes.toString().toUpperCase()))
  stream.on('end', () => stream.end())
}
beforeEach(() => {
  upstream.onStream = shout
})

const CLOSE = 0x88

/** Frames of a client, short and masked, sent back as a server's. */
const echoFrames: OnStream = (stream, headers) => {
  stream.respond({ ':status': 200, 'sec-websocket-protocol': String(headers['sec-websocket-protocol']) })
  stream.on('data', (bytes: Buffer) => {
    const length = bytes[1]! & 0x7f
    const payload = bytes.subarray(6, 6 + length).map((byte, i) => byte ^ bytes[2 + (i % 4)]!)
    const frame = Buffer.concat([Buffer.from([bytes[0]!, length]), payload])
    if (bytes[0] === CLOSE) stream.end(frame)
    else stream.write(frame)
  })
}

for (const [protocol, path, at] of [
  ['in clear', '/chat', upstream],
  ['behind TLS', '/secure/chat', secure],
] as const) {
  test(`a client of HTTP/1.1, ${protocol}`, async () => {
    let seen: IncomingHttpHeaders = {}
    at.onStream = (stream, headers) => {
      seen = headers
      echoFrames(stream, headers)
    }
    const client = new WebSocket(`ws://127.0.0.1:${postern.port()}${path}?room=1`, ['chat'])
    await once(client, 'open')
    assert.equal(client.protocol, 'chat')
    client.send('hello')
    const [{ data }] = await once(client, 'message')
    assert.equal(data, 'hello')
    client.close()
    await once(client, 'close')
    assert.deepEqual(
      [seen[':method'], seen[':protocol'], seen[':path'], seen[':scheme'], seen['sec-websocket-version']],
      ['CONNECT', 'websocket', `${path}?room=1`, at === secure ? 'https' : 'http', '13'],
    )
    for (const name of ['sec-websocket-key', 'upgrade', 'connection', 'host']) assert.equal(seen[name], undefined, name)
    assert.equal(seen['via'], '1.1 rig')
    const record = await postern.waitForRecord((one) => one['path'] === path)
    assert.deepEqual([record['status'], record['reason'], record['tries'] ?? 1], [101, 'ok', 1])
  })
}

test('what the service says of acceptance and length is not passed on; what else it says is', async () => {
  upstream.onStream = (stream) => {
    stream.respond({ ':status': 200, 'sec-websocket-accept': 'x', 'content-length': '5', 'x-one': '1' })
    stream.write('first')
  }
  const client = await RawClient.connect(postern.port())
  await client.send(HANDSHAKE, 'early')
  const answer = await client.finalResponse()
  assert.deepEqual(
    [
      answer.status,
      valuesOf(answer, 'sec-websocket-accept'),
      valuesOf(answer, 'content-length'),
      valuesOf(answer, 'upgrade'),
      valuesOf(answer, 'connection'),
      valuesOf(answer, 'x-one'),
      valuesOf(answer, 'via'),
    ],
    [101, [ACCEPT], [], ['websocket'], ['Upgrade'], ['1'], ['2 rig']],
  )
  assert.equal(await client.take(5), 'first')
  client.close()
})

test('a client of HTTP/2: bytes both ways, first ones and many, and each half ends by itself', async () => {
  const heardAll = Promise.withResolvers<string>()
  upstream.onStream = (stream) => {
    agree(stream, {})
    let heard = ''
    stream.on('data', (bytes: Buffer) => (heard += bytes.toString()))
    stream.on('end', () => {
      heardAll.resolve(heard)
      // Its half goes on.
      stream.write('late ')
      setImmediate(() => stream.end('x'.repeat(1_000_000)))
    })
  }
  const stream = session.request(OPEN)
  stream.write('early ')
  const [head] = await once(stream, 'response')
  assert.deepEqual([head[':status'], head['sec-websocket-accept'], head['upgrade']], [200, undefined, undefined])
  const long = 'abcdefghij'.repeat(100_000)
  stream.end(long)
  assert.equal(await heardAll.promise, `early ${long}`)
  let received = ''
  for await (const bytes of stream) received += String(bytes)
  assert.equal(received, `late ${'x'.repeat(1_000_000)}`)
})

test('a client of HTTP/1.1 that ends its half hears the rest', async () => {
  upstream.onStream = (stream) => {
    agree(stream, {})
    stream.resume().on('end', () => stream.end('the rest'))
  }
  const client = await RawClient.connect(postern.port())
  await client.send(HANDSHAKE)
  assert.equal((await client.finalResponse()).status, 101)
  client.end()
  assert.deepEqual(await client.closed(), { how: 'end', rest: 'the rest' })
})

test('refused: an ordinary answer; the connection to the service serves on', async () => {
  const before = upstream.connections
  upstream.onStream = (stream) => {
    stream.respond({ ':status': 403 })
    stream.end('no')
  }
  const refused = await ask(session, OPEN)
  assert.deepEqual([refused.status, refused.body.toString()], [403, 'no'])
  const client = await RawClient.connect(postern.port())
  await client.send(HANDSHAKE)
  const answer = await client.finalResponse()
  assert.deepEqual([answer.status, answer.body.toString()], [403, 'no'])
  client.close()
  assert.equal(upstream.connections, before)
})

test('a client that leaves: its stream at the service is reset, and no other', async () => {
  const opened: ServerHttp2Stream[] = []
  upstream.onStream = (stream, headers) => {
    // Node forgets the code of a reset when somebody ends the stream at its `end`.
    if (opened.push(stream) === 1) shout(stream, headers)
    else agree(stream.resume(), headers)
  }
  const before = upstream.connections
  const [stays, leaves] = [session.request(OPEN), session.request(OPEN)]
  leaves.on('error', () => {})
  await Promise.all([once(stays, 'response'), once(leaves, 'response')])
  const closed = once(opened[1]!, 'close')
  leaves.close(http2.constants.NGHTTP2_CANCEL)
  await closed
  assert.equal(opened[1]!.rstCode, http2.constants.NGHTTP2_CANCEL)
  stays.end('still here')
  let received = ''
  for await (const bytes of stays) received += String(bytes)
  assert.deepEqual([received, upstream.connections], ['STILL HERE', before])
})

test('a service that breaks off ends the client’s side', async () => {
  upstream.onStream = (stream) => {
    agree(stream, {})
    stream.write('bye')
    setImmediate(() => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR))
  }
  const client = await RawClient.connect(postern.port())
  await client.send(HANDSHAKE)
  await client.closed()
  const stream = session.request(OPEN)
  stream.on('error', () => {}).resume()
  await once(stream, 'close')
})

test('a service that does not answer the handshake', async () => {
  upstream.onStream = () => {}
  const answer = await ask(session, OPEN)
  assert.deepEqual([answer.status, JSON.parse(answer.body.toString()).code], [504, 'upstream-timeout'])
})

test('a silent tunnel ends after its time', async () => {
  upstream.onStream = agree
  const client = await RawClient.connect(postern.port())
  await client.send(HANDSHAKE)
  assert.equal((await client.finalResponse()).status, 101)
  assert.equal((await client.closed()).rest, '')
})

test('a client of HTTP/2 with a small window hears all that was said before the end', async () => {
  upstream.onStream = (stream) => {
    agree(stream, {})
    stream.resume().on('end', () => stream.end('y'.repeat(50_000)))
  }
  const small = http2.connect(`http://127.0.0.1:${postern.port()}`, { settings: { initialWindowSize: 100 } })
  await once(small, 'remoteSettings')
  const stream = small.request(OPEN)
  stream.end()
  let received = 0
  for await (const bytes of stream) received += Buffer.from(bytes).length
  assert.equal(received, 50_000)
  small.destroy()
})
