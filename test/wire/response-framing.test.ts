/** Answers of upstreams that are broken, hostile or merely odd: never believed twice, never somebody else's answer (RFC 9112 §4, §6.3). */
import { setImmediate as turn } from 'node:timers/promises'
import type { Socket } from 'node:net'
import { badGateways, cuts, passes } from './answers.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

/** Sends these bytes, and then does what ends the connection. */
function sends(text: string, then: (socket: Socket) => void) {
  return (socket: Socket): void => void socket.write(crlf(text), 'latin1', () => then(socket))
}
const closes = (socket: Socket): void => void socket.end()
const resets = (socket: Socket): void => void socket.resetAndDestroy()
const SMUGGLED = 'HTTP/1.1 200 OK⏎Content-Length: 8⏎⏎smuggled'

badGateways(rig, 'upstream-invalid', [
  { name: 'two lengths that differ', answer: 'HTTP/1.1 200 OK⏎Content-Length: 5⏎Content-Length: 3⏎⏎hello' },
  { name: 'two lengths that agree', answer: 'HTTP/1.1 200 OK⏎Content-Length: 5⏎Content-Length: 5⏎⏎hello' },
  { name: 'a list of lengths', answer: 'HTTP/1.1 200 OK⏎Content-Length: 5, 5⏎⏎hello' },
  { name: 'a length with a sign', answer: 'HTTP/1.1 200 OK⏎Content-Length: +5⏎⏎hello' },
  { name: 'a length in hex', answer: 'HTTP/1.1 200 OK⏎Content-Length: 0x5⏎⏎hello' },
  { name: 'an empty length', answer: 'HTTP/1.1 200 OK⏎Content-Length:⏎⏎hello' },
  {
    name: 'a length and a coding',
    answer: 'HTTP/1.1 200 OK⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎',
  },
  { name: 'an unknown coding', answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: xchunked⏎⏎5⏎hello⏎0⏎⏎' },
  { name: 'a coding before chunked', answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: gzip, chunked⏎⏎0⏎⏎' },
  { name: 'a coding in HTTP/1.0', answer: 'HTTP/1.0 200 OK⏎Transfer-Encoding: chunked⏎⏎0⏎⏎' },
  {
    name: 'two codings',
    answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎Transfer-Encoding: chunked⏎⏎0⏎⏎',
  },
  { name: 'garbage before the status line', answer: 'garbage⏎HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎' },
  { name: 'an empty line before the status line', answer: '⏎HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎' },
  { name: 'garbage alone', answer: 'garbage' },
  { name: 'the status line of another protocol', answer: 'ICY 200 OK⏎Content-Length: 0⏎⏎' },
  { name: 'HTTP/2 in letters', answer: 'HTTP/2 200 OK⏎⏎' },
  { name: 'a status of two digits', answer: 'HTTP/1.1 99 Low⏎Content-Length: 0⏎⏎' },
  { name: 'a status of four digits', answer: 'HTTP/1.1 2000 High⏎Content-Length: 0⏎⏎' },
  { name: 'a status above 599', answer: 'HTTP/1.1 999 High⏎Content-Length: 0⏎⏎' },
  { name: 'a status that is no number', answer: 'HTTP/1.1 2x0 OK⏎Content-Length: 0⏎⏎' },
  { name: 'a line feed alone', answer: 'HTTP/1.1 200 OK\nContent-Length: 0⏎⏎' },
  { name: 'a fold', answer: 'HTTP/1.1 200 OK⏎X: y⏎ z⏎Content-Length: 0⏎⏎' },
  { name: 'a NUL in a value', answer: 'HTTP/1.1 200 OK⏎X: y\x00⏎Content-Length: 0⏎⏎' },
  { name: 'a space before a colon', answer: 'HTTP/1.1 200 OK⏎Content-Length : 0⏎⏎' },
  { name: 'a line without a colon', answer: 'HTTP/1.1 200 OK⏎X⏎Content-Length: 0⏎⏎' },
  { name: 'a head of 64 KB', answer: `HTTP/1.1 200 OK⏎X: ${'y'.repeat(65_536)}⏎Content-Length: 0⏎⏎` },
  { name: 'a head of 500 lines', answer: `HTTP/1.1 200 OK⏎${'X: y⏎'.repeat(500)}Content-Length: 0⏎⏎` },
  { name: '1000 interim answers', answer: 'HTTP/1.1 103 Early Hints⏎⏎'.repeat(1_000) + SMUGGLED },
  { name: '1000 times 100', answer: 'HTTP/1.1 100 Continue⏎⏎'.repeat(1_000) + SMUGGLED },
  {
    name: '101 that nobody asked for',
    answer: 'HTTP/1.1 101 Switching Protocols⏎Upgrade: websocket⏎Connection: Upgrade⏎⏎',
  },
  { name: '204 with a length', answer: 'HTTP/1.1 204 No Content⏎Content-Length: 5⏎⏎hello' },
  { name: '204 in chunks', answer: 'HTTP/1.1 204 No Content⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎' },
  { name: 'an interim answer with a length', answer: 'HTTP/1.1 103 Early Hints⏎Content-Length: 5⏎⏎hello' + SMUGGLED },
])

badGateways(rig, 'upstream-reset', [
  { name: 'a close instead of an answer', answer: closes, method: 'POST' },
  { name: 'a reset instead of an answer', answer: resets, method: 'POST' },
  { name: 'a close in the status line', answer: sends('HTTP/1.1 20', closes), method: 'POST' },
  { name: 'a close in the head', answer: sends('HTTP/1.1 200 OK⏎Content-Length: 5⏎', closes), method: 'POST' },
  { name: 'a reset in the head', answer: sends('HTTP/1.1 200 OK⏎Content-Le', resets), method: 'POST' },
  { name: 'a close after an interim answer', answer: sends('HTTP/1.1 103 Early Hints⏎⏎', closes), method: 'POST' },
])

const SHORT = { status: 200, reason: 'upstream-reset' }
const BROKEN = { status: 200, reason: 'upstream-invalid' }

cuts(rig, [
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

passes(rig, [
  {
    name: 'a length',
    answer: 'HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello',
    status: 200,
    body: 'hello',
    lines: ['Content-Length: 5'],
  },
  {
    name: 'chunks',
    answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5;a=b⏎hello⏎0⏎X: y⏎⏎',
    status: 200,
    body: 'hello',
  },
  {
    name: 'lines in their own case and order',
    answer: 'HTTP/1.1 299 Odd⏎sErVeR: x⏎Set-Cookie: a=1⏎X-Y: z⏎SET-COOKIE: b=2⏎Content-Length: 0⏎⏎',
    status: 299,
    body: '',
    lines: ['sErVeR: x', 'Set-Cookie: a=1', 'X-Y: z', 'SET-COOKIE: b=2'],
  },
  { name: 'an empty reason', answer: 'HTTP/1.1 200 ⏎Content-Length: 5⏎⏎hello', status: 200, body: 'hello' },
  {
    name: 'more bytes than the length says',
    answer: `HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello, you`,
    status: 200,
    body: 'hello',
    ends: true,
  },
  {
    name: 'a second answer behind the first',
    answer: `HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello${SMUGGLED}`,
    status: 200,
    body: 'hello',
    ends: true,
  },
  {
    name: 'a second answer behind the last chunk',
    answer: `HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎${SMUGGLED}`,
    status: 200,
    body: 'hello',
    ends: true,
  },
  {
    name: 'HEAD with the length of what it stands for',
    method: 'HEAD',
    answer: 'HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎',
    status: 200,
    body: '',
    lines: ['Content-Length: 5'],
  },
  {
    name: 'HEAD in chunks',
    method: 'HEAD',
    answer: 'HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎',
    status: 200,
    body: '',
  },
  {
    name: 'HEAD with a body all the same',
    method: 'HEAD',
    answer: `HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello`,
    status: 200,
    body: '',
    ends: true,
  },
  { name: '204', answer: 'HTTP/1.1 204 No Content⏎⏎', status: 204, body: '' },
  {
    name: '204 with a body all the same',
    answer: `HTTP/1.1 204 No Content⏎⏎${SMUGGLED}`,
    status: 204,
    body: '',
    ends: true,
  },
  {
    name: '304 with the length of what it stands for',
    answer: 'HTTP/1.1 304 Not Modified⏎Content-Length: 5⏎ETag: "a"⏎⏎',
    status: 304,
    body: '',
    lines: ['ETag: "a"'],
  },
  {
    name: '304 with a body all the same',
    answer: `HTTP/1.1 304 Not Modified⏎ETag: "a"⏎Content-Length: 5⏎⏎hello`,
    status: 304,
    body: '',
    ends: true,
  },
  {
    name: 'a body that ends with the connection',
    answer: sends('HTTP/1.1 200 OK⏎⏎hello', closes),
    status: 200,
    body: 'hello',
    ends: true,
  },
  {
    name: 'HTTP/1.0 with a length',
    answer: 'HTTP/1.0 200 OK⏎Content-Length: 5⏎⏎hello',
    status: 200,
    body: 'hello',
    ends: true,
  },
  {
    name: 'HTTP/1.0 until the end of the connection',
    answer: sends('HTTP/1.0 200 OK⏎⏎hello', closes),
    status: 200,
    body: 'hello',
    ends: true,
  },
  {
    name: 'Connection: close',
    answer: 'HTTP/1.1 200 OK⏎Connection: close⏎Content-Length: 5⏎⏎hello',
    status: 200,
    body: 'hello',
    ends: true,
  },
  {
    name: 'interim answers before it',
    answer: 'HTTP/1.1 102 Processing⏎⏎HTTP/1.1 103 Early Hints⏎Link: </a>⏎⏎HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello',
    status: 200,
    body: 'hello',
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
    status: 200,
    body: 'hello',
  },
])

rig.checkRecords()
