/** Where a request ends: length and coding said twice, badly or in disguise, and bodies where none is expected (RFC 9112 §6). */
import { crlf } from '../notation.ts'
import { type Place, type RequestRow, group } from './row.ts'

const AMBIGUOUS = { refused: { status: 400, code: 'ambiguous-framing' } } as const
const MALFORMED = { refused: { status: 400, code: 'malformed-request' } } as const

/** F1, F2, F3, F8. */
export function requestFraming({ host, path }: Place): RequestRow[] {
  const post = (...rest: string[]): string => `POST ${path}/a HTTP/1.1⏎Host: ${host}⏎${rest.join('⏎')}`
  const get = (name: string): string => `GET ${path}/${name} HTTP/1.1⏎Host: ${host}⏎⏎`
  const smuggled = get('smuggled')
  const seen = { start: `POST ${path}/a HTTP/1.1` }
  const hello = [{ ...seen, body: 'hello' }]

  return [
    ...group('F1', 'RFC 9112 §6.3', [
      {
        name: 'a length, then a coding',
        send: post('Content-Length: 5', 'Transfer-Encoding: chunked', '', '0', '', ''),
        ...AMBIGUOUS,
        upstream: [seen],
      },
      {
        name: 'a coding, then a length',
        send: post('Transfer-Encoding: chunked', 'Content-Length: 4', '', '1', 'a', '0', '', '') + smuggled,
        ...AMBIGUOUS,
        // Only with the connection closed behind it, whatever follows.
        upstream: [{ ...seen, body: 'a' }],
      },
    ]),
    ...group('F2', 'RFC 9110 §8.6', [
      {
        name: 'two lengths that differ',
        send: post('Content-Length: 0', `Content-Length: ${crlf(smuggled).length}`, '', '') + smuggled,
        ...AMBIGUOUS,
      },
      {
        name: 'two lengths that agree',
        send: post('Content-Length: 5', 'content-length: 5', '', 'hello'),
        ...AMBIGUOUS,
        upstream: hello,
      },
      {
        name: 'Content-Length "5, 5"',
        send: post('Content-Length: 5, 5', '', 'hello'),
        ...AMBIGUOUS,
        upstream: hello,
      },
      {
        name: 'Content-Length "010"',
        send: post('Content-Length: 010', '', '0123456789'),
        ...AMBIGUOUS,
        upstream: [{ ...seen, body: '0123456789' }],
      },
      ...BAD_LENGTHS.map((length) => ({
        name: `Content-Length ${JSON.stringify(length)}`,
        send: post(`Content-Length: ${length}`, '', 'hello'),
        refused: AMBIGUOUS.refused,
      })),
      {
        name: 'a length with white space around it',
        send: post('Content-Length: \t 5 \t', '', 'hello'),
        upstream: [{ ...hello[0]!, lines: [`Host: ${host}`] }],
      },
      {
        name: 'a length of nothing',
        send: post('Content-Length: 0', '', ''),
        upstream: [{ ...seen, lines: [`Host: ${host}`], framing: 'length' as const }],
      },
      {
        name: 'an underscored alias of the length is not believed',
        send: `GET ${path}/a HTTP/1.1⏎Host: ${host}⏎Content_Length: 30⏎⏎${get('b')}`,
        upstream: [{ start: `GET ${path}/a HTTP/1.1`, lines: [`Host: ${host}`] }, { start: `GET ${path}/b HTTP/1.1` }],
        mayRefuse: true as const,
      },
    ]),
    ...group('F3', 'RFC 9112 §6.1', [
      ...BAD_CODINGS.map((coding) => ({
        name: `Transfer-Encoding ${JSON.stringify(coding)}`,
        send: post(`Transfer-Encoding: ${coding}`, '', '0', '', '') + smuggled,
        refused: AMBIGUOUS.refused,
      })),
      ...[', chunked', 'chunked,'].map((coding) => ({
        name: `Transfer-Encoding ${JSON.stringify(coding)}`,
        send: post(`Transfer-Encoding: ${coding}`, '', '0', '', '') + get('b'),
        refused: AMBIGUOUS.refused,
        // RFC 9110 §5.6.1 lets a recipient read past empty members of a list.
        upstream: [seen, { start: `GET ${path}/b HTTP/1.1` }],
      })),
      {
        name: 'two codings',
        send: post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked', '', '0', '', ''),
        ...AMBIGUOUS,
      },
      {
        name: 'a coding and a second one hidden behind it',
        send: post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity', '', '0', '', ''),
        ...AMBIGUOUS,
      },
      {
        name: 'a coding in HTTP/1.0',
        send: post('Transfer-Encoding: chunked', '', '0', '', '').replace('HTTP/1.1', 'HTTP/1.0') + smuggled,
        ...AMBIGUOUS,
      },
      {
        name: 'a space before the colon of a coding',
        send: post('Transfer-Encoding : chunked', '', '0', '', ''),
        ...MALFORMED,
      },
      {
        name: 'a coding after a space, first line',
        send: `POST ${path}/a HTTP/1.1⏎ Transfer-Encoding: chunked⏎Host: ${host}⏎⏎0⏎⏎`,
        ...MALFORMED,
      },
      {
        name: 'a coding after a space, later line (obs-fold)',
        send: post('X: y', ' Transfer-Encoding: chunked', '', '0', '', ''),
        ...MALFORMED,
      },
      {
        name: 'a coding folded onto its second line',
        send: post('Transfer-Encoding:', ' chunked', '', '0', '', ''),
        ...MALFORMED,
        upstream: [seen],
      },
      {
        name: 'a coding with a vertical tab',
        send: post('Transfer-Encoding: chunked\x0b', '', '0', '', ''),
        ...MALFORMED,
      },
      { name: 'a coding with a NUL', send: post('Transfer-Encoding: chunked\x00', '', '0', '', ''), ...MALFORMED },
      {
        name: 'a coding in capitals, with white space around it',
        send: post('transfer-encoding: \tCHUNKED ', '', '5', 'hello', '0', '', ''),
        upstream: [{ ...hello[0]!, lines: [`Host: ${host}`], framing: 'chunked' as const }],
      },
      {
        name: 'an underscored alias of the coding is not believed',
        send: post('Transfer_Encoding: chunked', 'Content-Length: 5', '', '0', '', '') + get('b'),
        upstream: [
          { ...seen, lines: [`Host: ${host}`], body: '0\r\n\r\n' },
          { start: `GET ${path}/b HTTP/1.1`, lines: [`Host: ${host}`] },
        ],
        mayRefuse: true as const,
      },
    ]),
    ...group('F8', 'RFC 9110 §9.3.1', [
      ...['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PROPFIND'].map((method) => ({
        name: `${method} with a body, then another request`,
        send: `${method} ${path}/a HTTP/1.1⏎Host: ${host}⏎Content-Length: 10⏎⏎0123456789${get('b')}`,
        methods: [method, 'GET'],
        upstream: [
          { start: `${method} ${path}/a HTTP/1.1`, lines: [`Host: ${host}`], body: '0123456789' },
          { start: `GET ${path}/b HTTP/1.1`, lines: [`Host: ${host}`] },
        ],
        mayRefuse: true as const,
      })),
      {
        name: 'a body that looks like a request',
        send: post(`Content-Length: ${crlf(smuggled).length}`, '', '') + smuggled,
        upstream: [{ ...seen, body: crlf(smuggled) }],
      },
      {
        name: 'a head and a body in many pieces',
        send: [`POST ${path}/a HT`, 'TP/1.1\r', `\nHost: ${host}⏎Content-Len`, 'gth: 10⏎\r', '\n0123', '45', '6789'],
        upstream: [{ ...seen, lines: [`Host: ${host}`], body: '0123456789' }],
      },
      {
        name: 'a body byte by byte',
        send: Array.from(crlf(post('Content-Length: 5', '', 'hello'))),
        upstream: [{ ...hello[0]!, lines: [`Host: ${host}`] }],
      },
    ]),
  ]
}

const BAD_LENGTHS = [
  '5,6',
  '+5',
  '-5',
  '0x10',
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
] as const

const BAD_CODINGS = [
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
] as const
