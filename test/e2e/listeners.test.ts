/** Where connections come in: both families, one port for both, and Unix sockets that several engines answer at. */
import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { RawClient } from '../../src/selftest/raw-client.ts'
import { tempFolder } from '../support/temp.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

const configuration = (listeners: string, more = ''): string => `
listeners: ${listeners}
admin: { address: 127.0.0.1:0 }
threads: 2
${more}
routes: { all: { match: /*, reply: { body: ok } } }
`

async function statusAt(at: number | string, host?: string): Promise<number> {
  const client = await RawClient.connect(at, host)
  await client.send(REQUEST)
  const { status } = await client.response()
  client.close()
  return status
}

test('[::] takes both families, or only its own', async (t) => {
  const postern = await startPostern(
    configuration('[{ address: "[::]:0" }, { address: "[::]:0", dual-stack: false }, { address: "[::1]:0" }]'),
  )
  t.after(() => postern.stop())
  assert.match(postern.gateway[0]!, /^http:\/\/\[::\]:\d+$/)
  assert.deepEqual([await statusAt(postern.port(0), '::1'), await statusAt(postern.port(0), '127.0.0.1')], [200, 200])
  assert.equal(await statusAt(postern.port(1), '::1'), 200)
  await assert.rejects(RawClient.connect(postern.port(1), '127.0.0.1'))
  assert.equal(await statusAt(postern.port(2), '::1'), 200)
  const clients = (await postern.waitForRecords(4)).map(({ client }) => String(client))
  assert.deepEqual(
    clients.toSorted((a, b) => a.localeCompare(b)),
    ['::1', '::1', '::1', '127.0.0.1'],
  )
})

test('a Unix socket is answered at by every engine, has its permissions, and is gone at the end', async () => {
  const folder = await tempFolder()
  const postern = await startPostern(configuration('[{ address: unix:p.sock, mode: "0660" }]'), { folder: folder.path })
  const path = join(folder.path, 'p.sock')
  assert.deepEqual(postern.gateway, [`unix:${path}`])
  assert.equal(statSync(path).mode & 0o777, 0o660)
  for (let i = 0; i < 20; i++) assert.equal(await statusAt(path), 200)
  const [record] = await postern.waitForRecords(20)
  assert.equal(record!['client'], 'unix')
  await postern.stop()
  assert.equal(existsSync(path), false)
  await folder.remove()
})

test('a Unix socket that a crash has left is taken, one that is answered is not', async (t) => {
  const folder = await tempFolder()
  t.after(() => folder.remove())
  const yaml = configuration('[{ address: unix:p.sock }]')
  const path = join(folder.path, 'p.sock')
  const crashed = await startPostern(yaml, { folder: folder.path })
  await crashed.kill()
  assert.equal(existsSync(path), true)
  const next = await startPostern(yaml, { folder: folder.path })
  assert.equal(await statusAt(path), 200)
  await next.stop()

  const stranger = createServer().listen(path)
  await once(stranger, 'listening')
  await assert.rejects(startPostern(yaml, { folder: folder.path }), /p\.sock is taken by another process/)
  await new Promise((resolve) => stranger.close(resolve))
})

test('a service may listen on a Unix socket: requests, WebSockets, and 502 when nobody answers there', async (t) => {
  const folder = await tempFolder()
  const requests: string[] = []
  const service = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      const text = String(bytes)
      requests.push(text)
      if (/upgrade: websocket/i.test(text))
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello')
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup')
    })
  }).listen(join(folder.path, 'up.sock'))
  await once(service, 'listening')
  const postern = await startPostern(
    `listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
services:
  up: unix:up.sock
  gone: { instances: [{ url: unix:gone.sock, weight: 2 }] }
routes: { up: { match: /up, proxy: up }, gone: { match: /gone, proxy: gone } }
`,
    { folder: folder.path },
  )
  t.after(async () => {
    service.close()
    await postern.stop()
    await folder.remove()
  })
  const client = await RawClient.connect(postern.port())
  await client.send('GET /up HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal((await client.response()).body.toString(), 'up')
  await client.send('GET /gone HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal((await client.response()).status, 502)
  await client.send('GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  assert.equal((await client.response()).status, 101)
  assert.equal(await client.take(5), 'hello')
  client.close()
  assert.match(requests[0]!, /^GET \/up HTTP\/1\.1\r\nHost: a\r\n/)
  const record = await postern.waitForRecord(({ route }) => route === 'up')
  assert.equal(record['instance'], `unix:${join(folder.path, 'up.sock')}`)
})

test('caps and the PROXY protocol hold for all engines together', async (t) => {
  const postern = await startPostern(
    configuration('[{ address: 127.0.0.1:0, connections-per-client-max: 3, proxy-protocol: [127.0.0.0/8] }]'),
  )
  t.after(() => postern.stop())
  const open = async (address: string): Promise<{ client: RawClient; status: number }> => {
    const client = await RawClient.connect(postern.port())
    await client.send(`PROXY TCP4 ${address} 192.0.2.1 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`)
    return { client, status: (await client.response()).status }
  }
  const all = []
  for (let i = 0; i < 8; i++) all.push(await open('192.0.2.7'))
  all.push(await open('192.0.2.8'))
  assert.deepEqual(
    all.map(({ status }) => status),
    [200, 200, 200, 429, 429, 429, 429, 429, 200],
  )
  const records = await postern.waitForRecords(9)
  const told = records.map(({ client, reason }) => `${String(client)} ${String(reason)}`)
  assert.equal(told.filter((one) => one === '192.0.2.7 client-connections').length, 5)
  assert.equal(told.filter((one) => one === '192.0.2.7 reply').length, 3)
  for (const { client } of all) client.close()
  for (let placed = false; !placed;) {
    const { client, status } = await open('192.0.2.7')
    placed = status === 200
    client.close()
  }
})
