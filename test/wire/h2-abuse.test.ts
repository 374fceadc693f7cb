/**
 * What costs a client little and us much ends the connection (S10, RFC 9113 §10.5): GOAWAY, a record that says why, nothing kept, and
 * everybody else served meanwhile.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { h2Abuse } from '../../src/selftest/corpus/h2-abuse.ts'
import { END_HEADERS, END_STREAM, RawH2, TYPE, block, frame, get, pseudo, uint32 } from '../../src/selftest/raw-h2.ts'
import { HERE } from './corpus.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()
const STREAM_CLOSED = 5
const rst = (id: number) => frame(TYPE.RST_STREAM, 0, id, uint32(8))

for (const { name, frames, code, reason, unanswered } of h2Abuse(HERE)) {
  test(`GOAWAY: ${name}`, async () => {
    // An upstream that never takes a body, where bodies are what is sent.
    if (unanswered) rig.upstream.script = { on: 'connection', answer: (socket) => void socket.pause() }
    const before = rig.postern.records().length
    const client = await RawH2.connect(rig.postern.port())
    client.send(frames())
    assert.equal(await client.goaway(), code)
    const isRecorded = () =>
      rig.postern
        .records()
        .slice(before)
        .some((one) => one['reason'] === reason)
    await rig.postern.waitForLine(isRecorded, reason)
    client.close()
    await rig.settle(name, null)
  })
}

test('an HPACK bomb: entries of the table said a thousand times over are refused without being held', async () => {
  const client = await RawH2.connect(rig.postern.port())
  // A literal with indexing of 3.9 KB, then its index for the rest of the frame.
  const value = Buffer.alloc(3_900, 'v')
  const literal = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x'), Buffer.from([0x7f, 0xbd, 0x1d]), value])
  const bomb = Buffer.concat([block(pseudo('GET', '/a')), literal, Buffer.alloc(12_000, 0xbe)])
  client.send(frame(TYPE.HEADERS, END_STREAM | END_HEADERS, 1, bomb))
  assert.match((await client.body(1)).toString(), /"head-too-large"/)
  client.send(get(3))
  assert.equal((await client.body(3)).toString(), 'ok', 'the table is still in step')
  client.close()
  await rig.settle('a bomb', null)
})

test('a closed stream that goes on is not mistaken for another', async () => {
  const client = await RawH2.connect(rig.postern.port())
  client.send(get(1))
  await client.body(1)
  client.send(
    frame(TYPE.DATA, END_STREAM, 1, 'late'),
    frame(TYPE.HEADERS, 5, 1, block([['x', 'y']])),
    rst(1),
    get(3, '/b'),
  )
  assert.equal((await client.body(3)).toString(), 'ok')
  assert.notEqual(client.frames.find(({ type }) => type === TYPE.GOAWAY)?.payload.readUInt32BE(4), STREAM_CLOSED)
  client.close()
  const { requests } = await rig.settle('closed', null)
  assert.deepEqual(
    requests.map(({ start, body }) => [start, body.length]),
    [
      ['GET /a HTTP/1.1', 0],
      ['GET /b HTTP/1.1', 0],
    ],
  )
})

test('a busy connection that does its work is no abuse', async () => {
  const client = await RawH2.connect(rig.postern.port())
  for (let id = 1; id < 2_000; id += 2) {
    client.send(get(id), frame(TYPE.PING, 0, 0, Buffer.alloc(8)))
    if (id % 100 === 99) await client.body(id)
  }
  assert.equal((await client.body(1_999)).toString(), 'ok')
  client.close()
  await rig.settle('busy', null)
})
