/**
 * What HTTP/2 must not carry never becomes HTTP/1.1 (F16, RFC 9113 §8): the stream is reset with PROTOCOL_ERROR, nothing goes
 * upstream, one record says why, and the connection serves on.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  END_HEADERS,
  END_STREAM,
  type Fields,
  RawH2,
  TYPE,
  block,
  frame,
  get,
  post,
  pseudo,
} from '../support/raw-h2.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()
const PROTOCOL_ERROR = 1
const GET = pseudo('GET', '/a')
const OK = { reason: 'ok', status: 200 }

/** The pseudo-header fields of a good request, one of them with another value, or left out. */
function withPseudo(name: string, value: string | null): Fields {
  return GET.filter((one) => one[0] !== name || value !== null).map((one) => (one[0] === name ? [name, value!] : one))
}

const ROWS: readonly (readonly [name: string, fields: Fields, reason?: string])[] = [
  ['a path with CRLF', withPseudo(':path', '/a HTTP/1.1\r\nX: y')],
  ['a path with a space', withPseudo(':path', '/a b')],
  ['a path with a version', withPseudo(':path', '/a HTTP/1.1')],
  ['a path with a fragment', withPseudo(':path', '/a#b')],
  ['a path that is absolute', withPseudo(':path', 'http://b/a')],
  ['a path that is empty', withPseudo(':path', '')],
  ['a path of an asterisk', withPseudo(':path', '*')],
  ['a path with NUL', withPseudo(':path', '/a\0')],
  ['a method with CRLF', withPseudo(':method', 'GET / HTTP/1.1\r\nX: y\r\n\r\nGET')],
  ['a method with a space', withPseudo(':method', 'GET /b')],
  ['a method that is no token', withPseudo(':method', 'G@T')],
  ['a scheme of another kind', withPseudo(':scheme', 'ftp')],
  ['an authority with CRLF', withPseudo(':authority', 'a\r\nX: y')],
  ['an authority with a space', withPseudo(':authority', 'a b'), 'invalid-host'],
  ['an authority with user information', withPseudo(':authority', 'x@a'), 'invalid-host'],
  ['an authority with a port too large', withPseudo(':authority', 'a:65536'), 'invalid-host'],
  ...[':method', ':scheme', ':path'].map((name) => [`no ${name}`, withPseudo(name, null)] as const),
  ['no authority and no host', withPseudo(':authority', null), 'invalid-host'],
  ...GET.map(([name, value]) => [`two ${name}`, [...GET, [name, value]]] as const),
  ['an unknown pseudo-header field', [...GET, [':foo', 'x']]],
  ['a pseudo-header field of answers', [...GET, [':status', '200']]],
  ['a pseudo-header field after another', [...GET.slice(0, 3), ['x', 'y'], GET[3]!]],
  ['host other than authority', [...GET, ['host', 'b']]],
  ['two hosts', [...GET, ['host', 'a'], ['host', 'a']]],
  ['a name that is empty', [...GET, ['', 'x']]],
  ['a name in upper case', [...GET, ['X-A', 'x']]],
  ['a name with a space', [...GET, ['x a', 'x']]],
  ['a name with a colon', [...GET, ['x:a', 'x']]],
  ['a name with CRLF', [...GET, ['x\r\ny', 'x']]],
  ['a name above ASCII', [...GET, ['x\xe9', 'x']]],
  ['a value with CRLF', [...GET, ['x', 'a\r\nb: c']]],
  ['a value with LF', [...GET, ['x', 'a\nb: c']]],
  ['a value with CR', [...GET, ['x', 'a\rb']]],
  ['a value with NUL', [...GET, ['x', 'a\0b']]],
  ['a value with a space before it', [...GET, ['x', ' a']]],
  ['a value with a tab after it', [...GET, ['x', 'a\t']]],
  ['connection', [...GET, ['connection', 'close']]],
  ['keep-alive', [...GET, ['keep-alive', 'timeout=5']]],
  ['proxy-connection', [...GET, ['proxy-connection', 'keep-alive']]],
  ['transfer-encoding', [...GET, ['transfer-encoding', 'chunked']]],
  ['upgrade', [...GET, ['upgrade', 'websocket']]],
  ['te of another coding', [...GET, ['te', 'gzip']]],
  ['te of trailers and another', [...GET, ['te', 'trailers, gzip']]],
  ['a length without a body', [...GET, ['content-length', '5']], 'ambiguous-framing'],
  ['two lengths', [...GET, ['content-length', '0'], ['content-length', '0']], 'ambiguous-framing'],
  ['a length that is none', [...GET, ['content-length', '+0']], 'ambiguous-framing'],
]

for (const [name, fields, reason = 'malformed-request'] of ROWS) {
  test(`reset: ${name}`, async () => {
    const client = await RawH2.connect(rig.postern.port())
    client.send(frame(TYPE.HEADERS, END_STREAM | END_HEADERS, 1, block(fields)))
    assert.equal(await client.reset(1), PROTOCOL_ERROR)
    assert.ok(!client.frames.some(({ type }) => type === TYPE.HEADERS), 'nothing is answered')
    client.send(get(3))
    assert.equal((await client.body(3)).toString(), 'ok', 'the connection serves on')
    client.close()
    const { requests, partial } = await rig.settle(name, [{ reason, status: 400 }, OK])
    assert.deepEqual([requests.map(({ start }) => start), partial], [['GET /a HTTP/1.1'], []])
  })
}

/** Rows that are found out in the body, when the head has gone upstream: no whole request does. */
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

for (const [i, [name, declared, frames]] of BODIES.entries()) {
  test(`reset: ${name}`, async () => {
    const client = await RawH2.connect(rig.postern.port())
    client.send(post(1, `/body/${i}`, [['content-length', declared]]), ...frames)
    assert.equal(await client.reset(1), PROTOCOL_ERROR)
    client.send(get(3, '/b'))
    assert.equal((await client.body(3)).toString(), 'ok', 'the connection serves on')
    client.close()
    const { requests } = await rig.settle(name, null)
    const whole = requests.filter(({ start }) => start.startsWith('POST'))
    // A body that is declared empty is complete with its head: only what came after it is wrong.
    assert.equal(whole.length, declared === '0' ? whole.length : 0, 'no whole request upstream')
    const record = await rig.postern.waitForRecord(({ path }) => path === `/body/${i}`)
    assert.deepEqual([record['reason'], record['status']], ['ambiguous-framing', 400])
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
