/** WebSockets and event streams: the first byte passes at once, silence is no fault, and no reload closes one. */
import assert from 'node:assert/strict'
import { type Server, type Socket, connect, createServer } from 'node:net'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { RawClient } from '../../src/selftest/raw-client.ts'
import { startPostern } from '../support/postern.ts'
import { Admin, eventually } from './support/admin.ts'

const COUNT = 1_000

/** An upstream of WebSockets that echo and of event streams that speak when told to. */
class Talker {
  readonly streams: Socket[] = []
  readonly sockets = new Set<Socket>()
  readonly server: Server = createServer({ allowHalfOpen: true }, (socket) => this.talk(socket))
  port = 0

  async start(): Promise<this> {
    this.server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 })
    await once(this.server, 'listening')
    const address = this.server.address()
    this.port = typeof address === 'object' && address !== null ? address.port : 0
    return this
  }

  stop(): void {
    this.server.close()
    for (const socket of this.sockets) socket.destroy()
  }

  private talk(socket: Socket): void {
    let open = false
    this.sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => this.sockets.delete(socket))
    socket.on('end', () => socket.end())
    socket.on('data', (bytes: Buffer) => {
      if (open) socket.write(bytes)
      else if (bytes.toString('latin1').includes('Upgrade: websocket')) {
        open = true
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      } else {
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n')
        this.streams.push(socket)
      }
    })
  }
}

const talker = await new Talker().start()
const configuration = (version: number): string => `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 2
access-log: off
services:
  talker: { instances: [http://127.0.0.1:${talker.port}], timeouts: { idle: 1s, first-byte: 5s } }
policies: [{ headers: { response: { set: { X-Version: "${version}" } } } }]
routes: { talk: { match: /talk, proxy: talker } }
`
const postern = await startPostern(configuration(0))
const admin = await Admin.of(postern)
after(async () => {
  talker.stop()
  await postern.stop()
})

const SHAKE = 'GET /talk HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
const LISTEN = 'GET /talk HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n'
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

async function metric(sample: string): Promise<number> {
  const text = await (await admin.fetch('/metrics')).text()
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${sample} `))
      ?.split(' ')
      .at(-1),
  )
}

test('the head of an event stream passes before anything follows it, and each event by itself', async () => {
  const client = await RawClient.connect(postern.port())
  await client.send(LISTEN)
  await client.until('\r\n\r\n')
  assert.match(client.received, /^HTTP\/1\.1 200 OK\r\n[^]*X-Version: 0\r\n[^]*\r\n\r\n$/)
  const [stream] = talker.streams.splice(0)
  for (const event of ['data: one\n\n', 'data: two\n\n']) {
    stream!.write(chunk(event))
    await client.until(chunk(event))
  }
  stream!.end('0\r\n\r\n')
  await client.until('0\r\n\r\n')
  client.close()
})

test('a thousand WebSockets and a thousand event streams outlive reload after reload, and longer silences than a body may have', async () => {
  let closed = 0
  const open = async (request: string, status: string) => {
    const socket = connect(postern.port(), '127.0.0.1').on('error', () => {})
    socket.on('close', () => closed++)
    socket.write(request)
    const [bytes] = await once(socket, 'data')
    assert.ok(String(bytes).startsWith(`HTTP/1.1 ${status}`), String(bytes))
    return socket
  }
  const all: Socket[] = []
  // In groups: the machine's bound of connections that wait to be accepted is not what is tried here.
  for (let i = 0; i < COUNT; i += 50)
    for (const [request, status] of [
      [SHAKE, '101'],
      [LISTEN, '200'],
    ] as const)
      all.push(...(await Promise.all(Array.from({ length: 50 }, () => open(request, status)))))
  await eventually(
    () => metric('postern_tunnels'),
    (tunnels) => tunnels === COUNT,
    'every tunnel is counted',
  )
  for (let version = 1; version <= 10; version++)
    assert.equal((await postern.reload(configuration(version)))['msg'], 'revision applied')
  // Ten reloads take more than the second of silence that a body is allowed.
  assert.equal(closed, 0)

  const before = await metric('postern_tunnel_bytes_total{direction="out"}')
  const answers = all.map(async (socket) => String((await once(socket, 'data'))[0]))
  for (const [i, socket] of all.entries()) if (i % 100 < 50) socket.write('ping')
  for (const stream of talker.streams) stream.write(chunk('data: x\n\n'))
  const texts = await Promise.all(answers)
  assert.equal(texts.filter((text) => text === 'ping').length, COUNT)
  assert.equal(texts.filter((text) => text === chunk('data: x\n\n')).length, COUNT)
  await eventually(
    () => metric('postern_tunnel_bytes_total{direction="out"}'),
    (bytes) => bytes === before + 4 * COUNT,
    'every byte through a tunnel is counted',
  )
  assert.equal(closed, 0)
  for (const socket of all) socket.destroy()
  await eventually(
    () => metric('postern_tunnels'),
    (tunnels) => tunnels === 0,
    'no tunnel is left',
  )
})
