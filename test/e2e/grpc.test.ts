/** gRPC through the gateway: the reference implementation on both sides must not notice it, and hears its refusals in its own words. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import { GrpcClient, GrpcService } from '../support/grpc.ts'
import { startPostern } from '../support/postern.ts'

const service = await GrpcService.start()
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
services:
  echo: { instances: [http://127.0.0.1:${service.port}], protocol: h2c }
  nobody: { instances: [http://127.0.0.1:1], protocol: h2c }
consumers:
  app: { credentials: [{ api-key: an-app-key-0123456789 }] }
routes:
  echo: { match: { path: /test.Echo/*, methods: [POST] }, body-max: 0, proxy: echo }
  keyed: { match: { path: /test.Keyed/* }, policies: [key-auth], proxy: echo }
  limited: { match: { path: /test.Limited/* }, policies: [{ rate-limit: { limit: 1, per: 1h, by: ip } }], proxy: nobody }
  small: { match: { path: /test.Small/* }, body-max: 10, proxy: echo }
`)
const client = new GrpcClient(postern.port())
after(async () => {
  client.client.close()
  await postern.stop()
  service.close()
})

test('unary: message, metadata and trailers', async () => {
  const metadata = new grpc.Metadata()
  metadata.set('x-in', 'value')
  metadata.set('x-bytes-bin', Buffer.from([0, 255, 10]))
  const { code, body, head, trailers } = await client.unary('/test.Echo/Unary', 'hello', {}, metadata)
  assert.deepEqual([code, body, head, trailers.get('x-trailer')], [grpc.status.OK, 'hello', '1', ['2']])
  const { metadata: heard } = service.heard.at(-1)!
  assert.deepEqual([heard.get('x-in'), heard.get('x-bytes-bin')], [['value'], [Buffer.from([0, 255, 10])]])
})

test('a large message', async () => {
  const message = Buffer.alloc(2_000_000, 'abcdefg')
  assert.equal((await client.unary('/test.Echo/Unary', message)).body, message.toString())
})

test('many at a time', async () => {
  const results = await Promise.all(Array.from({ length: 300 }, (_, i) => client.unary('/test.Echo/Unary', `n${i}`)))
  assert.deepEqual(
    results.map(({ body }) => body),
    results.map((_, i) => `n${i}`),
  )
})

test('an error of the service: a status without an answer before it', async () => {
  const { code, details, trailers } = await client.unary('/test.Echo/Unary', 'refuse')
  assert.deepEqual([code, details, trailers.get('x-why')], [grpc.status.FAILED_PRECONDITION, 'no: äöü', ['asked for']])
  const missing = await client.unary('/test.Echo/Missing', 'x')
  assert.equal(missing.code, grpc.status.UNIMPLEMENTED)
})

test('streams of the client, of the service, and of both', async () => {
  assert.equal(await client.collect(['a', 'b', 'c']), 'abc')
  const repeated: string[] = []
  const stream = client.repeat('n')
  stream.on('data', (one: Buffer) => repeated.push(one.toString()))
  await once(stream, 'end')
  assert.deepEqual(repeated, ['n0', 'n1', 'n2', 'n3', 'n4'])
  const chat = client.chat()
  for (const word of ['one', 'two', 'three']) {
    chat.write(Buffer.from(word))
    const [answer] = await once(chat, 'data')
    assert.equal(String(answer), `re: ${word}`)
  }
  chat.end()
  const [status] = await once(chat, 'status')
  assert.equal(Reflect.get(status, 'code'), grpc.status.OK)
})

test('the client’s deadline holds at the gateway, and the service hears it', async () => {
  const { code } = await client.unary('/test.Echo/Unary', 'silence', { deadline: Date.now() + 300 })
  assert.equal(code, grpc.status.DEADLINE_EXCEEDED)
  await postern.waitForRecord(
    ({ reason, path }) => path === '/test.Echo/Unary' && (reason === 'upstream-timeout' || reason === 'client-abort'),
  )
  assert.ok(Number(service.heard.at(-1)!.deadline) < Date.now() + 300)
})

test('a client that cancels: the service hears of it', async () => {
  const stream = client.repeat('open')
  stream.on('error', () => {})
  await once(stream, 'data')
  const heard = service.heard.at(-1)!
  stream.cancel()
  await postern.waitForRecord(({ path, reason }) => path === '/test.Echo/Repeat' && reason === 'client-abort')
  while (!heard.cancelled) await new Promise((resolve) => setImmediate(resolve))
})

test('refusals of the gateway are gRPC’s', async () => {
  const rows: (readonly [path: string, message: string, code: grpc.status, details: string])[] = [
    ['/test.Unknown/Unary', 'x', grpc.status.UNIMPLEMENTED, 'route-not-found'],
    ['/test.Keyed/Unary', 'x', grpc.status.UNAUTHENTICATED, 'credential-missing'],
    ['/test.Limited/Unary', 'x', grpc.status.UNAVAILABLE, 'upstream-unreachable'],
    ['/test.Limited/Unary', 'x', grpc.status.RESOURCE_EXHAUSTED, 'rate-limited'],
    ['/test.Small/Unary', 'more than ten bytes', grpc.status.RESOURCE_EXHAUSTED, 'body-too-large'],
  ]
  for (const [path, message, code, details] of rows) {
    const result = await client.unary(path, message)
    assert.deepEqual([path, result.code, result.details], [path, code, details])
  }
})
