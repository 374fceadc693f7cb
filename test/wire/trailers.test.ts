/** Trailers go on to those who can read them, and say nothing there that belongs before a body (RFC 9110 §6.5, RFC 9112 §7.1.2). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf, written } from '../../src/selftest/raw-message.ts'
import { forwardings } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({
  routes: `
  decided:
    match: { path: /decided/* }
    policies:
      - headers:
          request: { set: { X-Tenant: ours }, remove: [X-Internal] }
          response: { set: { X-Frame: DENY }, remove: [X-Secret] }
    proxy: up`,
})
const OK = { reason: 'ok', status: 200 }
const HEAD = 'POST /a HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎'
const FORBIDDEN =
  'Content-Length: 9⏎Transfer-Encoding: identity⏎Host: evil⏎Trailer: x⏎Connection: close⏎Authorization: Basic eDp5⏎' +
  'Proxy-Authorization: Basic eDp5⏎Cookie: a=b⏎Set-Cookie: a=b⏎Content-Type: text/html⏎Content-Encoding: gzip⏎' +
  'Cache-Control: public⏎X-Forwarded-For: 6.6.6.6⏎X_Under: 1⏎Expect: 100-continue⏎Location: /x⏎TE: gzip⏎'
const whole = { start: 'POST /a HTTP/1.1', body: 'hello', framing: 'chunked' } as const

forwardings(rig, [
  {
    name: 'trailers of a request, announced',
    send: `${HEAD}Trailer: X-Sum, X-More⏎⏎5⏎hello⏎0⏎X-Sum: 5⏎X-More: \t a b \t⏎⏎`,
    upstream: [{ ...whole, lines: ['Host: a', 'Trailer: X-Sum, X-More'], trailers: ['X-Sum: 5', 'X-More: a b'] }],
  },
  {
    name: 'trailers of a request, not announced',
    send: `${HEAD}⏎5⏎hello⏎0⏎X-Sum: 5⏎⏎`,
    upstream: [{ ...whole, lines: ['Host: a'], trailers: ['X-Sum: 5'] }],
  },
  {
    name: 'what may not be said there is neither announced nor sent',
    send: `${HEAD}Trailer: Host, X-Sum, content-length⏎⏎5⏎hello⏎0⏎${FORBIDDEN}X-Sum: 5⏎⏎GET /b HTTP/1.1⏎Host: b⏎⏎`,
    upstream: [
      { ...whole, lines: ['Host: a', 'Trailer: X-Sum'], trailers: ['X-Sum: 5'] },
      { start: 'GET /b HTTP/1.1', lines: ['Host: b'] },
    ],
  },
  {
    name: 'nor are they announced where nothing can follow',
    send: 'POST /a HTTP/1.1⏎Host: a⏎Trailer: X-Sum⏎Content-Length: 5⏎⏎hello',
    upstream: [{ ...whole, framing: 'length', lines: ['Host: a'] }],
  },
  {
    name: 'what a policy decided about the head stays decided',
    send: `${HEAD.replace('/a', '/decided/a')}⏎5⏎hello⏎0⏎x-tenant: theirs⏎X-INTERNAL: 1⏎X-Sum: 5⏎⏎`,
    upstream: [{ ...whole, start: 'POST /decided/a HTTP/1.1', trailers: ['X-Sum: 5'] }],
  },
])

const ANSWER = `HTTP/1.1 200 OK⏎Trailer: X-Sum, Set-Cookie⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎${FORBIDDEN}X-Sum: 5⏎x-secret: 1⏎⏎`

/** The trailers, and what announces them, of an answer that has some. */
async function answered(send: string): Promise<{ announced: string[]; trailers: string[]; te: string[] }> {
  rig.upstream.script = { answer: crlf(ANSWER) }
  const client = await rig.connect()
  await client.send(crlf(send))
  const answer = await client.response()
  assert.equal(answer.body.toString(), 'hello')
  client.close()
  const request = rig.upstream.requests.at(-1)!
  await rig.settle(send, [OK])
  return {
    announced: valuesOf(answer, 'trailer'),
    trailers: written(answer.trailers),
    te: valuesOf(request, 'te').concat(valuesOf(request, 'connection')),
  }
}

test('trailers of an answer go to a client that reads them, and the upstream is told so', async () => {
  for (const te of ['trailers', 'Trailers', 'gzip, trailers', 'trailers , deflate;q=0.5']) {
    assert.deepEqual(await answered(`GET /a HTTP/1.1⏎Host: a⏎Connection: TE⏎TE: ${te}⏎⏎`), {
      announced: ['X-Sum'],
      trailers: ['X-Sum: 5', 'x-secret: 1'],
      te: ['trailers', 'TE'],
    })
  }
})

test('and to no other', async () => {
  for (const lines of ['', 'TE: gzip⏎', 'TE: trailersX⏎', 'TE: trailers;q=0⏎'])
    assert.deepEqual(await answered(`GET /a HTTP/1.1⏎Host: a⏎${lines}⏎`), { announced: [], trailers: [], te: [] })
})

test('what a policy took out of an answer does not come back behind it', async () => {
  const { trailers } = await answered('GET /decided/a HTTP/1.1⏎Host: a⏎TE: trailers⏎⏎')
  assert.deepEqual(trailers, ['X-Sum: 5'])
})

rig.checkRecords()
