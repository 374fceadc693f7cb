/** `Connection` names fields to drop (RFC 9110 §7.6.1), and must not be a way to take away framing, Host or identity. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { forwardings, sawExactly } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()
const NEXT = 'GET /b HTTP/1.1⏎Host: b⏎⏎'
const next = { start: 'GET /b HTTP/1.1', lines: ['Host: b'] }

forwardings(rig, [
  {
    name: 'fields it names are dropped, whatever their case',
    send: 'GET /a HTTP/1.1⏎X-One: 1⏎Host: a⏎Connection: keep-alive, x-one ,X-TWO⏎x-two: 2⏎X-Three: 3⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a', 'X-Three: 3'] }],
  },
  {
    name: 'on two lines',
    send: 'GET /a HTTP/1.1⏎Host: a⏎Connection: X-One⏎X-One: 1⏎CONNECTION: X-Two⏎X-Two: 2⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
  {
    name: 'every twin of a field it names',
    send: 'GET /a HTTP/1.1⏎Host: a⏎X-One: 1⏎Connection: X-One⏎x-one: 2⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
  {
    name: 'empty options and fields that are not there',
    send: 'GET /a HTTP/1.1⏎Host: a⏎Connection: , ,X-Absent,,⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
  {
    name: 'Content-Length stays',
    send: `POST /a HTTP/1.1⏎Host: a⏎Connection: Content-Length⏎Content-Length: 35⏎⏎GET /smuggled HTTP/1.1⏎Host: a⏎⏎${NEXT}`,
    upstream: [{ start: 'POST /a HTTP/1.1', lines: ['Host: a'], body: crlf('GET /smuggled HTTP/1.1⏎Host: a⏎⏎') }, next],
  },
  {
    name: 'Transfer-Encoding stays',
    send: `POST /a HTTP/1.1⏎Host: a⏎Connection: Transfer-Encoding⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎${NEXT}`,
    upstream: [{ start: 'POST /a HTTP/1.1', lines: ['Host: a'], body: 'hello', framing: 'chunked' }, next],
  },
  {
    name: 'Host stays',
    send: `GET /a HTTP/1.1⏎Host: a⏎Connection: Host⏎⏎${NEXT}`,
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }, next],
  },
  {
    name: 'Authorization and Cookie stay',
    send: 'GET /a HTTP/1.1⏎Host: a⏎Connection: Authorization, cookie⏎Authorization: Basic eDp5⏎Cookie: a=b⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a', 'Authorization: Basic eDp5', 'Cookie: a=b'] }],
  },
  {
    name: 'our own forwarded lines stay, the client’s go',
    send:
      'GET /a HTTP/1.1⏎Host: a⏎Connection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host⏎' +
      'X-Forwarded-For: 203.0.113.7⏎X-Forwarded-Proto: https⏎X-Forwarded-Host: evil⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
  {
    name: 'Connection itself',
    send: 'GET /a HTTP/1.1⏎Host: a⏎Connection: Connection⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
])

test('close and a field together: the field is dropped and the connection ends', async () => {
  const client = await rig.connect()
  await client.send(crlf(`GET /a HTTP/1.1⏎Host: a⏎Connection: close, X-Internal-Auth⏎X-Internal-Auth: 1⏎⏎${NEXT}`))
  assert.deepEqual(valuesOf(await client.response(), 'connection'), ['close'])
  assert.equal((await client.closed()).rest, '')
  client.close()
  const { requests } = await rig.settle('close and a field', [{ reason: 'ok', status: 200 }])
  assert.equal(requests.length, 1)
  sawExactly(requests[0]!, { start: 'GET /a HTTP/1.1', lines: ['Host: a'] })
})

test('an answer’s Connection takes its fields away too, but never the framing', async () => {
  rig.upstream.script = {
    answer: crlf(
      'HTTP/1.1 200 OK⏎X-One: 1⏎Connection: X-One, Content-Length, keep-alive⏎Content-Length: 5⏎X-Two: 2⏎⏎hello',
    ),
  }
  const client = await rig.connect()
  await client.send(crlf('GET /a HTTP/1.1⏎Host: a⏎⏎'))
  const answer = await client.response()
  assert.equal(answer.body.toString(), 'hello')
  assert.deepEqual([valuesOf(answer, 'x-one'), valuesOf(answer, 'x-two')], [[], ['2']])
  assert.deepEqual(valuesOf(answer, 'content-length'), ['5'])
  client.close()
  await rig.settle('an answer', [{ reason: 'ok', status: 200 }])
})

rig.checkRecords()
