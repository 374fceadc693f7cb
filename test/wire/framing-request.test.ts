/** Where a request ends: length and coding said twice, badly, or in disguise; line ends; bodies where none is expected (RFC 9112 §2–§6). */
import { forwardings } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { refusals } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

const AMBIGUOUS = { status: 400, code: 'ambiguous-framing' }
const MALFORMED = { status: 400, code: 'malformed-request' }
const UNKNOWN_VERSION = { status: 505, code: 'version-not-supported' }

const SMUGGLED = 'GET /smuggled HTTP/1.1⏎Host: a⏎⏎'

refusals(rig, [
  {
    name: 'a length, then a coding',
    send: 'POST / HTTP/1.1⏎Host: a⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎0⏎⏎',
    ...AMBIGUOUS,
  },
  {
    name: 'a coding, then a length',
    send: `POST / HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎Content-Length: 4⏎⏎1⏎a⏎0⏎⏎${SMUGGLED}`,
    ...AMBIGUOUS,
  },
  {
    name: 'two lengths that differ',
    send: `POST / HTTP/1.1⏎Host: a⏎Content-Length: 0⏎Content-Length: 31⏎⏎${SMUGGLED}`,
    ...AMBIGUOUS,
  },
  {
    name: 'two lengths that agree',
    send: 'POST / HTTP/1.1⏎Host: a⏎Content-Length: 5⏎content-length: 5⏎⏎hello',
    ...AMBIGUOUS,
  },
])

for (const length of [
  '5, 5',
  '5,6',
  '+5',
  '-5',
  '0x10',
  '010',
  '1_0',
  '1Z',
  '5 5',
  '5;',
  '"5"',
  '5.0',
  '1e1',
  '',
  ',5',
  '99999999999999999999',
  '18446744073709551621',
]) {
  refusals(rig, [
    {
      name: `Content-Length ${JSON.stringify(length)}`,
      send: `POST / HTTP/1.1⏎Host: a⏎Content-Length: ${length}⏎⏎hello`,
      ...AMBIGUOUS,
    },
  ])
}

for (const coding of [
  ', chunked',
  'chunked,',
  'chunked, chunked',
  'chunked, identity',
  'identity, chunked',
  'gzip, chunked',
  'identity',
  'gzip',
  'xchunked',
  'chunkedx',
  'chunke',
  '"chunked"',
  'chunked;q=1',
  'chunked chunked',
  '',
]) {
  refusals(rig, [
    {
      name: `Transfer-Encoding ${JSON.stringify(coding)}`,
      send: `POST / HTTP/1.1⏎Host: a⏎Transfer-Encoding: ${coding}⏎⏎0⏎⏎${SMUGGLED}`,
      ...AMBIGUOUS,
    },
  ])
}

refusals(rig, [
  {
    name: 'two codings',
    send: 'POST / HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎Transfer-Encoding: chunked⏎⏎0⏎⏎',
    ...AMBIGUOUS,
  },
  {
    name: 'a coding and a second one hidden behind it',
    send: 'POST / HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎Transfer-Encoding: identity⏎⏎0⏎⏎',
    ...AMBIGUOUS,
  },
  {
    name: 'a coding in HTTP/1.0',
    send: `POST / HTTP/1.0⏎Host: a⏎Transfer-Encoding: chunked⏎⏎0⏎⏎${SMUGGLED}`,
    ...AMBIGUOUS,
  },
  {
    name: 'a space before the colon of a coding',
    send: 'POST / HTTP/1.1⏎Host: a⏎Transfer-Encoding : chunked⏎⏎0⏎⏎',
    ...MALFORMED,
  },
  {
    name: 'a coding after a space, first line',
    send: 'POST / HTTP/1.1⏎ Transfer-Encoding: chunked⏎Host: a⏎⏎0⏎⏎',
    ...MALFORMED,
  },
  {
    name: 'a coding after a space, later line (obs-fold)',
    send: 'POST / HTTP/1.1⏎Host: a⏎X: y⏎ Transfer-Encoding: chunked⏎⏎0⏎⏎',
    ...MALFORMED,
  },
  {
    name: 'a coding folded onto its second line',
    send: 'POST / HTTP/1.1⏎Host: a⏎Transfer-Encoding:⏎ chunked⏎⏎0⏎⏎',
    ...MALFORMED,
  },
  {
    name: 'a coding with a vertical tab',
    send: 'POST / HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked\x0b⏎⏎0⏎⏎',
    ...MALFORMED,
  },
  {
    name: 'a coding with a NUL',
    send: 'POST / HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked\x00⏎⏎0⏎⏎',
    ...MALFORMED,
  },
  { name: 'a line feed alone after the request line', send: 'GET / HTTP/1.1\nHost: a⏎⏎', ...MALFORMED },
  { name: 'a line feed alone between lines', send: 'GET / HTTP/1.1⏎Host: a\nX: y⏎⏎', ...MALFORMED },
  { name: 'a line feed alone as the blank line', send: 'GET / HTTP/1.1⏎Host: a⏎\n', ...MALFORMED },
  { name: 'line feeds alone throughout', send: 'GET / HTTP/1.1\nHost: a\n\n', ...MALFORMED },
  { name: 'a line feed before the request line', send: '\nGET / HTTP/1.1⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'a carriage return alone in the request line', send: 'GET /\r HTTP/1.1⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'a carriage return alone in a value', send: 'GET / HTTP/1.1⏎Host: a⏎X: y\rZ: 1⏎⏎', ...MALFORMED },
  { name: 'a carriage return alone before a line', send: 'GET / HTTP/1.1⏎Host: a⏎\rX: y⏎⏎', ...MALFORMED },
  { name: 'CR CR LF as a line end', send: 'GET / HTTP/1.1⏎Host: a\r⏎⏎', ...MALFORMED },
  { name: 'a blank line of CR and a letter', send: 'GET / HTTP/1.1⏎Host: a⏎\rX⏎⏎', ...MALFORMED },
  { name: 'a fold', send: 'GET / HTTP/1.1⏎Host: a⏎X: y⏎ z⏎⏎', ...MALFORMED },
  { name: 'a fold by a tab', send: 'GET / HTTP/1.1⏎Host: a⏎X: y⏎\tz⏎⏎', ...MALFORMED },
  { name: 'white space before the first line', send: 'GET / HTTP/1.1⏎ Host: a⏎⏎', ...MALFORMED },
  { name: 'two spaces in the request line', send: 'GET  / HTTP/1.1⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'a tab in the request line', send: 'GET\t/ HTTP/1.1⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'a space after the version', send: 'GET / HTTP/1.1 ⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'a space before the method', send: ' GET / HTTP/1.1⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'a space inside the target', send: 'GET /a b HTTP/1.1⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'no target', send: 'GET HTTP/1.1⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'no version (HTTP/0.9)', send: 'GET /⏎⏎', ...MALFORMED },
  { name: 'a version in lower case', send: 'GET / http/1.1⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'a version of two digits', send: 'GET / HTTP/1.10⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'a version without its dot', send: 'GET / HTTP/11⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'another protocol', send: 'GET / ICAP/1.0⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'a method that is no token', send: 'GE(T / HTTP/1.1⏎Host: a⏎⏎', ...MALFORMED },
  { name: 'a later version', send: 'GET / HTTP/1.2⏎Host: a⏎⏎', ...UNKNOWN_VERSION },
  { name: 'what is not quite the preface of HTTP/2', send: 'PRI * HTTP/2.0⏎X: y⏎⏎SM⏎⏎', ...UNKNOWN_VERSION },
  { name: 'the start of a TLS handshake', send: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', ...MALFORMED },
])

forwardings(rig, [
  {
    name: 'a length with white space around it',
    send: 'POST /a HTTP/1.1⏎Host: a⏎Content-Length: \t 5 \t⏎⏎hello',
    upstream: [{ start: 'POST /a HTTP/1.1', lines: ['Host: a'], body: 'hello' }],
  },
  {
    name: 'a length of nothing',
    send: 'POST /a HTTP/1.1⏎Host: a⏎Content-Length: 0⏎⏎',
    upstream: [{ start: 'POST /a HTTP/1.1', lines: ['Host: a'], framing: 'length' }],
  },
  {
    name: 'a coding in capitals, with white space around it',
    send: 'POST /a HTTP/1.1⏎Host: a⏎transfer-encoding: \tCHUNKED ⏎⏎5⏎hello⏎0⏎⏎',
    upstream: [{ start: 'POST /a HTTP/1.1', lines: ['Host: a'], body: 'hello', framing: 'chunked' }],
  },
  {
    name: 'an underscored alias of the coding is dropped, not believed',
    send: 'POST /a HTTP/1.1⏎Host: a⏎Transfer_Encoding: chunked⏎Content-Length: 5⏎⏎0⏎⏎GET /b HTTP/1.1⏎Host: a⏎⏎',
    upstream: [
      { start: 'POST /a HTTP/1.1', lines: ['Host: a'], body: '0\r\n\r\n' },
      { start: 'GET /b HTTP/1.1', lines: ['Host: a'] },
    ],
  },
  {
    name: 'an underscored alias of the length is dropped, not believed',
    send: 'GET /a HTTP/1.1⏎Host: a⏎Content_Length: 30⏎⏎GET /b HTTP/1.1⏎Host: a⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }, { start: 'GET /b HTTP/1.1' }],
  },
  {
    name: 'an empty line before the request line',
    send: '⏎GET /a HTTP/1.1⏎Host: a⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
  {
    name: 'an empty line before the request line, byte by byte',
    send: Array.from('\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n'),
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a'] }],
  },
  {
    name: 'an empty line after a body, as old clients send it',
    send: 'POST /a HTTP/1.1⏎Host: a⏎Content-Length: 5⏎⏎hello⏎GET /b HTTP/1.1⏎Host: a⏎⏎',
    upstream: [{ start: 'POST /a HTTP/1.1', body: 'hello' }, { start: 'GET /b HTTP/1.1' }],
  },
  ...['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PROPFIND'].map((method) => ({
    name: `${method} with a body, then another request`,
    send: `${method} /a HTTP/1.1⏎Host: a⏎Content-Length: 10⏎⏎0123456789GET /b HTTP/1.1⏎Host: b⏎⏎`,
    methods: [method, 'GET'],
    upstream: [
      { start: `${method} /a HTTP/1.1`, lines: ['Host: a'], body: '0123456789' },
      { start: 'GET /b HTTP/1.1', lines: ['Host: b'] },
    ],
  })),
  {
    name: 'a body that looks like a request',
    send: `POST /a HTTP/1.1⏎Host: a⏎Content-Length: 35⏎⏎${SMUGGLED}`,
    upstream: [{ start: 'POST /a HTTP/1.1', body: crlf(SMUGGLED) }],
  },
  {
    name: 'a head and a body in many pieces',
    send: ['POST /a HT', 'TP/1.1\r', '\nHost: a⏎Content-Len', 'gth: 10⏎\r', '\n0123', '45', '6789'],
    upstream: [{ start: 'POST /a HTTP/1.1', lines: ['Host: a'], body: '0123456789' }],
  },
  {
    name: 'a body byte by byte',
    send: Array.from('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'),
    upstream: [{ start: 'POST /a HTTP/1.1', lines: ['Host: a'], body: 'hello' }],
  },
])

rig.checkRecords()
