/** Fields that are about one connection end at the gateway, in both directions (RFC 9110 §7.6.1); CONNECT is nobody's to ask. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { fields } from '../../src/selftest/corpus/fields.ts'
import { HERE, requests } from './corpus.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

requests(
  rig,
  fields(HERE).filter(({ id }) => id === 'S1' || id === 'F13'),
)

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
