/**
 * What a shared connection of HTTP/2 cannot carry: a WebSocket to a service without RFC 8441, and credentials that hold for a connection
 * (NTLM, Negotiate; RFC 4559 §6). Over TLS the service is asked for HTTP/1.1; in clear the request is refused and nothing goes upstream.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2, { type Http2ServerRequest, type IncomingHttpHeaders } from 'node:http2'
import { after, beforeEach, test } from 'node:test'
import { TLSSocket } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import { crlf } from '../../src/selftest/notation.ts'
import { RawClient, exchangeOnce } from '../../src/selftest/raw-client.ts'
import { TestAuthority } from '../support/certificates.ts'
import { H2Upstream, ask, connectH2 } from '../support/h2.ts'
import { startPostern } from '../support/postern.ts'

const authority = await TestAuthority.make()
const { chain, key } = authority.issue('up', '/CN=up', ['IP:127.0.0.1'])
const clear = await H2Upstream.start()
const both = await H2Upstream.start({ key, cert: chain, allowHTTP1: true })
const alone = await H2Upstream.start({ key, cert: chain })
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
services:
  clear: { instances: [${clear.url}], protocol: h2c }
  both: { instances: [${both.url}], protocol: h2, tls: { ca: ${authority.caFile} } }
  alone: { instances: [${alone.url}], protocol: h2, tls: { ca: ${authority.caFile} } }
routes:
  clear: { match: { path: /clear/* }, proxy: clear }
  both: { match: { path: /both/* }, proxy: both }
  alone: { match: { path: /alone/* }, proxy: alone }
`)
const session = connectH2(postern.port())
after(async () => {
  session.destroy()
  await postern.stop()
  for (const upstream of [clear, both, alone]) await upstream.close()
  await authority.remove()
})
if (session.remoteSettings.enableConnectProtocol !== true) await once(session, 'remoteSettings')

/** What came to the service that speaks both, and over which connection. */
const seen: { version: string; url: string; headers: IncomingHttpHeaders; connection: unknown }[] = []
const record = ({ httpVersion, url, headers, socket }: Http2ServerRequest | IncomingMessage) =>
  void seen.push({ version: httpVersion, url: url ?? '', headers, connection: socket })
both.server.on('request', (request: Http2ServerRequest, response: http2.Http2ServerResponse) => {
  record(request)
  if (request.httpVersionMajor === 1) response.end('ok')
})
both.server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
  record(request)
  socket.write(
    crlf('HTTP/1.1 101 Switching Protocols⏎Upgrade: websocket⏎Connection: Upgrade⏎Sec-WebSocket-Accept: x⏎⏎'),
  )
  socket.on('error', () => {}).on('data', (bytes: Buffer) => socket.write(bytes.toString().toUpperCase()))
  socket.on('end', () => socket.end())
})
let reached = 0
clear.onStream = (stream) => {
  reached++
  stream.respond({ ':status': 200 })
  stream.end('ok')
}
beforeEach(() => {
  seen.length = 0
  reached = 0
})

const handshake = (path: string): string =>
  crlf(
    `GET ${path} HTTP/1.1⏎Host: a⏎Upgrade: websocket⏎Connection: Upgrade⏎Sec-WebSocket-Version: 13⏎Sec-WebSocket-Key: a2V5⏎⏎`,
  )
const OPEN = { ':method': 'CONNECT', ':protocol': 'websocket', 'sec-websocket-version': '13' }
const codeOf = (body: Buffer): unknown => JSON.parse(body.toString()).code

async function shouts(path: string): Promise<void> {
  const client = await RawClient.connect(postern.port())
  await client.send(handshake(path), 'hello')
  assert.equal((await client.finalResponse()).status, 101)
  assert.equal(await client.take(5), 'HELLO')
  client.close()
  await postern.waitForRecord((one) => one['path'] === path && one['status'] === 101)
}

test('a WebSocket to a service without RFC 8441, in clear: refused with a code, again and again', async () => {
  for (let i = 0; i < 2; i++) {
    const answer = await exchangeOnce(postern.port(), handshake('/clear/a'))
    assert.deepEqual([answer.status, codeOf(answer.body)], [502, 'upstream-protocol'])
    const other = await ask(session, { ...OPEN, ':path': '/clear/a' })
    assert.deepEqual([other.status, codeOf(other.body)], [502, 'upstream-protocol'])
  }
  assert.equal(reached, 0)
  assert.equal((await ask(session, { ':path': '/clear/b' })).body.toString(), 'ok')
  assert.equal(clear.connections, 1, 'the connection was not the worse for it')
})

test('a WebSocket to such a service behind TLS is opened over HTTP/1.1; what can go over HTTP/2 still does', async () => {
  await shouts('/both/first')
  await shouts('/both/second')
  const stream = session.request({ ...OPEN, ':path': '/both/third' })
  const [head] = await once(stream, 'response')
  assert.equal(head[':status'], 200)
  stream.end('hello')
  let heard = ''
  for await (const bytes of stream) heard += String(bytes)
  assert.equal(heard, 'HELLO')
  assert.equal((await ask(session, { ':path': '/both/plain' })).body.toString(), 'ok')
  assert.deepEqual(
    seen.map(({ version, url }) => [version, url]),
    [
      ['1.1', '/both/first'],
      ['1.1', '/both/second'],
      ['1.1', '/both/third'],
      ['2.0', '/both/plain'],
    ],
  )
  for (const { url } of seen) {
    const { tries } = await postern.waitForRecord(({ path }) => path === url)
    assert.equal(tries, url === '/both/first' ? 2 : 1, `${url}: what the service takes is remembered`)
  }
})

test('a service behind TLS that speaks HTTP/2 alone: the handshake fails, with a reason', async () => {
  const answer = await ask(session, { ...OPEN, ':path': '/alone/a' })
  assert.deepEqual([answer.status, codeOf(answer.body)], [502, 'upstream-tls-failed'])
})

for (const authorization of ['NTLM TlRMTVNTUAABAAAA', 'Negotiate YIIZ', 'nTlM x']) {
  test(`${authorization} never goes over a shared connection`, async () => {
    const refused = await ask(session, { ':path': '/clear/a', authorization })
    assert.deepEqual([refused.status, codeOf(refused.body), reached], [502, 'upstream-protocol', 0])

    for (const headers of [{ authorization }, { authorization }, { authorization: 'Basic dTpw' }]) {
      assert.equal((await ask(session, { ':path': '/both/a', ...headers })).body.toString(), 'ok')
    }
    assert.deepEqual(
      seen.map(({ version, headers }) => [version, headers.authorization]),
      [
        ['1.1', authorization],
        ['1.1', authorization],
        ['2.0', 'Basic dTpw'],
      ],
    )
    const [first, second] = seen
    assert.ok(
      first!.connection instanceof TLSSocket && first!.connection !== second!.connection,
      'and serves one request',
    )
    assert.ok(first!.connection.destroyed)
  })
}
