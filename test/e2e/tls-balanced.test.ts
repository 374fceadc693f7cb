/** PROXY protocol before TLS, as load balancers send it that hand connections on undeciphered: in one packet, in many, wrong, or not at all. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import { type Socket, connect as connectTcp } from 'node:net'
import { Duplex } from 'node:stream'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { TestAuthority } from '../support/certificates.ts'
import { startHaproxy } from '../support/foreign-server.ts'
import { ask as askH2 } from '../support/h2.ts'
import { type LogLine, startPostern } from '../support/postern.ts'
import { RawClient } from '../../src/selftest/raw-client.ts'

const authority = await TestAuthority.make()
const { chainFile, keyFile } = authority.issue('shop', '/CN=shop', ['DNS:shop.example'])
const tls = `tls: { certificates: [{ cert: ${chainFile}, key: ${keyFile} }], handshake-timeout: 500ms }`
const postern = await startPostern(`
listeners:
  - { address: 127.0.0.1:0, proxy-protocol: [127.0.0.0/8], ${tls} }
  - { address: 127.0.0.1:0, proxy-protocol: [10.0.0.0/8], ${tls} }
  - { address: 127.0.0.1:0, proxy-protocol: [127.0.0.0/8], connections-per-client-max: 1, ${tls} }
admin: { address: 127.0.0.1:0 }
threads: 1
routes: { all: { match: /*, reply: { body: ok } } }
`)
after(async () => {
  await postern.stop()
  await authority.remove()
})

const REQUEST = 'GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n'
const SIGNATURE = '0d0a0d0a000d0a515549540a'
/** Of 192.0.2.7 and 2001:db8::7. */
const V1 = Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n')
const V2 = Buffer.from(
  `${SIGNATURE}2121002420010db800000000000000000000000720010db800000000000000000000000804d201bb`,
  'hex',
)
const WITH_TLVS = Buffer.from(`${SIGNATURE}21110013c0000207c000020804d201bb04000462616c61`, 'hex')
const LOCAL = Buffer.from(`${SIGNATURE}20000000`, 'hex')

/** How the header and the first bytes of the handshake are sent. */
const PACKETS: Readonly<Record<string, (header: Buffer, first: Buffer) => readonly Buffer[]>> = {
  'in one packet': (header, first) => [Buffer.concat([header, first])],
  'in two packets': (header, first) => [header, first],
  'cut within the header': (header, first) => [header.subarray(0, 9), Buffer.concat([header.subarray(9), first])],
  'cut within the hello': (header, first) => [Buffer.concat([header, first.subarray(0, 7)]), first.subarray(7)],
  'byte by byte': (header, first) => Array.from(Buffer.concat([header, first]), (byte) => Buffer.from([byte])),
}

async function connected(listener: number): Promise<Socket> {
  const socket = connectTcp(postern.port(listener), '127.0.0.1')
  socket.setNoDelay(true)
  await once(socket, 'connect')
  return socket
}

/** TLS whose first write goes out behind `header`, in such packets. */
async function behind(header: Buffer, packets: (header: Buffer, first: Buffer) => readonly Buffer[], listener = 0) {
  const raw = await connected(listener)
  const send = ([one, ...others]: readonly Buffer[], done: () => void): void => {
    raw.write(one!)
    if (others.length === 0) done()
    else setImmediate(() => send(others, done))
  }
  let isFirst = true
  const through = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      const bytes = isFirst ? packets(header, chunk) : [chunk]
      isFirst = false
      send(bytes, done)
    },
  })
  raw.on('data', (bytes) => through.push(bytes))
  raw.on('end', () => through.push(null))
  raw.on('close', () => through.destroy())
  through.on('close', () => raw.destroy())
  return connect({ socket: through, ca: authority.ca, servername: 'shop.example', ALPNProtocols: ['http/1.1'] })
}

let seen = 0
/** The records since the last call. */
async function newRecords(count: number): Promise<LogLine[]> {
  const records = (await postern.waitForRecords(seen + count)).slice(seen)
  seen += count
  return records
}

for (const [version, header, address] of [
  ['v1', V1, '192.0.2.7'],
  ['v2', V2, '2001:db8::7'],
  ['v2 with a TLV', WITH_TLVS, '192.0.2.7'],
  ['v2 of the load balancer itself', LOCAL, '127.0.0.1'],
] as const) {
  for (const [how, packets] of Object.entries(PACKETS)) {
    test(`${version}, ${how}: the client is the one told of`, async () => {
      const client = await RawClient.over(await behind(header, packets))
      await client.send(REQUEST)
      assert.equal((await client.response()).status, 200)
      client.close()
      const [record] = await newRecords(1)
      assert.deepEqual([record!['client'], record!['reason']], [address, 'reply'])
    })
  }
}

test('HTTP/2 behind it', async () => {
  const raw = await connected(0)
  raw.write(V1)
  const socket = connect({ socket: raw, ca: authority.ca, servername: 'shop.example', ALPNProtocols: ['h2'] })
  const session = http2.connect('https://shop.example', { createConnection: () => socket })
  const answer = await askH2(session, { ':path': '/', ':authority': 'shop.example' })
  assert.equal(answer.status, 200)
  session.destroy()
  assert.equal((await newRecords(1))[0]!['client'], '192.0.2.7')
})

/** Sends bytes and waits for the end; nothing may come back in clear. */
async function refused(bytes: Buffer, listener = 0): Promise<Buffer> {
  const raw = await connected(listener)
  const said: Buffer[] = []
  raw.on('data', (chunk: Buffer) => said.push(chunk)).on('error', () => {})
  raw.write(bytes)
  await once(raw, 'close')
  return Buffer.concat(said)
}

/** The first flight of a client, without anybody to answer it. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const through = new Duplex({ read() {}, write: (chunk: Buffer) => resolve(chunk) })
    connect({ socket: through, servername: 'shop.example' }).on('error', () => {})
  })
}

test('refused: a handshake without the header', async () => {
  assert.equal((await refused(await clientHello())).length, 0)
  assert.deepEqual(
    (await newRecords(1)).map(({ client, reason, status }) => [client, reason, status]),
    [['127.0.0.1', 'proxy-header-invalid', 0]],
  )
})

for (const [name, bytes] of [
  ['of another command', Buffer.from(`${SIGNATURE}2211000cc0000207c000020804d201bb`, 'hex')],
  ['of datagrams', Buffer.from(`${SIGNATURE}2112000cc0000207c000020804d201bb`, 'hex')],
  ['with a port too high', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 1234 65536\r\n')],
  ['that never ends', Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`)],
] as const) {
  test(`refused: a header ${name}, though a handshake follows`, async () => {
    assert.equal((await refused(Buffer.concat([bytes, await clientHello()]))).length, 0)
    assert.equal((await newRecords(1))[0]!['reason'], 'proxy-header-invalid')
  })
}

test('refused: the header of somebody who is not believed is no handshake', async () => {
  await refused(Buffer.concat([V1, await clientHello()]), 1)
  const [record] = await newRecords(1)
  assert.deepEqual([record!['client'], record!['reason']], ['127.0.0.1', 'tls-failed'])
})

test('refused: what follows the header is no handshake, or a second header', async () => {
  await refused(Buffer.concat([V1, Buffer.from(REQUEST)]))
  await refused(Buffer.concat([V2, V1, await clientHello()]))
  assert.deepEqual(
    (await newRecords(2)).map(({ client, reason }) => [client, reason]),
    [
      ['192.0.2.7', 'tls-failed'],
      ['2001:db8::7', 'tls-failed'],
    ],
  )
})

test('refused: a header, and then silence', async () => {
  await refused(V1)
  const [record] = await newRecords(1)
  assert.deepEqual([record!['client'], record!['reason']], ['192.0.2.7', 'tls-timeout'])
})

test('the bound for each client counts the clients told of, before they have shaken hands', async () => {
  const first = await RawClient.over(await behind(V1, PACKETS['in one packet']!, 2))
  assert.equal((await refused(Buffer.concat([V1, await clientHello()]), 2)).length, 0)
  const other = await RawClient.over(await behind(V2, PACKETS['in one packet']!, 2))
  await other.send(REQUEST)
  assert.equal((await other.response()).status, 200)
  const records = await newRecords(2)
  assert.deepEqual(
    records.map(({ client, reason }) => [client, reason]),
    [
      ['192.0.2.7', 'client-connections'],
      ['2001:db8::7', 'reply'],
    ],
  )
  first.close()
  other.close()
})

for (const sends of ['send-proxy', 'send-proxy-v2', 'send-proxy-v2-ssl']) {
  test(`a real HAProxy: ${sends}`, async (t) => {
    const haproxy = await startHaproxy(postern.port(0), sends)
    t.after(() => haproxy.stop())
    const from = connectTcp({ host: '127.0.0.1', port: haproxy.port, localAddress: '127.0.0.9' })
    const socket = connect({ socket: from, ca: authority.ca, servername: 'shop.example' })
    const client = await RawClient.over(socket)
    await client.send(REQUEST)
    assert.equal((await client.response()).status, 200)
    client.close()
    await postern.waitForRecord(({ client: address, reason }) => address === '127.0.0.9' && reason === 'reply')
  })
}
