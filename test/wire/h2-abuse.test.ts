/**
 * What costs a client little and us much ends the connection (S10, RFC 9113 §10.5): GOAWAY, a record that says why, nothing kept, and
 * everybody else served meanwhile.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  END_HEADERS,
  END_STREAM,
  RawH2,
  TYPE,
  block,
  frame,
  get,
  initialWindow,
  post,
  pseudo,
  uint32,
} from '../support/raw-h2.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({ routes: '  free: { match: { path: /free/* }, body-max: 0, proxy: up }' })
const [PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, COMPRESSION_ERROR, CALM] = [
  1, 3, 5, 6, 9, 11,
]

const many = (count: number, make: (i: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i)))
const rst = (id: number) => frame(TYPE.RST_STREAM, 0, id, uint32(8))

/** Frames, and the code that the connection ends with. */
const ROWS: readonly (readonly [name: string, frames: () => Buffer, code: number])[] = [
  ['rapid reset (CVE-2023-44487)', () => many(2_000, (i) => Buffer.concat([get(2 * i + 1), rst(2 * i + 1)])), CALM],
  // The client makes us reset: each stream's window is opened by nothing, or by too much (CVE-2025-8671).
  [
    'made you reset, by a window of nothing',
    () => many(2_000, (i) => Buffer.concat([get(2 * i + 1), frame(TYPE.WINDOW_UPDATE, 0, 2 * i + 1, uint32(0))])),
    CALM,
  ],
  [
    'made you reset, by a window too large',
    () =>
      many(2_000, (i) => Buffer.concat([get(2 * i + 1), frame(TYPE.WINDOW_UPDATE, 0, 2 * i + 1, uint32(0x7fffffff))])),
    CALM,
  ],
  [
    'made you reset, by data after the end',
    () => many(2_000, (i) => Buffer.concat([get(2 * i + 1), frame(TYPE.DATA, 0, 2 * i + 1, 'x')])),
    CALM,
  ],
  ['malformed requests', () => many(2_000, (i) => get(2 * i + 1, '/a b')), CALM],
  ['more requests at a time than allowed, again and again', () => many(2_000, (i) => post(2 * i + 1)), CALM],
  [
    'CONTINUATION without an end',
    () =>
      Buffer.concat([
        frame(TYPE.HEADERS, END_STREAM, 1, block(pseudo('GET', '/a'))),
        many(100, () => frame(TYPE.CONTINUATION, 0, 1, block([['x', 'y']]))),
      ]),
    CALM,
  ],
  [
    'empty CONTINUATION',
    () =>
      Buffer.concat([
        frame(TYPE.HEADERS, END_STREAM, 1, block(pseudo('GET', '/a'))),
        many(100, () => frame(TYPE.CONTINUATION, 0, 1)),
      ]),
    CALM,
  ],
  [
    'large CONTINUATION',
    () =>
      Buffer.concat([
        frame(TYPE.HEADERS, END_STREAM, 1, block(pseudo('GET', '/a'))),
        many(3, () => frame(TYPE.CONTINUATION, 0, 1, Buffer.alloc(16_000))),
      ]),
    CALM,
  ],
  ['SETTINGS', () => many(3_000, () => frame(TYPE.SETTINGS, 0, 0)), CALM],
  [
    'settings in one frame',
    () =>
      frame(
        TYPE.SETTINGS,
        0,
        0,
        many(100, () => Buffer.from([0, 5, 0, 0, 64, 0])),
      ),
    CALM,
  ],
  ['PING', () => many(3_000, () => frame(TYPE.PING, 0, 0, Buffer.alloc(8))), CALM],
  ['PRIORITY', () => many(3_000, () => frame(TYPE.PRIORITY, 0, 1, Buffer.alloc(5))), CALM],
  ['frames of no known type', () => many(3_000, () => frame(99, 0, 0)), CALM],
  ['DATA of no bytes', () => Buffer.concat([post(1), many(3_000, () => frame(TYPE.DATA, 0, 1))]), CALM],
  [
    'DATA of padding only',
    () => Buffer.concat([post(1), many(3_000, () => frame(TYPE.DATA, 8, 1, Buffer.from([1, 0])))]),
    CALM,
  ],
  ['WINDOW_UPDATE', () => many(10_000, () => frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(1))), CALM],
  [
    'a block that is broken',
    () => frame(TYPE.HEADERS, 5, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])),
    COMPRESSION_ERROR,
  ],
  ['a frame too large', () => frame(TYPE.DATA, 0, 1, Buffer.alloc(16_385)), FRAME_SIZE_ERROR],
  ['a stream of ours', () => get(2), PROTOCOL_ERROR],
  ['DATA on no stream', () => frame(TYPE.DATA, 0, 0, 'x'), PROTOCOL_ERROR],
  ['DATA on a stream that never was', () => frame(TYPE.DATA, 0, 7, 'x'), PROTOCOL_ERROR],
  ['a reset of a stream that never was', () => rst(7), PROTOCOL_ERROR],
  [
    'a frame within a head',
    () =>
      Buffer.concat([
        frame(TYPE.HEADERS, END_STREAM, 1, block(pseudo('GET', '/a'))),
        frame(TYPE.PING, 0, 0, Buffer.alloc(8)),
      ]),
    PROTOCOL_ERROR,
  ],
  ['CONTINUATION without a head', () => frame(TYPE.CONTINUATION, END_HEADERS, 1), PROTOCOL_ERROR],
  ['PUSH_PROMISE', () => frame(TYPE.PUSH_PROMISE, END_HEADERS, 1, uint32(2)), PROTOCOL_ERROR],
  [
    'padding beyond the frame',
    () => Buffer.concat([post(1), frame(TYPE.DATA, 8, 1, Buffer.from([9, 0]))]),
    PROTOCOL_ERROR,
  ],
  [
    'a setting of a window beyond its bound',
    () => frame(TYPE.SETTINGS, 0, 0, initialWindow(0x80000000)),
    FLOW_CONTROL_ERROR,
  ],
  [
    'a setting that opens a window of a stream beyond its bound',
    () =>
      Buffer.concat([
        post(1),
        frame(TYPE.WINDOW_UPDATE, 0, 1, uint32(0x70000000)),
        frame(TYPE.SETTINGS, 0, 0, initialWindow(0x7fffffff)),
      ]),
    FLOW_CONTROL_ERROR,
  ],
  ['a setting that is no switch', () => frame(TYPE.SETTINGS, 0, 0, Buffer.from([0, 2, 0, 0, 0, 2])), PROTOCOL_ERROR],
  ['settings of an odd length', () => frame(TYPE.SETTINGS, 0, 0, Buffer.alloc(5)), FRAME_SIZE_ERROR],
  ['an acknowledgement with a payload', () => frame(TYPE.SETTINGS, 1, 0, Buffer.alloc(6)), FRAME_SIZE_ERROR],
  [
    'a table larger than was allowed',
    () => frame(TYPE.HEADERS, 5, 1, Buffer.concat([Buffer.from([0x3f, 0xe2, 0x1f]), block(pseudo('GET', '/a'))])),
    COMPRESSION_ERROR,
  ],
  [
    'an entry that the table does not have',
    () => frame(TYPE.HEADERS, 5, 1, Buffer.from([0xff, 0x00])),
    COMPRESSION_ERROR,
  ],
  ['a window opened beyond its bound', () => frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(0x7fffffff)), FLOW_CONTROL_ERROR],
]
const SILENT = new Set(['DATA of no bytes', 'DATA of padding only'])

for (const [name, frames, code] of ROWS) {
  test(`GOAWAY: ${name}`, async () => {
    // An upstream that never takes a body, where bodies are what is sent.
    if (SILENT.has(name)) rig.upstream.script = { on: 'connection', answer: (socket) => void socket.pause() }
    const before = rig.postern.records().length
    const client = await RawH2.connect(rig.postern.port())
    client.send(frames())
    assert.equal(await client.goaway(), code)
    const wanted = code === CALM ? 'connection-abused' : 'protocol-violated'
    await rig.postern.waitForLine(
      () =>
        rig.postern
          .records()
          .slice(before)
          .some(({ reason }) => reason === wanted),
      wanted,
    )
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
