/**
 * What HTTP/2 must not carry never becomes HTTP/1.1 (F16, RFC 9113 §8): the stream is reset with PROTOCOL_ERROR, nothing goes
 * upstream, one record says why, and the connection serves on.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { h2Requests } from '../../src/selftest/corpus/h2-requests.ts'
import {
  END_HEADERS,
  END_STREAM,
  type Fields,
  RawH2,
  TYPE,
  block,
  frame,
  get,
  pseudo,
} from '../../src/selftest/raw-h2.ts'
import { HERE } from './corpus.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()
const GET = pseudo('GET', '/a')
const OK = { reason: 'ok', status: 200 }

for (const { name, frames, code, reason, reaches } of h2Requests(HERE)) {
  test(`reset: ${name}`, async () => {
    const client = await RawH2.connect(rig.postern.port())
    client.send(frames())
    assert.equal(await client.reset(1), code)
    if (reaches === undefined) {
      assert.ok(!client.frames.some(({ type }) => type === TYPE.HEADERS), 'nothing is answered')
    }
    client.send(get(3, '/b'))
    assert.equal((await client.body(3)).toString(), 'ok', 'the connection serves on')
    client.close()
    const { requests, partial } = await rig.settle(name, [{ reason, status: 400 }, OK])
    const others = requests.filter(({ start }) => start !== 'GET /b HTTP/1.1')
    if (reaches !== 'whole') assert.deepEqual(others, [])
    if (reaches === undefined) assert.deepEqual(partial, [])
  })
}

test('what is well formed but not served here is answered', async () => {
  const client = await RawH2.connect(rig.postern.port())
  client.send(
    frame(
      TYPE.HEADERS,
      5,
      1,
      block([
        [':method', 'CONNECT'],
        [':authority', 'x:1'],
      ]),
    ),
  )
  assert.match((await client.body(1)).toString(), /"method-not-implemented"/)
  client.send(get(3, `/${'x'.repeat(9_000)}`))
  assert.match((await client.body(3)).toString(), /"target-too-long"/)
  const long: Fields = [
    ['x', 'y'.repeat(9_000)],
    ['z', 'y'.repeat(8_000)],
  ]
  client.send(
    frame(TYPE.HEADERS, END_STREAM, 5, block([...GET, ...long.slice(0, 1)])),
    frame(TYPE.CONTINUATION, END_HEADERS, 5, block(long.slice(1))),
  )
  assert.match((await client.body(5)).toString(), /"head-too-large"/)
  client.close()
  await rig.settle('not served', null)
})

rig.checkRecords()
