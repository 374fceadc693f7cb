/** What costs a client of HTTP/2 little and a gateway much, and what breaks the rules of a connection (S10, RFC 9113 §5.4.1, §10.5). */
import { END_HEADERS, END_STREAM, TYPE, block, frame, initialWindow, pseudo, requests, uint32 } from '../raw-h2.ts'
import type { H2Row, Place } from './row.ts'

const ABOUT = { id: 'S10', source: 'RFC 9113 §10.5', ends: 'connection' } as const
const [PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, COMPRESSION_ERROR, CALM] = [1, 3, 6, 9, 11]

/** The connection ends with it when patience is at an end. */
const many = (count: number, make: (i: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i)))
const rst = (id: number) => frame(TYPE.RST_STREAM, 0, id, uint32(8))

/** What floods ask for. Some of it reaches an upstream, and may do so when the row is long over. */
export const FLOOD = '/flood'

type AbuseRow = readonly [name: string, frames: () => Buffer, code: number]

function rows(place: Place): readonly AbuseRow[] {
  const { get, post } = requests(place, FLOOD)
  const head = pseudo('GET', place.path + FLOOD, place)
  return [
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
        many(2_000, (i) =>
          Buffer.concat([get(2 * i + 1), frame(TYPE.WINDOW_UPDATE, 0, 2 * i + 1, uint32(0x7fffffff))]),
        ),
      CALM,
    ],
    [
      'made you reset, by data after the end',
      () => many(2_000, (i) => Buffer.concat([get(2 * i + 1), frame(TYPE.DATA, 0, 2 * i + 1, 'x')])),
      CALM,
    ],
    ['malformed requests', () => many(2_000, (i) => get(2 * i + 1, `${FLOOD} b`)), CALM],
    ['more requests at a time than allowed, again and again', () => many(2_000, (i) => post(2 * i + 1)), CALM],
    [
      'CONTINUATION without an end',
      () =>
        Buffer.concat([
          frame(TYPE.HEADERS, END_STREAM, 1, block(head)),
          many(100, () => frame(TYPE.CONTINUATION, 0, 1, block([['x', 'y']]))),
        ]),
      CALM,
    ],
    [
      'empty CONTINUATION',
      () =>
        Buffer.concat([
          frame(TYPE.HEADERS, END_STREAM, 1, block(head)),
          many(100, () => frame(TYPE.CONTINUATION, 0, 1)),
        ]),
      CALM,
    ],
    [
      'large CONTINUATION',
      () =>
        Buffer.concat([
          frame(TYPE.HEADERS, END_STREAM, 1, block(head)),
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
      () => Buffer.concat([frame(TYPE.HEADERS, END_STREAM, 1, block(head)), frame(TYPE.PING, 0, 0, Buffer.alloc(8))]),
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
      () => frame(TYPE.HEADERS, 5, 1, Buffer.concat([Buffer.from([0x3f, 0xe2, 0x1f]), block(head)])),
      COMPRESSION_ERROR,
    ],
    [
      'an entry that the table does not have',
      () => frame(TYPE.HEADERS, 5, 1, Buffer.from([0xff, 0x00])),
      COMPRESSION_ERROR,
    ],
    ['a window opened beyond its bound', () => frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(0x7fffffff)), FLOW_CONTROL_ERROR],
  ]
}

/** They need an upstream that does not answer meanwhile. */
const UNANSWERED = new Set(['DATA of no bytes', 'DATA of padding only'])

export function h2Abuse(place: Place): H2Row[] {
  const all: H2Row[] = []
  for (const [name, frames, code] of rows(place)) {
    const row = { ...ABOUT, name, frames, code, reason: code === CALM ? 'connection-abused' : 'protocol-violated' }
    all.push(UNANSWERED.has(name) ? { ...row, unanswered: true } : row)
  }
  return all
}
