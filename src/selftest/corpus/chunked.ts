/** The chunked coding by the letter: sizes, extensions, the ends of chunks, trailers (RFC 9112 §7.1). */
import { crlf } from '../notation.ts'
import { type Place, type RequestRow, group } from './row.ts'

const MALFORMED = { refused: { status: 400, code: 'malformed-request' } } as const

/** F4, F6. Of what is refused, an upstream may have seen any beginning of the data, and never an end. */
export function chunkedRequests({ host, path }: Place): RequestRow[] {
  const head = `POST ${path}/a HTTP/1.1⏎Host: ${host}⏎Transfer-Encoding: chunked⏎⏎`
  const next = `GET ${path}/b HTTP/1.1⏎Host: ${host}⏎⏎`
  const whole = {
    start: `POST ${path}/a HTTP/1.1`,
    lines: [`Host: ${host}`],
    body: 'hello',
    framing: 'chunked',
  } as const
  const then = { start: `GET ${path}/b HTTP/1.1`, lines: [`Host: ${host}`] }
  const broken = ([name, body]: readonly [string, string]) => ({ name, send: head + body + next, ...MALFORMED })

  return [
    ...group('F4', 'RFC 9112 §7.1', [
      ...BAD_SIZES.map((size) => broken([`a chunk size ${JSON.stringify(size)}`, `${size}⏎hello⏎0⏎⏎`])),
      ...(
        [
          ['a bare carriage return in an extension', '5;a\rb⏎hello⏎0⏎⏎'],
          ['a bare line feed in an extension', '5;a\nb⏎hello⏎0⏎⏎'],
          ['a NUL in an extension', '5;a\x00⏎hello⏎0⏎⏎'],
          ['an extension of more than 4 KB', `5;${'e'.repeat(5_000)}⏎hello⏎0⏎⏎`],
          ['extensions of more than 4 KB together', `${`1;${'e'.repeat(40)}⏎x⏎`.repeat(200)}0⏎⏎`],
          ['a size ended by a line feed alone', '5\nhello⏎0⏎⏎'],
          ['a size ended by CR and something else', '5\rXhello⏎0⏎⏎'],
          ['a last size ended by a line feed alone', '5⏎hello⏎0\n⏎'],
        ] as const
      ).map(broken),
      // "5 ;a" has the bad white space of RFC 9112 §7.1.1, which a recipient may read past.
      { ...broken(['a blank before an extension', '5 ;a⏎hello⏎0⏎⏎']), upstream: [whole, then] },
      { name: 'one chunk', send: `${head}5⏎hello⏎0⏎⏎`, upstream: [whole] },
      { name: 'several chunks', send: `${head}1⏎h⏎3⏎ell⏎1⏎o⏎0⏎⏎`, upstream: [whole] },
      { name: 'no data', send: `${head}0⏎⏎`, upstream: [{ ...whole, body: '' }] },
      { name: 'an extension, dropped', send: `${head}5;a=b⏎hello⏎0;c⏎⏎`, upstream: [whole] },
      { name: 'a quoted extension, dropped', send: `${head}5;a="b;c"⏎hello⏎0⏎⏎`, upstream: [whole] },
      { name: 'a size with leading zeros', send: `${head}0005⏎hello⏎000⏎⏎`, upstream: [whole] },
      { name: 'a size in capitals', send: `${head}A⏎0123456789⏎0⏎⏎`, upstream: [{ ...whole, body: '0123456789' }] },
      {
        name: 'data that looks like a last chunk',
        send: `${head}5⏎0⏎⏎⏎0⏎⏎`,
        upstream: [{ ...whole, body: '0\r\n\r\n' }],
      },
      { name: 'another request right behind', send: `${head}5⏎hello⏎0⏎⏎${next}`, upstream: [whole, then] },
      {
        name: 'GET with chunks',
        send: `${head.replace('POST', 'GET')}5⏎hello⏎0⏎⏎${next}`,
        upstream: [{ ...whole, start: whole.start.replace('POST', 'GET') }, then],
        mayRefuse: true as const,
      },
    ]),
    ...group('F6', 'RFC 9112 §7.1', [
      ...(
        [
          ['data that ends without CRLF', '5⏎hello0⏎⏎'],
          ['data ended by a line feed alone', '5⏎hello\n0⏎⏎'],
          ['data ended by a carriage return alone', '5⏎hello\r0⏎⏎'],
          ['data ended by a letter and a line feed', '5⏎helloX\n0⏎⏎'],
          ['data longer than its size', '5⏎hello!⏎0⏎⏎'],
          ['an empty line before the last chunk', '5⏎hello⏎⏎0⏎⏎'],
          ['a trailer without a colon', '5⏎hello⏎0⏎X⏎⏎'],
          ['a trailer with a space before its colon', '5⏎hello⏎0⏎X : y⏎⏎'],
          ['a folded trailer', '5⏎hello⏎0⏎X: y⏎ z⏎⏎'],
          ['a trailer ended by a line feed alone', '5⏎hello⏎0⏎X: y\n⏎'],
          ['a request line in the place of a trailer', `5⏎hello⏎0⏎${next}`],
          ['trailers of more than 16 KB', `5⏎hello⏎0⏎${'X: y⏎'.repeat(4_000)}⏎`],
        ] as const
      ).map(broken),
      {
        name: 'a trailer is only a trailer',
        send: `${head}5⏎hello⏎0⏎X:POST / HTTP/1.1⏎⏎`,
        upstream: [{ ...whole, trailers: ['X: POST / HTTP/1.1'] }],
      },
      {
        name: 'trailers that would reframe the request',
        send: `${head}5⏎hello⏎0⏎Content-Length: 9⏎Host: evil⏎Transfer-Encoding: identity⏎⏎${next}`,
        upstream: [whole, then],
        mayRefuse: true as const,
      },
      {
        name: 'byte by byte, another request right behind',
        send: Array.from(crlf(`${head}5;a=b⏎hello⏎0⏎X: y⏎⏎${next}`)),
        upstream: [{ ...whole, trailers: ['X: y'] }, then],
      },
    ]),
  ]
}

const BAD_SIZES = [
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
] as const
