/** An upstream that answers before it has the whole request: the client gets the answer, and that upstream connection serves nobody else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { type Script } from '../../src/selftest/recording-upstream.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({ routes: '  large: { match: { path: /large }, body-max: 0, proxy: up }' })

const UPLOAD = Buffer.alloc(4_000_000, 'u')
const LENGTH = crlf(`POST /large HTTP/1.1⏎Host: a⏎Content-Length: ${UPLOAD.length}⏎⏎`)
const CHUNKED = crlf('POST /large HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎')
const CHUNK = Buffer.concat([Buffer.from('8000\r\n'), Buffer.alloc(0x8000, 'u'), Buffer.from('\r\n')])
const CHUNKS = Buffer.concat(Array.from({ length: 100 }, () => CHUNK))

interface Early {
  readonly name: string
  readonly answer: Script['answer']
  readonly status: number
}

const answers: readonly Early[] = [
  {
    name: '413, then close',
    status: 413,
    answer: (socket) => socket.end(crlf('HTTP/1.1 413 Content Too Large⏎Connection: close⏎Content-Length: 3⏎⏎big')),
  },
  {
    name: '200 on a connection it would keep',
    status: 200,
    answer: crlf('HTTP/1.1 200 OK⏎Content-Length: 3⏎⏎big'),
  },
  {
    name: '200, reading no more',
    status: 200,
    answer: (socket) => {
      socket.pause()
      socket.write(crlf('HTTP/1.1 200 OK⏎Content-Length: 3⏎⏎big'))
    },
  },
  {
    name: '401 in chunks',
    status: 401,
    answer: crlf('HTTP/1.1 401 Unauthorized⏎Transfer-Encoding: chunked⏎⏎3⏎big⏎0⏎⏎'),
  },
]

for (const { name, answer, status } of answers) {
  for (const [framing, head, body] of [
    ['a length', LENGTH, UPLOAD],
    ['chunks', CHUNKED, CHUNKS],
  ] as const) {
    test(`${name}, to a body of ${framing} under way`, async () => {
      rig.upstream.script = { on: 'head', answer }
      const client = await rig.connect()
      await client.send(head, body.subarray(0, 1_000_000))
      const response = await client.response()
      assert.deepEqual([response.status, response.body.toString()], [status, 'big'])
      if (valuesOf(response, 'connection').includes('close')) assert.equal((await client.closed()).rest, '')
      client.close()
      const { requests, partial } = await rig.settle(`${name}, ${framing}`, [{ reason: 'ok', status }])
      assert.deepEqual(requests, [], 'complete requests upstream')
      assert.equal(partial.length, 1)
      partial[0]!.socket.resume()
      await rig.upstream.until(() => (partial[0]!.over === 'no' ? undefined : true), 'the end of that connection')
    })
  }
}

test('an answer and then a reset: the client has the answer or none, never half of one', async () => {
  rig.upstream.script = {
    on: 'head',
    answer: (socket) =>
      void socket.write(crlf('HTTP/1.1 200 OK⏎Content-Length: 3⏎⏎big'), () => socket.resetAndDestroy()),
  }
  const client = await rig.connect()
  await client.send(LENGTH, UPLOAD)
  // A reset may overtake the answer on the way to the gateway: then there was none.
  const response = await client.response()
  assert.ok([200, 502].includes(response.status), String(response.status))
  client.close()
  const record = { 200: { reason: 'ok', status: 200 }, 502: { reason: 'upstream-reset', status: 502 } }
  const { requests } = await rig.settle('reset behind an answer', [record[response.status === 200 ? 200 : 502]])
  assert.deepEqual(requests, [])
})

test('a whole upload is answered by whoever reads it all', async () => {
  const client = await rig.connect()
  await client.send(LENGTH, UPLOAD)
  assert.equal((await client.response()).status, 200)
  client.close()
  const { requests } = await rig.settle('a whole upload', [{ reason: 'ok', status: 200 }])
  assert.ok(requests[0]!.body.equals(UPLOAD))
})

rig.checkRecords()
