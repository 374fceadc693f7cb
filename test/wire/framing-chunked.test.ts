/** The chunked coding, by the letter (RFC 9112 §7.1): what is not is refused, and the upstream is never told that it was whole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forwardings } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { refusedAndClosed } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

const HEAD = 'POST /a HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎'
const NEXT = 'GET /b HTTP/1.1⏎Host: b⏎⏎'

interface Broken {
  readonly name: string
  readonly body: string
  /** Data that comes before the fault: the upstream may have any beginning of it. Default: none. */
  readonly before?: string
}

const MANY_EXTENSIONS = Array.from({ length: 200 }, () => `1;${'e'.repeat(40)}⏎x⏎`).join('')

const broken: readonly Broken[] = [
  ...[
    '0_2e',
    '0x5',
    '+5',
    '-5',
    '-0x0',
    ' 5',
    '\t5',
    '5 ',
    '',
    '5,',
    '5.',
    'g',
    '\x005',
    '5\x00',
    '00000000000000005',
    'ffffffffffffffff',
    'fffffffffffffffff',
    '1these-bytes',
    '5 ;a',
  ].map((size) => ({ name: `a size ${JSON.stringify(size)}`, body: `${size}⏎hello⏎0⏎⏎` })),
  { name: 'a bare carriage return in an extension', body: '5;a\rb⏎hello⏎0⏎⏎' },
  { name: 'a bare line feed in an extension', body: '5;a\nb⏎hello⏎0⏎⏎' },
  { name: 'a NUL in an extension', body: '5;a\x00⏎hello⏎0⏎⏎' },
  { name: 'an extension of more than 4 KB', body: `5;${'e'.repeat(5_000)}⏎hello⏎0⏎⏎` },
  { name: 'extensions of more than 4 KB together', body: `${MANY_EXTENSIONS}0⏎⏎`, before: 'x'.repeat(200) },
  { name: 'a size ended by a line feed alone', body: '5\nhello⏎0⏎⏎' },
  { name: 'a size ended by CR and something else', body: '5\rXhello⏎0⏎⏎' },
  { name: 'a last size ended by a line feed alone', body: '5⏎hello⏎0\n⏎', before: 'hello' },
  { name: 'data that ends without CRLF', body: '5⏎hello0⏎⏎', before: 'hello' },
  { name: 'data ended by a line feed alone', body: '5⏎hello\n0⏎⏎', before: 'hello' },
  { name: 'data ended by a carriage return alone', body: '5⏎hello\r0⏎⏎', before: 'hello' },
  { name: 'data ended by a letter and a line feed', body: '5⏎helloX\n0⏎⏎', before: 'hello' },
  { name: 'data longer than its size', body: '5⏎hello!⏎0⏎⏎', before: 'hello' },
  { name: 'an empty line before the last chunk', body: '5⏎hello⏎⏎0⏎⏎', before: 'hello' },
  { name: 'a trailer without a colon', body: '5⏎hello⏎0⏎X⏎⏎', before: 'hello' },
  { name: 'a trailer with a space before its colon', body: '5⏎hello⏎0⏎X : y⏎⏎', before: 'hello' },
  { name: 'a folded trailer', body: '5⏎hello⏎0⏎X: y⏎ z⏎⏎', before: 'hello' },
  { name: 'a trailer ended by a line feed alone', body: '5⏎hello⏎0⏎X: y\n⏎', before: 'hello' },
  { name: 'a request line in the place of a trailer', body: `5⏎hello⏎0⏎${NEXT}`, before: 'hello' },
  { name: 'trailers of more than 16 KB', body: `5⏎hello⏎0⏎${'X: y⏎'.repeat(4_000)}⏎`, before: 'hello' },
]

for (const { name, body, before = '' } of broken) {
  test(`refused: ${name}`, async () => {
    const refusal = { status: 400, code: 'malformed-request' }
    await refusedAndClosed(rig, { name, send: `${HEAD}${body}${NEXT}`, ...refusal })
    const { requests, partial } = await rig.settle(name, [{ reason: refusal.code, status: refusal.status }])
    assert.deepEqual(
      requests.map(({ start }) => start),
      [],
      'complete requests upstream',
    )
    for (const connection of partial) {
      await rig.upstream.until(() => (connection.over === 'no' ? undefined : true), 'the end of a broken request')
      const [head, ...rest] = connection.partial.split('\r\n\r\n')
      assert.match(head ?? '', /^POST \/a HTTP\/1\.1\r\n/)
      const data = rest.join('\r\n\r\n').replaceAll(/[0-9a-f]+\r\n(.*?)\r\n/g, '$1')
      assert.ok(before.startsWith(data), `data upstream: ${JSON.stringify(data)}`)
    }
  })
}

const whole = { start: 'POST /a HTTP/1.1', lines: ['Host: a'], body: 'hello', framing: 'chunked' } as const

forwardings(rig, [
  { name: 'one chunk', send: `${HEAD}5⏎hello⏎0⏎⏎`, upstream: [whole] },
  { name: 'several chunks', send: `${HEAD}1⏎h⏎3⏎ell⏎1⏎o⏎0⏎⏎`, upstream: [whole] },
  { name: 'no data', send: `${HEAD}0⏎⏎`, upstream: [{ ...whole, body: '' }] },
  { name: 'an extension, dropped', send: `${HEAD}5;a=b⏎hello⏎0;c⏎⏎`, upstream: [whole] },
  { name: 'a quoted extension, dropped', send: `${HEAD}5;a="b;c"⏎hello⏎0⏎⏎`, upstream: [whole] },
  { name: 'a size with leading zeros', send: `${HEAD}0005⏎hello⏎000⏎⏎`, upstream: [whole] },
  {
    name: 'a size in capitals',
    send: `${HEAD}A⏎0123456789⏎0⏎⏎`,
    upstream: [{ ...whole, body: '0123456789' }],
  },
  { name: 'data that looks like a last chunk', send: `${HEAD}5⏎0⏎⏎⏎0⏎⏎`, upstream: [{ ...whole, body: '0\r\n\r\n' }] },
  {
    name: 'a trailer is only a trailer',
    send: `${HEAD}5⏎hello⏎0⏎X:POST / HTTP/1.1⏎⏎`,
    upstream: [{ ...whole, trailers: ['X: POST / HTTP/1.1'] }],
  },
  {
    name: 'trailers that would reframe the request',
    send: `${HEAD}5⏎hello⏎0⏎Content-Length: 9⏎Host: evil⏎Transfer-Encoding: identity⏎⏎${NEXT}`,
    upstream: [whole, { start: 'GET /b HTTP/1.1', lines: ['Host: b'] }],
  },
  {
    name: 'another request right behind',
    send: `${HEAD}5⏎hello⏎0⏎⏎${NEXT}`,
    upstream: [whole, { start: 'GET /b HTTP/1.1', lines: ['Host: b'] }],
  },
  {
    name: 'byte by byte, another request right behind',
    send: Array.from(crlf(`${HEAD}5;a=b⏎hello⏎0⏎X: y⏎⏎${NEXT}`)),
    upstream: [
      { ...whole, trailers: ['X: y'] },
      { start: 'GET /b HTTP/1.1', lines: ['Host: b'] },
    ],
  },
  {
    name: 'GET with chunks',
    send: `${HEAD.replace('POST', 'GET')}5⏎hello⏎0⏎⏎${NEXT}`,
    upstream: [{ ...whole, start: 'GET /a HTTP/1.1' }, { start: 'GET /b HTTP/1.1' }],
  },
])

test('a large body arrives as it was sent, whatever its chunks', async () => {
  const body = Buffer.alloc(3_000_000, (Math.PI * 1e15).toString(36))
  const chunks: (string | Buffer)[] = [crlf(HEAD)]
  for (let at = 0, size = 1; at < body.length; at += size, size = (size * 3) % 100_003) {
    const chunk = body.subarray(at, at + size)
    chunks.push(chunk.length.toString(16) + '\r\n', chunk, '\r\n')
  }
  const client = await rig.connect()
  await client.send(...chunks, '0\r\n\r\n')
  assert.equal((await client.finalResponse()).status, 200)
  client.close()
  const { requests, partial } = await rig.settle('a large body', [{ reason: 'ok', status: 200 }])
  assert.deepEqual(partial, [])
  assert.equal(requests.length, 1)
  assert.ok(requests[0]!.body.equals(body), 'the body upstream')
})

rig.checkRecords()
