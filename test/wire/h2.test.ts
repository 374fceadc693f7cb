/** HTTP/2 on the client's leg is the same exchange as on HTTP/1.1: judged by Node's own client, and by what the upstream was sent. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { buffer } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { valuesOf, written } from '../../src/selftest/raw-message.ts'
import { ask, connectH2 } from '../support/h2.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { Rig, clientLines } from './rig.ts'

const rig = await Rig.start({
  routes:
    '  small: { match: { path: /small/* }, body-max: 1000, proxy: up }\n  free: { match: { path: /free/* }, body-max: 0, proxy: up }',
})
const OK = { reason: 'ok', status: 200 }
const session = connectH2(rig.postern.port())
after(() => session.destroy())

const answer = (text: string) => ({ answer: crlf(text) })

test('a request without a body', async () => {
  rig.upstream.script = answer(
    'HTTP/1.1 201 Made⏎X-One: 1⏎Connection: x-two⏎X-Two: 2⏎Set-Cookie: a=1⏎Set-Cookie: b=2⏎Content-Length: 5⏎⏎hello',
  )
  const { status, headers, body } = await ask(session, {
    ':path': '/a?b=c',
    'x-in': 'In',
    cookie: ['a=1', 'b=2'],
    'x-all': '!"#%&()*+,-./:;<=>?@[]^_`{|}~ ABCXYZ',
  })
  assert.deepEqual([status, body.toString(), headers['x-one'], headers['x-two']], [201, 'hello', '1', undefined])
  assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2'])
  const { requests } = await rig.settle('a request', [{ reason: 'ok', status: 201 }])
  assert.equal(requests[0]!.start, 'GET /a?b=c HTTP/1.1')
  assert.deepEqual(
    clientLines(requests[0]!).filter((line) => !/^(?:TE|Connection)/.test(line)),
    [
      `host: 127.0.0.1:${rig.postern.port()}`,
      'x-in: In',
      'x-all: !"#%&()*+,-./:;<=>?@[]^_`{|}~ ABCXYZ',
      'cookie: a=1; b=2',
    ],
  )
  assert.deepEqual(
    valuesOf(requests[0]!, 'via').map((via) => via.split(' ')[0]),
    ['2'],
  )
})

test('bodies of known and unknown length, trailers both ways, an answer in chunks', async () => {
  rig.upstream.script = answer(
    'HTTP/1.1 200 OK⏎Trailer: X-Sum⏎Transfer-Encoding: chunked⏎⏎3⏎hel⏎2⏎lo⏎0⏎X-Sum: 5⏎Set-Cookie: no⏎⏎',
  )
  const known = await ask(session, { ':method': 'POST', ':path': '/a', 'content-length': 4 }, 'four')
  const unknown = await ask(session, { ':method': 'POST', ':path': '/b' }, 'five5', {
    'x-up': '1',
    authorization: 'no',
  })
  for (const one of [known, unknown]) {
    assert.deepEqual(
      [one.body.toString(), one.trailers['x-sum'], one.trailers['set-cookie']],
      ['hello', '5', undefined],
    )
  }
  const { requests } = await rig.settle('bodies', [OK, OK])
  assert.deepEqual(
    requests.map((one) => [one.framing, one.body.toString(), written(one.trailers)]),
    [
      ['length', 'four', []],
      ['chunked', 'five5', ['x-up: 1']],
    ],
  )
})

test('answers without a body, and HEAD', async () => {
  rig.upstream.script = answer('HTTP/1.1 204 No Content⏎⏎')
  assert.equal((await ask(session, { ':path': '/a' })).status, 204)
  rig.upstream.script = answer('HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎')
  const head = await ask(session, { ':method': 'HEAD', ':path': '/b' })
  assert.deepEqual([head.headers['content-length'], head.body.length], ['5', 0])
  await rig.settle('no body', [{ reason: 'ok', status: 204 }, OK])
})

test('interim answers are passed on, and 100 once', async () => {
  rig.upstream.script = answer(
    'HTTP/1.1 103 Early Hints⏎Link: </a>⏎⏎HTTP/1.1 103 Early Hints⏎⏎HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok',
  )
  assert.deepEqual((await ask(session, { ':path': '/a' })).interim, [103, 103])
  rig.upstream.script = { on: 'head', answer: crlf('HTTP/1.1 100 Continue⏎⏎HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok') }
  const expecting = session.request({ ':method': 'POST', ':path': '/b', expect: '100-continue' })
  await once(expecting, 'continue')
  expecting.end('body')
  assert.equal((await buffer(expecting)).toString(), 'ok')
  await rig.settle('interim', null)
})

test('a hundred and more at a time, each with its own', async () => {
  rig.upstream.script = {
    answer: (socket) =>
      void socket.write(
        `HTTP/1.1 200 OK\r\nContent-Length: ${rig.upstream.requests.at(-1)!.target.length}\r\n\r\n${rig.upstream.requests.at(-1)!.target}`,
      ),
  }
  const answers = await Promise.all(Array.from({ length: 250 }, (_, i) => ask(session, { ':path': `/n/${i}` })))
  for (const [i, { body }] of answers.entries()) assert.equal(body.toString(), `/n/${i}`)
  await rig.settle(
    'many',
    answers.map(() => OK),
  )
})

const LARGE = Buffer.alloc(3_000_001, 'abcdefghijklmnopqrstuvw')

test('large bodies, both ways at once, several at a time', async () => {
  rig.upstream.script = {
    answer: (socket) =>
      void socket.write(
        Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE.length}\r\n\r\n`), LARGE]),
      ),
  }
  const answers = await Promise.all(
    [1, 2, 3].map((i) => ask(session, { ':method': 'POST', ':path': `/free/${i}` }, LARGE)),
  )
  for (const { body } of answers) assert.ok(body.equals(LARGE))
  const { requests } = await rig.settle(
    'large',
    answers.map(() => OK),
  )
  for (const { body } of requests) assert.ok(body.equals(LARGE))
})

test('a client that does not read holds up its own answer only', async () => {
  const slow = session.request({ ':path': '/free/slow' })
  rig.upstream.script = {
    answer: (socket) =>
      void socket.write(
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE.length * 4}\r\n\r\n`),
          LARGE,
          LARGE,
          LARGE,
          LARGE,
        ]),
      ),
  }
  await new Promise((resolve) => slow.once('response', resolve))
  await turn()
  const writable = () => rig.upstream.connections.at(-1)!.socket.writableLength
  rig.upstream.script = answer('HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok')
  assert.equal((await ask(session, { ':path': '/quick' })).body.toString(), 'ok')
  assert.ok(
    rig.upstream.connections.some(({ socket }) => socket.writableLength > 1_000_000) || writable() > 1_000_000,
    'the upstream waits',
  )
  assert.equal((await buffer(slow)).length, LARGE.length * 4)
  await rig.settle('slow', [OK, OK])
})

test('too large a body is refused, said beforehand or not', async () => {
  const said = await ask(
    session,
    { ':method': 'POST', ':path': '/small/a', 'content-length': 2_000 },
    Buffer.alloc(2_000),
  )
  assert.equal(said.status, 413)
  const unsaid = await ask(session, { ':method': 'POST', ':path': '/small/b' }, Buffer.alloc(2_000))
  assert.equal(unsaid.status, 413)
  await rig.settle('too large', null)
})

test('a client that leaves takes its request upstream with it', async () => {
  rig.upstream.script = { answer: () => {} }
  const stream = session.request({ ':path': '/left' })
  stream.on('error', () => {})
  const request = await rig.upstream.until(
    () => rig.upstream.requests.find(({ target }) => target === '/left'),
    'the request',
  )
  stream.close(8)
  await rig.upstream.until(() => (request.connection.over === 'no' ? undefined : true), 'its end')
  await rig.postern.waitForRecord(
    ({ path, reason, status }) => path === '/left' && reason === 'client-abort' && status === 499,
  )
  await rig.settle('left', null)
})

test('an upstream that breaks off: the answer is cut, and cannot be taken for whole', async () => {
  rig.upstream.script = { answer: (socket) => void socket.end(crlf('HTTP/1.1 200 OK⏎Content-Length: 50⏎⏎begun')) }
  await assert.rejects(ask(session, { ':path': '/cut' }), /INTERNAL_ERROR/)
  rig.upstream.script = { answer: (socket) => void socket.destroy() }
  const refused = await ask(session, { ':path': '/gone', ':method': 'POST' }, 'x')
  assert.deepEqual([refused.status, JSON.parse(refused.body.toString()).code], [502, 'upstream-reset'])
  await rig.settle('breaks off', null)
})

test('no route is told as on HTTP/1.1', async () => {
  const { status, headers } = await ask(session, { ':path': '/a/%00' })
  assert.deepEqual([status, headers['content-type']], [400, 'application/problem+json'])
  await rig.settle('no route', null)
})

test('the whole time one connection did', () => {
  assert.ok(!session.closed && !session.destroyed)
})
