/** The judge judged: the raw client and the recording upstream, put face to face without a gateway between them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RawClient, exchangeOnce } from './raw-client.ts'
import { NotHttp, readRequest, readResponse, written } from './raw-message.ts'
import { RecordingUpstream, ok } from './recording-upstream.ts'

test('records each request in its own case and order, and answers it', async (t) => {
  const upstream = await RecordingUpstream.start(ok('hello'))
  t.after(() => upstream.close())
  const client = await RawClient.connect(upstream.port)
  await client.dribble('POST /a HTTP/1.1\r\nhOsT: a\r\nX-One: 1\r\nContent-Length: 3\r\n\r\nabc')
  await client.send('POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nd', 'ef\r\n0\r\nX: y\r\n\r\nGET')
  assert.equal((await client.response()).body.toString(), 'hello')
  assert.equal((await client.response()).status, 200)
  const [first, second] = upstream.requests
  assert.equal(first?.start, 'POST /a HTTP/1.1')
  assert.deepEqual(written(first.lines), ['hOsT: a', 'X-One: 1', 'Content-Length: 3'])
  assert.equal(first.body.toString(), 'abc')
  assert.equal(second?.body.toString(), 'def')
  assert.deepEqual(second.trailers, [['X', 'y']])
  assert.equal(second.nth, 1)
  await upstream.until(() => upstream.open[0]?.partial === 'GET' || undefined, 'the start of a third request')
  client.reset()
  await upstream.until(() => upstream.connections[0]?.over === 'reset' || undefined, 'a reset')
})

test('answers early, by function, and breaks off', async (t) => {
  const upstream = await RecordingUpstream.start({
    on: 'head',
    answer: (socket) =>
      void socket.write('HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n', () => socket.resetAndDestroy()),
  })
  t.after(() => upstream.close())
  const client = await RawClient.connect(upstream.port)
  await client.send('POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc')
  assert.equal((await client.response()).status, 413)
  assert.equal((await client.closed()).how, 'reset')
  assert.equal(upstream.requests.length, 0)
})

test('carries other bytes after a tunnel opens, half by half', async (t) => {
  const upstream = await RecordingUpstream.start({
    tunnel: true,
    answer: (socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\nearly')
      socket.on('end', () => socket.end('late'))
    },
  })
  t.after(() => upstream.close())
  const client = await RawClient.connect(upstream.port)
  await client.send('GET / HTTP/1.1\r\n\r\nfirst bytes')
  assert.equal((await client.response()).status, 101)
  assert.equal(await client.take(5), 'early')
  client.end()
  assert.deepEqual(await client.closed(), { how: 'end', rest: 'late' })
  assert.equal(upstream.connections[0]?.partial, 'first bytes')
})

test('reads an answer to the end of its framing and no further', async (t) => {
  const upstream = await RecordingUpstream.start({
    answer: (socket) => socket.end('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 \r\n\r\nuntil the end'),
  })
  t.after(() => upstream.close())
  const answer = await exchangeOnce(upstream.port, 'GET / HTTP/1.0\r\n\r\n')
  assert.deepEqual([answer.status, answer.framing, answer.body.toString()], [200, 'close', 'until the end'])
})

for (const bytes of [
  'HTTP/1.1 200 OK\r\nA : b\r\n\r\n',
  'HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n',
  'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc',
  'HTTP/2 200\r\n\r\n',
]) {
  test(`forgives nothing: ${JSON.stringify(bytes)}`, () => {
    assert.throws(() => readResponse(Buffer.from(bytes, 'latin1'), 0, 'GET', true), NotHttp)
  })
}

test('waits for the rest of a message', () => {
  const whole = Buffer.from('PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n')
  for (let end = 0; end < whole.length; end++) assert.equal(readRequest(whole.subarray(0, end), 0), null)
  assert.equal(readRequest(whole, 0)?.next, whole.length)
})
