/** Answers of upstreams that are broken, hostile or merely odd: never believed twice, never somebody else's (RFC 9112 §4, §6.3). */
import { setImmediate as turn } from 'node:timers/promises'
import type { Socket } from 'node:net'
import { crlf } from '../notation.ts'
import { type AnswerRow, group } from './row.ts'

type Row = Omit<AnswerRow, 'id' | 'source'>

/** Sends these bytes, and then does what ends the connection. */
function sends(text: string, then: (socket: Socket) => void) {
  return (socket: Socket): void => void socket.write(crlf(text), 'latin1', () => then(socket))
}
const closes = (socket: Socket): void => void socket.end()
const resets = (socket: Socket): void => void socket.resetAndDestroy()
const SMUGGLED = 'HTTP/1.1 200 OK⏎Content-Length: 8⏎⏎smuggled'

const INVALID = { bad: 'upstream-invalid' } as const
const RESET = { bad: 'upstream-reset', method: 'POST' } as const
const SHORT = { cut: { status: 200, reason: 'upstream-reset' } } as const
const BROKEN = { cut: { status: 200, reason: 'upstream-invalid' } } as const
/** After it the connection must not be used again. */
const LAST = { passed: { status: 200, body: 'hello', ends: true } } as const
const HELLO = { passed: { status: 200, body: 'hello' } } as const
const NOTHING = { passed: { status: 204, body: '' } } as const
const EMPTY = { passed: { status: 200, body: '' } } as const

/** F14: an answer that is none, or is two. */
const INVALID_ANSWERS = group<Row>('F14', 'RFC 9112 §6.3', [
  { name: 'two lengths that differ', answer: 'HTTP/1.1 200 OK⏎Content-Length: 5⏎Content-Length: 3⏎⏎hello', ...INVALID },
  {
    name: 'two lengths that agree',
    answer: 'HTTP/1.1 200 OK⏎Content-Length: 5⏎Content-Length: 5⏎⏎hello',
    ...INVALID,
    ...HELLO,
  },
  { name: 'a list of lengths', answer: 'HTTP/1.1 200 OK⏎Content-Length: 5, 5⏎⏎hello', ...INVALID, ...HELLO },
  { name: 'a length with a sign', answer: 'HTTP/1.1 200 OK⏎Content-Length: +5⏎⏎hello', ...INVALID },
  { name: 'a length in hex', answer: 'HTTP/1.1 200 OK⏎Content-Length: 0x5⏎⏎hello', ...INVALID },
  { name: 'an empty length', answer: 'HTTP/1.1 200 OK⏎Content-Length:⏎⏎hello', ...INVALID },
  {
    name: 'a length and a coding',
    answer: 'HTTP/1.1 200 OK⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎',
    ...INVALID,
    ...HELLO,
  },
  { name: 'an unknown coding', answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: xchunked⏎⏎5⏎hello⏎0⏎⏎', ...INVALID },
  { name: 'a coding before chunked', answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: gzip, chunked⏎⏎0⏎⏎', ...INVALID },
  { name: 'a coding in HTTP/1.0', answer: 'HTTP/1.0 200 OK⏎Transfer-Encoding: chunked⏎⏎0⏎⏎', ...INVALID },
  {
    name: 'two codings',
    answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎Transfer-Encoding: chunked⏎⏎0⏎⏎',
    ...INVALID,
  },
  { name: 'garbage before the status line', answer: 'garbage⏎HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎', ...INVALID },
  { name: 'an empty line before the status line', answer: '⏎HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎', ...INVALID },
  { name: 'garbage alone', answer: 'garbage', ...INVALID },
  { name: 'the status line of another protocol', answer: 'ICY 200 OK⏎Content-Length: 0⏎⏎', ...INVALID },
  { name: 'HTTP/2 in letters', answer: 'HTTP/2 200 OK⏎⏎', ...INVALID },
  { name: 'a status of two digits', answer: 'HTTP/1.1 99 Low⏎Content-Length: 0⏎⏎', ...INVALID },
  { name: 'a status of four digits', answer: 'HTTP/1.1 2000 High⏎Content-Length: 0⏎⏎', ...INVALID },
  { name: 'a status above 599', answer: 'HTTP/1.1 999 High⏎Content-Length: 0⏎⏎', ...INVALID },
  { name: 'a status that is no number', answer: 'HTTP/1.1 2x0 OK⏎Content-Length: 0⏎⏎', ...INVALID },
  { name: 'a line feed alone', answer: 'HTTP/1.1 200 OK\nContent-Length: 0⏎⏎', ...INVALID, ...EMPTY },
  { name: 'a fold', answer: 'HTTP/1.1 200 OK⏎X: y⏎ z⏎Content-Length: 0⏎⏎', ...INVALID, ...EMPTY },
  { name: 'a NUL in a value', answer: 'HTTP/1.1 200 OK⏎X: y\x00⏎Content-Length: 0⏎⏎', ...INVALID },
  { name: 'a space before a colon', answer: 'HTTP/1.1 200 OK⏎Content-Length : 0⏎⏎', ...INVALID },
  { name: 'a line without a colon', answer: 'HTTP/1.1 200 OK⏎X⏎Content-Length: 0⏎⏎', ...INVALID },
  {
    name: 'a head of 64 KB',
    answer: `HTTP/1.1 200 OK⏎X: ${'y'.repeat(65_536)}⏎Content-Length: 0⏎⏎`,
    ...INVALID,
    ...EMPTY,
  },
  {
    name: 'a head of 500 lines',
    answer: `HTTP/1.1 200 OK⏎${'X: y⏎'.repeat(500)}Content-Length: 0⏎⏎`,
    ...INVALID,
    ...EMPTY,
  },
  { name: '1000 interim answers', answer: 'HTTP/1.1 103 Early Hints⏎⏎'.repeat(1_000) + SMUGGLED, ...INVALID },
  { name: '1000 times 100', answer: 'HTTP/1.1 100 Continue⏎⏎'.repeat(1_000) + SMUGGLED, ...INVALID },
  {
    name: '101 that nobody asked for',
    answer: 'HTTP/1.1 101 Switching Protocols⏎Upgrade: websocket⏎Connection: Upgrade⏎⏎',
    ...INVALID,
  },
  { name: '204 with a length', answer: 'HTTP/1.1 204 No Content⏎Content-Length: 5⏎⏎hello', ...INVALID, ...NOTHING },
  {
    name: '204 in chunks',
    answer: 'HTTP/1.1 204 No Content⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎',
    ...INVALID,
    ...NOTHING,
  },
  {
    name: 'an interim answer with a length',
    answer: 'HTTP/1.1 103 Early Hints⏎Content-Length: 5⏎⏎hello' + SMUGGLED,
    ...INVALID,
  },
])

/** F14: no answer. The method is one that must not be repeated. */
const NO_ANSWERS = group<Row>('F14', 'RFC 9112 §8', [
  { name: 'a close instead of an answer', answer: closes, ...RESET },
  { name: 'a reset instead of an answer', answer: resets, ...RESET },
  { name: 'a close in the status line', answer: sends('HTTP/1.1 20', closes), ...RESET },
  { name: 'a close in the head', answer: sends('HTTP/1.1 200 OK⏎Content-Length: 5⏎', closes), ...RESET },
  { name: 'a reset in the head', answer: sends('HTTP/1.1 200 OK⏎Content-Le', resets), ...RESET },
  { name: 'a close after an interim answer', answer: sends('HTTP/1.1 103 Early Hints⏎⏎', closes), ...RESET },
])

/** F14: an answer that breaks off. */
const CUT_ANSWERS = group<Row>('F14', 'RFC 9112 §8', [
  {
    name: 'a body shorter than its length',
    answer: sends('HTTP/1.1 200 OK⏎Content-Length: 10⏎⏎hello', closes),
    ...SHORT,
  },
  { name: 'a reset within a body', answer: sends('HTTP/1.1 200 OK⏎Content-Length: 10⏎⏎hello', resets), ...SHORT },
  {
    name: 'a close before the first byte of a body',
    answer: sends('HTTP/1.1 200 OK⏎Content-Length: 10⏎⏎', closes),
    ...SHORT,
  },
  {
    name: 'chunks without the last',
    answer: sends('HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎', closes),
    ...SHORT,
  },
  {
    name: 'a close within a chunk',
    answer: sends('HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hel', closes),
    ...SHORT,
  },
  {
    name: 'a close within the last chunk',
    answer: sends('HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎', closes),
    ...SHORT,
  },
  {
    name: 'a reset within a body that ends with the connection',
    answer: sends('HTTP/1.1 200 OK⏎⏎hello', (socket) => void turn().then(() => socket.resetAndDestroy())),
    ...SHORT,
  },
  { name: 'a chunk size that is none', answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎x⏎⏎', ...BROKEN },
  {
    name: 'a chunk longer than its size',
    answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello!⏎0⏎⏎',
    ...BROKEN,
  },
  {
    name: 'a chunk ended by a line feed',
    answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5\nhello⏎0⏎⏎',
    ...BROKEN,
  },
])

/** F14: an answer that stands, whatever hangs on to it. */
const PASSED_ANSWERS = group<Row>('F14', 'RFC 9112 §6.3', [
  {
    name: 'a length',
    answer: 'HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello',
    passed: { status: 200, body: 'hello', lines: ['Content-Length: 5'] },
  },
  {
    name: 'chunks',
    answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5;a=b⏎hello⏎0⏎X: y⏎⏎',
    ...HELLO,
  },
  {
    name: 'lines in their own case and order',
    answer: 'HTTP/1.1 299 Odd⏎sErVeR: x⏎Set-Cookie: a=1⏎X-Y: z⏎SET-COOKIE: b=2⏎Content-Length: 0⏎⏎',
    passed: { status: 299, body: '', lines: ['sErVeR: x', 'Set-Cookie: a=1', 'X-Y: z', 'SET-COOKIE: b=2'] },
  },
  { name: 'an empty reason', answer: 'HTTP/1.1 200 ⏎Content-Length: 5⏎⏎hello', ...HELLO },
  {
    name: 'more bytes than the length says',
    answer: `HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello, you`,
    ...LAST,
  },
  {
    name: 'a second answer behind the first',
    answer: `HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello${SMUGGLED}`,
    ...LAST,
  },
  {
    name: 'a second answer behind the last chunk',
    answer: `HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎${SMUGGLED}`,
    ...LAST,
  },
  {
    name: 'a body that ends with the connection',
    answer: sends('HTTP/1.1 200 OK⏎⏎hello', closes),
    ...LAST,
  },
  {
    name: 'HTTP/1.0 with a length',
    answer: 'HTTP/1.0 200 OK⏎Content-Length: 5⏎⏎hello',
    ...LAST,
  },
  {
    name: 'HTTP/1.0 until the end of the connection',
    answer: sends('HTTP/1.0 200 OK⏎⏎hello', closes),
    ...LAST,
  },
  {
    name: 'Connection: close',
    answer: 'HTTP/1.1 200 OK⏎Connection: close⏎Content-Length: 5⏎⏎hello',
    ...LAST,
  },
  {
    name: 'in many pieces',
    answer: (socket) => {
      const bytes = crlf('HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎')
      void (async () => {
        for (const byte of bytes) {
          socket.write(byte)
          await turn()
        }
      })()
    },
    ...HELLO,
  },
])

/** S2: answers before the answer. */
const INTERIM_ANSWERS = group<Row>('S2', 'RFC 9110 §15.2', [
  {
    name: 'interim answers before it',
    answer: 'HTTP/1.1 102 Processing⏎⏎HTTP/1.1 103 Early Hints⏎Link: </a>⏎⏎HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello',
    passed: { status: 200, body: 'hello', interim: [102, 103] },
  },
  {
    name: 'the same one twice',
    answer: 'HTTP/1.1 103 Early Hints⏎⏎'.repeat(2) + 'HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello',
    passed: { status: 200, body: 'hello', interim: [103, 103] },
  },
])

/** S4: answers without a body, whatever they say. */
const BODILESS_ANSWERS = group<Row>('S4', 'RFC 9110 §6.4.1', [
  {
    name: 'HEAD with the length of what it stands for',
    method: 'HEAD',
    answer: 'HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎',
    passed: { status: 200, body: '', lines: ['Content-Length: 5'] },
  },
  {
    name: 'HEAD in chunks',
    method: 'HEAD',
    answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎',
    passed: { status: 200, body: '' },
  },
  {
    name: 'HEAD with a body all the same',
    method: 'HEAD',
    answer: `HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello`,
    passed: { status: 200, body: '', ends: true },
  },
  { name: '204', answer: 'HTTP/1.1 204 No Content⏎⏎', passed: { status: 204, body: '' } },
  {
    name: '204 with a body all the same',
    answer: `HTTP/1.1 204 No Content⏎⏎${SMUGGLED}`,
    passed: { status: 204, body: '', ends: true },
  },
  {
    name: '304 with the length of what it stands for',
    answer: 'HTTP/1.1 304 Not Modified⏎Content-Length: 5⏎ETag: "a"⏎⏎',
    passed: { status: 304, body: '', lines: ['ETag: "a"'] },
  },
  {
    name: '304 with a body all the same',
    answer: `HTTP/1.1 304 Not Modified⏎ETag: "a"⏎Content-Length: 5⏎⏎hello`,
    passed: { status: 304, body: '', ends: true },
  },
])

/** F14, S2, S4. */
export const ANSWERS: readonly AnswerRow[] = [
  ...INVALID_ANSWERS,
  ...NO_ANSWERS,
  ...CUT_ANSWERS,
  ...PASSED_ANSWERS,
  ...INTERIM_ANSWERS,
  ...BODILESS_ANSWERS,
]
