/** A reload every 200 ms while everything runs that an exchange can be: no failure (the table's S15, over its S5 to S8). */
import assert from 'node:assert/strict'
import { type Socket, createServer } from 'node:net'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { after, test } from 'node:test'
import { RawClient } from '../../src/selftest/raw-client.ts'
import { LoadClient } from '../support/load-client.ts'
import { startPostern } from '../support/postern.ts'

const LARGE = 'x'.repeat(400_000)
const RELOADS = 25

/** An upstream that answers by path, and counts what it was not allowed to finish. */
const upstream = createServer({ allowHalfOpen: true }, (socket) => {
  let text = ''
  let tunnel = false
  socket.on('error', () => socket.destroy())
  socket.on('end', () => socket.end())
  socket.on('data', (bytes: Buffer) => {
    if (tunnel) return void socket.write(bytes)
    text += bytes.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = text.slice(0, end)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (text.length < end + 4 + length) return
    const body = text.slice(end + 4, end + 4 + length)
    text = ''
    if (head.startsWith('GET /hang')) return
    if (head.startsWith('GET /refused')) return void socket.write(answer('403 Forbidden', 'no'))
    if (head.startsWith('GET /large')) return void socket.write(answer('200 OK', LARGE))
    if (head.startsWith('POST /upload')) return void socket.write(answer('200 OK', String(body.length)))
    if (!/upgrade: websocket/i.test(head)) return void socket.write(answer('200 OK', 'ok'))
    tunnel = true
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  })
})
const answer = (status: string, body: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`

upstream.listen(0, '127.0.0.1')
await once(upstream, 'listening')
const port = portOf(upstream.address())
const upstreams = new Set<Socket>()
upstream.on('connection', (socket) => void upstreams.add(socket))

/** Refuses connections: whoever picks it must try the other. */
const refusing = createServer().listen(0, '127.0.0.1')
await once(refusing, 'listening')
const refusingPort = portOf(refusing.address())
refusing.close()

const configuration = (version: number): string => `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 2
services:
  up: { instances: [{ url: http://127.0.0.1:${port}, weight: ${(version % 3) + 1} }] }
  half: { instances: [http://127.0.0.1:${port}, http://127.0.0.1:${refusingPort}] }
policies: [request-id, { headers: { response: { set: { X-Version: "${version}" } } } }]
routes:
  load: { match: /load, proxy: half }
  all: { match: /*, proxy: up }
${version % 2 === 0 ? '  more: { match: /more, reply: { body: more } }' : ''}
`
const postern = await startPostern(configuration(0))
after(async () => {
  upstream.close()
  for (const socket of upstreams) socket.destroy()
  await postern.stop()
})

const UPGRADE = 'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

/** What one client does again and again; it throws when it did not get what it should. */
const EXCHANGES: Readonly<Record<string, (client: RawClient) => Promise<void>>> = {
  'a WebSocket': async (client) => {
    await client.send(`GET /ws HTTP/1.1\r\n${UPGRADE}first`)
    assert.equal((await client.response()).status, 101)
    assert.equal(await client.take(5), 'first')
    await client.send('second')
    assert.equal(await client.take(6), 'second')
    client.end()
    assert.deepEqual(await client.closed(), { how: 'end', rest: '' })
  },
  'a refused WebSocket': async (client) => {
    await client.send(`GET /refused HTTP/1.1\r\n${UPGRADE}`)
    assert.equal((await client.response()).status, 403)
    await client.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal((await client.response()).body.toString(), 'ok')
  },
  'a client that goes away': async (client) => {
    await client.send('GET /hang HTTP/1.1\r\nHost: a\r\n\r\n')
    await delay(5)
  },
  'a client that reads slowly': async (client) => {
    await client.send('GET /large HTTP/1.1\r\nHost: a\r\n\r\n')
    client.socket.pause()
    await delay(50)
    client.socket.resume()
    assert.equal((await client.response()).body.length, LARGE.length)
  },
  'an upload in pieces': async (client) => {
    await client.send('POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n')
    for (let i = 0; i < 20; i++) {
      await client.send('y'.repeat(10_000))
      await delay(2)
    }
    assert.equal((await client.response()).body.toString(), '200000')
  },
}

test('a reload every 200 ms, and no exchange of any kind fails', async () => {
  const stop = new AbortController()
  const done = new Map<string, number>()
  const repeat = async (name: string, exchange: (client: RawClient) => Promise<void>): Promise<void> => {
    while (!stop.signal.aborted) {
      const client = await RawClient.connect(postern.port())
      await exchange(client).finally(() => client.close())
      done.set(name, (done.get(name) ?? 0) + 1)
    }
  }
  const load = new LoadClient({ at: postern.port(), kept: 16, single: 4, body: 'ok' })
  const running = Object.entries(EXCHANGES).flatMap(([name, exchange]) => [
    repeat(name, exchange),
    repeat(name, exchange),
  ])
  const failed = Promise.all(running)
  failed.catch(() => stop.abort())
  for (let version = 1; version <= RELOADS && !stop.signal.aborted; version++) {
    assert.equal((await postern.reload(configuration(version)))['msg'], 'revision applied')
    await delay(100)
  }
  stop.abort()
  await failed
  await load.stop()
  assert.deepEqual(load.failures, [])
  assert.ok(load.answered > 200, `${load.answered} were answered`)
  assert.deepEqual([...done.keys()].toSorted(byName), Object.keys(EXCHANGES).toSorted(byName))
  const wrong = postern.records().filter(({ reason }) => reason !== 'ok' && reason !== 'client-abort')
  assert.deepEqual(wrong, [])
})

const byName = (a: string, b: string): number => a.localeCompare(b)

function portOf(address: ReturnType<typeof upstream.address>): number {
  return typeof address === 'object' && address !== null ? address.port : 0
}
