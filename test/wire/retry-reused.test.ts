/** When a request is tried again: only where nobody can have acted on it, or acting twice is the same as once (RFC 9110 §9.2.2). */
import assert from 'node:assert/strict'
import { type Socket, createServer } from 'node:net'
import { test } from 'node:test'
import { exchangeOnce } from '../../src/selftest/raw-client.ts'
import type { Script } from '../../src/selftest/recording-upstream.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isProblem } from './refused.ts'
import { Rig } from './rig.ts'

/** A port of 127.0.0.1 that nobody listens on. */
async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return typeof address === 'object' && address !== null ? address.port : 0
}

const dead = `http://127.0.0.1:${await deadPort()}`
const rig = await Rig.start({
  services: (url) => `
  half: { instances: [${dead}, ${url}] }
  none: { instances: [${dead}] }
`,
  routes: `
  half: { match: { path: /half }, proxy: half }
  none: { match: { path: /none }, proxy: none }
`,
})

await rig.settle('a first request, whose connection is kept', [])

const OK = { reason: 'ok', status: 200 }
const ANSWER = crlf('HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello')
const body = (method: string, path = '/a', ...lines: string[]): string =>
  crlf(`${method} ${path} HTTP/1.1⏎Host: a⏎${lines.map((line) => `${line}⏎`).join('')}Content-Length: 5⏎⏎hello`)
const bare = (method: string, path = '/a'): string => crlf(`${method} ${path} HTTP/1.1⏎Host: a⏎⏎`)

/** Answers the first request of a connection; a later one dies with its connection, as on one that was closed while idle. */
function diesWhenReused(die: (socket: Socket) => void): Script {
  return { answer: (socket, nth) => void (nth === 0 ? socket.write(ANSWER) : die(socket)) }
}
const deaths: readonly (readonly [string, (socket: Socket) => void])[] = [
  ['reset', (socket) => void socket.resetAndDestroy()],
  ['closed', (socket) => void socket.end()],
]

const LARGE = 'x'.repeat(70_000)
const largePut = crlf(`PUT /a HTTP/1.1⏎Host: a⏎Content-Length: ${LARGE.length}⏎⏎`) + LARGE
const largeChunks = crlf(
  `POST /a HTTP/1.1⏎Host: a⏎Idempotency-Key: k1⏎Transfer-Encoding: chunked⏎⏎${LARGE.length.toString(16)}⏎${LARGE}⏎0⏎⏎`,
)

for (const [how, die] of deaths) {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) {
    test(`${method} on a kept connection that is ${how}: tried again on a new one`, async () => {
      rig.upstream.script = diesWhenReused(die)
      const answer = await exchangeOnce(rig.postern.port(), bare(method), method)
      assert.equal(answer.status, 200)
      const row = `${method} ${how}`
      const { requests } = await rig.settle(row, [OK])
      assert.deepEqual(
        requests.map((request) => [request.method, request.nth === 0]),
        [
          [method, false],
          [method, true],
        ],
      )
    })
  }

  for (const [name, send, sent] of [
    ['PUT', body('PUT'), 'hello'],
    ['DELETE with a body', body('DELETE'), 'hello'],
    ['POST with an Idempotency-Key', body('POST', '/a', 'Idempotency-Key: k1'), 'hello'],
    ['POST with an Idempotency-Key and no body', crlf('POST /a HTTP/1.1⏎Host: a⏎Idempotency-Key: k1⏎⏎'), ''],
    [
      'PATCH in chunks with an Idempotency-Key',
      crlf('PATCH /a HTTP/1.1⏎Host: a⏎idempotency-key: k1⏎Transfer-Encoding: chunked⏎⏎2⏎he⏎3⏎llo⏎0⏎⏎'),
      'hello',
    ],
  ] as const) {
    test(`${name} on a kept connection that is ${how}: tried again, with its body`, async () => {
      rig.upstream.script = diesWhenReused(die)
      assert.equal((await exchangeOnce(rig.postern.port(), send)).status, 200)
      const { requests } = await rig.settle(`${name} ${how}`, [OK])
      assert.deepEqual(
        requests.map((request) => [request.body.toString(), request.nth === 0]),
        [
          [sent, false],
          [sent, true],
        ],
      )
    })
  }

  for (const [name, send] of [
    ['POST', body('POST')],
    ['POST without a body', bare('POST')],
    ['PATCH', body('PATCH')],
    ['POST in chunks', crlf('POST /a HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎')],
    ['POST with a key in chunks beyond what is kept', largeChunks],
    ['PUT whose body is beyond what is kept', largePut],
  ] as const) {
    test(`${name} on a kept connection that is ${how}: not tried again`, async () => {
      rig.upstream.script = diesWhenReused(die)
      isProblem(await exchangeOnce(rig.postern.port(), send), { status: 502, code: 'upstream-reset' })
      const { requests } = await rig.settle(`${name} ${how}`, [{ reason: 'upstream-reset', status: 502 }])
      assert.equal(requests.length, 1)
    })
  }
}

test('a connection that dies within its answer: not tried again', async () => {
  const partial = crlf('HTTP/1.1 200 OK⏎Content-Length: 50⏎⏎hello')
  rig.upstream.script = { answer: (socket) => void socket.write(partial, () => socket.resetAndDestroy()) }
  const client = await rig.connect()
  await client.send(bare('GET'))
  await client.closed()
  const { requests } = await rig.settle('within an answer', [{ reason: 'upstream-reset', status: 200 }])
  assert.equal(requests.length, 1)
})

for (const [name, send] of [
  ['GET', bare('GET')],
  ['POST', body('POST')],
  ['POST with an Idempotency-Key', body('POST', '/a', 'Idempotency-Key: k1')],
  ['PUT in chunks', crlf('PUT /a HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎')],
] as const) {
  test(`503 is an answer: passed on, not tried again: ${name}`, async () => {
    rig.upstream.script = { answer: crlf('HTTP/1.1 503 Busy⏎Retry-After: 1⏎Content-Length: 0⏎⏎') }
    assert.equal((await exchangeOnce(rig.postern.port(), send)).status, 503)
    const { requests } = await rig.settle(`503 ${name}`, [{ reason: 'ok', status: 503 }])
    assert.equal(requests.length, 1)
  })
}

for (const [name, send] of [
  ['GET', bare('GET', '/half')],
  ['POST', body('POST', '/half')],
  ['POST in chunks', crlf('POST /half HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎')],
] as const) {
  test(`${name} to an instance that refuses connections: the other one is asked`, async () => {
    for (let i = 0; i < 4; i++) assert.equal((await exchangeOnce(rig.postern.port(), send)).status, 200)
    const { requests } = await rig.settle(`${name}, one instance of two`, [OK, OK, OK, OK])
    assert.equal(requests.length, 4)
    if (name !== 'GET') for (const request of requests) assert.equal(request.body.toString(), 'hello')
  })
}

test('nobody listens: 502, and the client can go on', async () => {
  const client = await rig.connect()
  await client.send(bare('GET', '/none'))
  isProblem(await client.response(), { status: 502, code: 'upstream-unreachable' })
  await client.send(bare('GET'))
  assert.equal((await client.response()).status, 200)
  client.close()
  await rig.settle('nobody listens', [{ reason: 'upstream-unreachable', status: 502 }, OK])
})

rig.checkRecords()

test('records count the tries', () => {
  const records = rig.postern.records()
  assert.ok(records.some((record) => record['method'] === 'GET' && record['path'] === '/a' && record['tries'] === 2))
  const posts = records.filter((record) => record['method'] === 'POST' && record['path'] === '/a')
  assert.ok(posts.length > 0)
  // Those with a key, on two kinds of dead connection.
  assert.equal(posts.filter(({ tries }) => tries === 2).length, 4)
})
