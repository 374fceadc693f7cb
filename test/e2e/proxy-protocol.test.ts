/** Services that are told whose connections they are given: by the letter to a recorder, and to a real nginx, in clear and before TLS. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { AnnouncedUpstream } from '../support/announced-upstream.ts'
import { TestAuthority } from '../support/certificates.ts'
import { ask as askH2, connectH2 } from '../support/h2.ts'
import { startNginx } from '../support/foreign-server.ts'
import { startPostern } from '../support/postern.ts'
import { tempFolder } from '../support/temp.ts'
import { RawClient } from '../../src/selftest/raw-client.ts'
import { Admin } from './support/admin.ts'

const authority = await TestAuthority.make()
const good = authority.issue('good', '/CN=good', ['DNS:localhost', 'IP:127.0.0.1'])
const folder = await tempFolder()
const told = await AnnouncedUpstream.start()
const unix = await AnnouncedUpstream.start(join(folder.path, 'up.sock'))
const SAY = `location / { return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_port $server_protocol"; }`
const CERTIFICATE = `ssl_certificate ${good.chainFile}; ssl_certificate_key ${good.keyFile};`
const nginx = await startNginx('proxy_protocol', SAY)
const nginxH2c = await startNginx('http2 proxy_protocol', SAY)
const nginxTls = await startNginx('ssl http2 proxy_protocol', CERTIFICATE + SAY)

const SERVICES: Readonly<Record<string, string>> = {
  one: `{ instances: [${told.url}], proxy-protocol: v1 }`,
  two: `{ instances: [${told.url}], proxy-protocol: v2 }`,
  plain: told.url,
  unix: `{ instances: [${unix.url}], proxy-protocol: v2 }`,
  nginx1: `{ instances: [http://127.0.0.1:${nginx.port}], proxy-protocol: v1 }`,
  nginx2: `{ instances: [http://127.0.0.1:${nginx.port}], proxy-protocol: v2 }`,
  'nginx-h2c': `{ instances: [http://127.0.0.1:${nginxH2c.port}], protocol: h2c, proxy-protocol: v2 }`,
  'nginx-tls': `{ instances: [https://localhost:${nginxTls.port}], proxy-protocol: v2, tls: { ca: ${authority.caFile} } }`,
  'nginx-h2': `{ instances: [https://localhost:${nginxTls.port}], protocol: h2, proxy-protocol: v1, tls: { ca: ${authority.caFile} } }`,
}
const postern = await startPostern(
  `
listeners:
  - { address: 127.0.0.1:0 }
  - { address: 127.0.0.1:0, proxy-protocol: [127.0.0.0/8] }
  - { address: unix:in.sock }
admin: { address: 127.0.0.1:0 }
threads: 1
services:
${Object.entries(SERVICES)
  .map(([name, service]) => `  ${name}: ${service}`)
  .join('\n')}
routes:
  later: { match: { path: /later }, durable: two }
${Object.keys(SERVICES)
  .map((name) => `  ${name}: { match: { path: /${name} }, proxy: ${name} }`)
  .join('\n')}
`,
  { folder: folder.path },
)
const admin = await Admin.of(postern)
after(async () => {
  await postern.stop()
  await Promise.all([told.close(), unix.close(), nginx.stop(), nginxH2c.stop(), nginxTls.stop()])
  await folder.remove()
  await authority.remove()
})

async function ask(client: RawClient, path: string): Promise<string> {
  await client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const answer = await client.response()
  return `${answer.status} ${answer.body.toString()}`
}
const since = (upstream: AnnouncedUpstream, count: number) => upstream.connections.slice(count)

for (const [service, version] of [
  ['one', 'v1'],
  ['two', 'v2'],
] as const) {
  test(`${version}: a connection is one client's alone, is told so once, and ends with the client's`, async () => {
    const before = told.connections.length
    const first = await RawClient.connect(postern.port())
    const second = await RawClient.connect(postern.port())
    for (const client of [first, second, first, second, first]) assert.equal(await ask(client, `/${service}`), '200 ok')
    const opened = since(told, before)
    assert.deepEqual(
      opened.map(({ client, clientPort, serverPort, requests }) => [client, clientPort, serverPort, requests]),
      [
        ['127.0.0.1', first.socket.localPort, postern.port(), 3],
        ['127.0.0.1', second.socket.localPort, postern.port(), 2],
      ],
    )
    first.close()
    await told.until(() => opened[0]!.over, 'the end of the first client’s connection')
    assert.equal(opened[1]!.over, false)
    assert.equal(await ask(second, `/${service}`), '200 ok')
    assert.deepEqual([opened[1]!.requests, since(told, before).length], [3, 2])
    second.close()
    await told.until(() => opened[1]!.over, 'the end of the second client’s connection')
  })
}

test('the bytes are those of the specification', async () => {
  const before = told.connections.length
  const client = await RawClient.connect(postern.port())
  const [from, to] = [client.socket.localPort!, postern.port()]
  await ask(client, '/one')
  await ask(client, '/two')
  client.close()
  const hex = (port: number) => port.toString(16).padStart(4, '0')
  assert.deepEqual(
    since(told, before).map(({ header }) => header),
    [
      Buffer.from(`PROXY TCP4 127.0.0.1 127.0.0.1 ${from} ${to}\r\n`).toString('hex'),
      `0d0a0d0a000d0a515549540a2111000c7f0000017f000001${hex(from)}${hex(to)}`,
    ],
  )
})

test('a service that is not told gets connections of its own: none is shared with one that is', async () => {
  const client = await RawClient.connect(postern.port())
  assert.equal(await ask(client, '/two'), '200 ok')
  // The recorder wants a header, and closes without one.
  assert.match(await ask(client, '/plain'), /^502 /)
  client.close()
})

test('what a load balancer in front has told is told on', async () => {
  const before = told.connections.length
  const client = await RawClient.connect(postern.port(1))
  await client.send('PROXY TCP6 2001:db8::7 2001:db8::8 1234 443\r\n')
  assert.equal(await ask(client, '/two'), '200 ok')
  client.close()
  assert.deepEqual(
    since(told, before).map(({ client: address, clientPort, serverPort }) => [address, clientPort, serverPort]),
    [['2001:db8::7', 1234, 443]],
  )
})

test('streams of one HTTP/2 client are that client’s, side by side', async () => {
  const before = told.connections.length
  const session = connectH2(postern.port())
  await Promise.all(Array.from({ length: 5 }, () => askH2(session, { ':path': '/two', ':authority': 'a' })))
  const port = session.socket.localPort
  const opened = since(told, before)
  assert.deepEqual(new Set(opened.map(({ clientPort }) => clientPort)), new Set([port]))
  assert.equal(
    opened.reduce((sum, { requests }) => sum + requests, 0),
    5,
  )
  session.destroy()
  await once(session, 'close')
  await told.until(() => opened.every(({ over }) => over), 'the end of every connection')
})

test('through Unix sockets: a client without an address is told as none, an upstream at one is told as any', async () => {
  const before = [told.connections.length, unix.connections.length] as const
  const client = await RawClient.connect(join(folder.path, 'in.sock'))
  for (const path of ['/one', '/two', '/unix']) assert.equal(await ask(client, path), '200 ok')
  client.close()
  const local = '0d0a0d0a000d0a515549540a20000000'
  assert.deepEqual(
    since(told, before[0]).map(({ header }) => header),
    [Buffer.from('PROXY UNKNOWN\r\n').toString('hex'), local],
  )
  assert.equal(since(unix, before[1])[0]!.header, local)
  const other = await RawClient.connect(postern.port())
  assert.equal(await ask(other, '/unix'), '200 ok')
  assert.equal(unix.connections.at(-1)!.clientPort, other.socket.localPort)
  other.close()
})

test('a delivery is nobody’s but ours', async () => {
  const before = told.connections.length
  const client = await RawClient.connect(postern.port())
  await client.send('POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
  const answer = await client.response()
  await admin.settled(JSON.parse(answer.body.toString()).id, 'delivered')
  client.close()
  assert.deepEqual(
    since(told, before).map(({ header }) => header),
    ['0d0a0d0a000d0a515549540a20000000'],
  )
})

for (const [service, protocol] of [
  ['nginx1', 'HTTP/1.1'],
  ['nginx2', 'HTTP/1.1'],
  ['nginx-h2c', 'HTTP/2.0'],
  ['nginx-tls', 'HTTP/1.1'],
  ['nginx-h2', 'HTTP/2.0'],
]) {
  test(`nginx reads it: ${service}`, async () => {
    const clients = [await RawClient.connect(postern.port()), await RawClient.connect(postern.port())]
    for (const client of [...clients, ...clients]) {
      const expected = `200 127.0.0.1 ${client.socket.localPort} ${postern.port()} ${protocol}`
      assert.equal(await ask(client, `/${service}`), expected)
    }
    for (const client of clients) client.close()
  })
}

test('a request that its client abandons leaves no connection to anybody else', async () => {
  const before = told.connections.length
  const client = await RawClient.connect(postern.port())
  await client.send('POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhal')
  await told.until(() => told.connections.length > before, 'a connection')
  client.socket.resetAndDestroy()
  await told.until(() => told.connections[before]!.over, 'its end')
})
