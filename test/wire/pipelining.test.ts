/** Several requests on one connection: answered in order, each for itself, and none after the last that counts (RFC 9112 §9.3). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { forwardings } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isRefusal } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()
const OK = { reason: 'ok', status: 200 }

const get = (path: string, ...lines: string[]): string =>
  crlf(`GET ${path} HTTP/1.1⏎Host: a⏎${lines.map((line) => line + '⏎').join('')}⏎`)

/** Answers each request with its own target, some turns later. */
const echo = {
  answer: (socket: { write(text: string): unknown }) => {
    const { target } = rig.upstream.requests.at(-1)!
    void turn().then(() =>
      turn().then(() => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`)),
    )
  },
}

forwardings(rig, [
  {
    name: 'two requests in one packet',
    send: get('/1') + get('/2'),
    upstream: [{ start: 'GET /1 HTTP/1.1' }, { start: 'GET /2 HTTP/1.1' }],
  },
  {
    name: 'bodies between them',
    send:
      'POST /1 HTTP/1.1⏎Host: a⏎Content-Length: 3⏎⏎abc' +
      'POST /2 HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎3⏎def⏎0⏎⏎' +
      'GET /3 HTTP/1.1⏎Host: a⏎⏎' +
      'PUT /4 HTTP/1.1⏎Host: a⏎Content-Length: 3⏎⏎ghi',
    upstream: [
      { start: 'POST /1 HTTP/1.1', body: 'abc' },
      { start: 'POST /2 HTTP/1.1', body: 'def', framing: 'chunked' },
      { start: 'GET /3 HTTP/1.1' },
      { start: 'PUT /4 HTTP/1.1', body: 'ghi' },
    ],
  },
  {
    name: 'the second head cut in two',
    send: [get('/1') + 'GET /2 HT', 'TP/1.1⏎Host: a⏎⏎'],
    upstream: [{ start: 'GET /1 HTTP/1.1' }, { start: 'GET /2 HTTP/1.1' }],
  },
])

test('answers keep the order of the requests', async () => {
  rig.upstream.script = echo
  const client = await rig.connect()
  const paths = Array.from({ length: 50 }, (_, i) => `/${i}`)
  await client.send(paths.map((path) => get(path)).join(''))
  for (const path of paths) assert.equal((await client.response()).body.toString(), path)
  client.close()
  const { requests } = await rig.settle(
    'order',
    paths.map(() => OK),
  )
  assert.deepEqual(
    requests.map(({ target }) => target),
    paths,
  )
})

test('a request and garbage: the first is answered, then the connection ends', async () => {
  const client = await rig.connect()
  await client.send(get('/1') + 'garbage\r\n\r\n' + get('/smuggled'))
  assert.equal((await client.response()).status, 200)
  isRefusal(await client.response(), { status: 400, code: 'malformed-request' })
  assert.equal((await client.closed()).rest, '')
  client.close()
  const { requests, partial } = await rig.settle('garbage behind', [OK, { reason: 'malformed-request', status: 400 }])
  assert.deepEqual([requests.map(({ target }) => target), partial], [['/1'], []])
})

test('a request and one whose framing is ambiguous', async () => {
  const client = await rig.connect()
  await client.send(get('/1') + get('/smuggled', 'Content-Length: 1', 'Transfer-Encoding: chunked'))
  assert.equal((await client.response()).status, 200)
  isRefusal(await client.response(), { status: 400, code: 'ambiguous-framing' })
  assert.equal((await client.closed()).rest, '')
  client.close()
  const { requests, partial } = await rig.settle('ambiguity behind', [OK, { reason: 'ambiguous-framing', status: 400 }])
  assert.deepEqual([requests.map(({ target }) => target), partial], [['/1'], []])
})

for (const [name, first] of [
  ['Connection: close', get('/1', 'Connection: close')],
  ['HTTP/1.0', 'GET /1 HTTP/1.0\r\nHost: a\r\n\r\n'],
  ['close among other options', get('/1', 'Connection: foo, CLOSE , bar')],
  ['close and keep-alive on two lines', get('/1', 'Connection: close', 'Connection: keep-alive')],
] as const) {
  test(`nothing after the last request counts: ${name}`, async () => {
    const client = await rig.connect()
    await client.send(first + get('/2'))
    assert.equal((await client.response()).status, 200)
    assert.equal((await client.closed()).rest, '')
    client.close()
    const { requests, partial } = await rig.settle(name, [OK])
    assert.deepEqual([requests.map(({ target }) => target), partial], [['/1'], []])
  })
}

rig.checkRecords()
