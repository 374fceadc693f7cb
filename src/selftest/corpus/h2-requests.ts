/** Requests of HTTP/2 that make none, and must never become HTTP/1.1 (F16, RFC 9113 §8): found out in the head, or in the body after it. */
import { END_HEADERS, END_STREAM, type Fields, TYPE, block, frame, pseudo } from '../raw-h2.ts'
import type { H2Row, Place } from './row.ts'

const PROTOCOL_ERROR = 1
const ABOUT = { id: 'F16', source: 'RFC 9113 §8', ends: 'request', code: PROTOCOL_ERROR } as const

/** The pseudo-header fields of a good request, one of them with another value, or left out. */
function withPseudo(good: Fields, name: string, value: string | null): Fields {
  return good.filter((one) => one[0] !== name || value !== null).map((one) => (one[0] === name ? [name, value!] : one))
}

type HeadRow = readonly [name: string, fields: Fields, reason?: string]

function heads(good: Fields, path: string): readonly HeadRow[] {
  return [
    ['a path with CRLF', withPseudo(good, ':path', path + '/a HTTP/1.1\r\nX: y')],
    ['a path with a space', withPseudo(good, ':path', path + '/a b')],
    ['a path with a version', withPseudo(good, ':path', path + '/a HTTP/1.1')],
    ['a path with a fragment', withPseudo(good, ':path', path + '/a#b')],
    ['a path that is absolute', withPseudo(good, ':path', 'http://b/a')],
    ['a path that is empty', withPseudo(good, ':path', '')],
    ['a path of an asterisk', withPseudo(good, ':path', '*')],
    ['a path with NUL', withPseudo(good, ':path', path + '/a\0')],
    ['a method with CRLF', withPseudo(good, ':method', 'GET / HTTP/1.1\r\nX: y\r\n\r\nGET')],
    ['a method with a space', withPseudo(good, ':method', 'GET /b')],
    ['a method that is no token', withPseudo(good, ':method', 'G@T')],
    ['a scheme of another kind', withPseudo(good, ':scheme', 'ftp')],
    ['an authority with CRLF', withPseudo(good, ':authority', 'a\r\nX: y')],
    ['an authority with a space', withPseudo(good, ':authority', 'a b'), 'invalid-host'],
    ['an authority with user information', withPseudo(good, ':authority', 'x@a'), 'invalid-host'],
    ['an authority with a port too large', withPseudo(good, ':authority', 'a:65536'), 'invalid-host'],
    ...[':method', ':scheme', ':path'].map((name) => [`no ${name}`, withPseudo(good, name, null)] as const),
    ['no authority and no host', withPseudo(good, ':authority', null), 'invalid-host'],
    ...good.map(([name, value]) => [`two ${name}`, [...good, [name, value]]] as const),
    ['an unknown pseudo-header field', [...good, [':foo', 'x']]],
    ['a pseudo-header field of answers', [...good, [':status', '200']]],
    ['a pseudo-header field after another', [...good.slice(0, 3), ['x', 'y'], good[3]!]],
    ['host other than authority', [...good, ['host', 'b']]],
    ['two hosts', [...good, ['host', 'a'], ['host', 'a']]],
    ['a name that is empty', [...good, ['', 'x']]],
    ['a name in upper case', [...good, ['X-A', 'x']]],
    ['a name with a space', [...good, ['x a', 'x']]],
    ['a name with a colon', [...good, ['x:a', 'x']]],
    ['a name with CRLF', [...good, ['x\r\ny', 'x']]],
    ['a name above ASCII', [...good, ['x\xe9', 'x']]],
    ['a value with CRLF', [...good, ['x', 'a\r\nb: c']]],
    ['a value with LF', [...good, ['x', 'a\nb: c']]],
    ['a value with CR', [...good, ['x', 'a\rb']]],
    ['a value with NUL', [...good, ['x', 'a\0b']]],
    ['a value with a space before it', [...good, ['x', ' a']]],
    ['a value with a tab after it', [...good, ['x', 'a\t']]],
    ['connection', [...good, ['connection', 'close']]],
    ['keep-alive', [...good, ['keep-alive', 'timeout=5']]],
    ['proxy-connection', [...good, ['proxy-connection', 'keep-alive']]],
    ['transfer-encoding', [...good, ['transfer-encoding', 'chunked']]],
    ['upgrade', [...good, ['upgrade', 'websocket']]],
    ['te of another coding', [...good, ['te', 'gzip']]],
    ['te of trailers and another', [...good, ['te', 'trailers, gzip']]],
    ['a length without a body', [...good, ['content-length', '5']], 'ambiguous-framing'],
    ['two lengths', [...good, ['content-length', '0'], ['content-length', '0']], 'ambiguous-framing'],
    ['a length that is none', [...good, ['content-length', '+0']], 'ambiguous-framing'],
  ]
}

/** The length that is declared, and what follows the head. */
const BODIES: readonly (readonly [name: string, declared: string, frames: readonly Buffer[]])[] = [
  ['less data than was declared', '5', [frame(TYPE.DATA, END_STREAM, 1, 'four')]],
  ['more data than was declared', '5', [frame(TYPE.DATA, END_STREAM, 1, 'sixsix')]],
  [
    'more data than was declared, in two frames',
    '5',
    [frame(TYPE.DATA, 0, 1, 'five5'), frame(TYPE.DATA, END_STREAM, 1, '6')],
  ],
  ['data although none was declared', '0', [frame(TYPE.DATA, END_STREAM, 1, 'x')]],
  [
    'less data than was declared, and trailers',
    '5',
    [frame(TYPE.DATA, 0, 1, 'four'), frame(TYPE.HEADERS, 5, 1, block([['x', 'y']]))],
  ],
  [
    'trailers that do not end the stream',
    '4',
    [frame(TYPE.DATA, 0, 1, 'four'), frame(TYPE.HEADERS, END_HEADERS, 1, block([['x', 'y']]))],
  ],
  [
    'trailers with a pseudo-header field',
    '4',
    [frame(TYPE.DATA, 0, 1, 'four'), frame(TYPE.HEADERS, 5, 1, block([[':path', '/b']]))],
  ],
  ['trailers with CRLF', '4', [frame(TYPE.DATA, 0, 1, 'four'), frame(TYPE.HEADERS, 5, 1, block([['x', 'a\r\nb: c']]))]],
]

export function h2Requests(place: Place): H2Row[] {
  const good = pseudo('GET', `${place.path}/a`, place)
  const rows: H2Row[] = []
  for (const [name, fields, reason = 'malformed-request'] of heads(good, place.path)) {
    const frames = () => frame(TYPE.HEADERS, END_STREAM | END_HEADERS, 1, block(fields))
    rows.push({ ...ABOUT, name, frames, reason })
  }
  for (const [name, declared, body] of BODIES) {
    const head: Fields = [...pseudo('POST', `${place.path}/a`, place), ['content-length', declared]]
    const frames = () => Buffer.concat([frame(TYPE.HEADERS, END_HEADERS, 1, block(head)), ...body])
    // A body that is declared empty is complete with its head: only what came after it is wrong.
    rows.push({ ...ABOUT, name, frames, reason: 'ambiguous-framing', reaches: declared === '0' ? 'whole' : 'begun' })
  }
  return rows
}
