/** Fields that are about one connection end at the gateway, in both directions (RFC 9110 §7.6.1); CONNECT is nobody's to ask. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { forwardings } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { refusals } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

forwardings(rig, [
  {
    name: 'every field about the connection is dropped, what stands between stays',
    send:
      'GET /a HTTP/1.1⏎X-1: 1⏎Connection: keep-alive⏎Keep-Alive: timeout=5⏎Host: a⏎Proxy-Connection: keep-alive⏎X-2: 2⏎TE: gzip⏎' +
      'Trailer: X-3⏎Upgrade: foo/2⏎Proxy-Authorization: Basic eDp5⏎Proxy-Authenticate: Basic⏎X-3: 3⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['X-1: 1', 'Host: a', 'X-2: 2', 'X-3: 3'] }],
  },
  {
    name: 'whatever their case',
    send: 'GET /a HTTP/1.1⏎Host: a⏎CONNECTION: Keep-Alive⏎KEEP-ALIVE: timeout=5⏎uPGRADE: foo⏎tRAILER: x⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
  {
    name: 'an upgrade to h2c is not asked for upstream',
    send: 'GET /a HTTP/1.1⏎Host: a⏎Connection: Upgrade, HTTP2-Settings⏎Upgrade: h2c⏎HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
  {
    name: 'an upgrade to h2c that Connection does not name',
    send: 'GET /a HTTP/1.1⏎Host: a⏎Upgrade: h2c⏎HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
])

const REFUSED = { status: 501, code: 'method-not-implemented' }
refusals(rig, [
  { name: 'CONNECT to another host', send: 'CONNECT x:1 HTTP/1.1⏎Host: x:1⏎⏎', ...REFUSED },
  { name: 'CONNECT with a path', send: 'CONNECT /a HTTP/1.1⏎Host: a⏎⏎', ...REFUSED },
  {
    name: 'CONNECT with a body that is a request',
    send: 'CONNECT x:1 HTTP/1.1⏎Host: x:1⏎Content-Length: 35⏎⏎GET /smuggled HTTP/1.1⏎Host: a⏎⏎',
    ...REFUSED,
  },
])

test('of an answer too', async () => {
  rig.upstream.script = {
    answer: crlf(
      'HTTP/1.1 200 OK⏎X-1: 1⏎Connection: keep-alive⏎Keep-Alive: timeout=5⏎Proxy-Connection: keep-alive⏎X-2: 2⏎Trailer: X-3⏎' +
        'Upgrade: h2c⏎Proxy-Authenticate: Basic⏎TE: gzip⏎Content-Length: 5⏎X-3: 3⏎⏎hello',
    ),
  }
  const client = await rig.connect()
  await client.send(crlf('GET /a HTTP/1.1⏎Host: a⏎⏎'))
  const answer = await client.response()
  assert.equal(answer.body.toString(), 'hello')
  assert.deepEqual(
    answer.lines.map(([name]) => name).filter((name) => !['Date', 'Server', 'Via'].includes(name)),
    ['X-1', 'X-2', 'Content-Length', 'X-3'],
  )
  client.close()
  await rig.settle('an answer', [{ reason: 'ok', status: 200 }])
})

test('a kept-alive answer to HTTP/1.0 says so, in our words', async () => {
  rig.upstream.script = { answer: crlf('HTTP/1.1 200 OK⏎Keep-Alive: timeout=5⏎Content-Length: 5⏎⏎hello') }
  const client = await rig.connect()
  await client.send(crlf('GET /a HTTP/1.0⏎Host: a⏎Connection: keep-alive⏎⏎'))
  const answer = await client.response()
  assert.deepEqual(valuesOf(answer, 'connection'), ['keep-alive'])
  assert.deepEqual(valuesOf(answer, 'keep-alive'), [])
  client.close()
  await rig.settle('HTTP/1.0', [{ reason: 'ok', status: 200 }])
})

rig.checkRecords()
