/** `Connection` names fields to drop (RFC 9110 §7.6.1), and must not be a way to take away framing, Host or identity. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { fields } from '../../src/selftest/corpus/fields.ts'
import { HERE, requests } from './corpus.ts'
import { sawExactly } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()
const NEXT = 'GET /b HTTP/1.1⏎Host: b⏎⏎'

requests(
  rig,
  fields(HERE).filter(({ id }) => id === 'F10'),
)

test('close and a field together: the field is dropped and the connection ends', async () => {
  const client = await rig.connect()
  await client.send(crlf(`GET /a HTTP/1.1⏎Host: a⏎Connection: close, X-Internal-Auth⏎X-Internal-Auth: 1⏎⏎${NEXT}`))
  assert.deepEqual(valuesOf(await client.response(), 'connection'), ['close'])
  assert.equal((await client.closed()).rest, '')
  client.close()
  const trace = await rig.settle('close and a field', [{ reason: 'ok', status: 200 }])
  assert.equal(trace.requests.length, 1)
  sawExactly(trace.requests[0]!, { start: 'GET /a HTTP/1.1', lines: ['Host: a'] })
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
