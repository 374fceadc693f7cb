/** Fields that end at a gateway, that nobody may take away, that a client may not say of itself (RFC 9110 §7.6). */
import { crlf } from '../notation.ts'
import { type Place, type RequestRow, group } from './row.ts'

const NO_CONNECT = { refused: { status: 501, code: 'method-not-implemented' } } as const
const NO_EXPECT = { refused: { status: 417, code: 'expectation-failed' } } as const

/** F10, F11, F13, P3, P4, P5, S1. */
export function fields({ host, path }: Place): RequestRow[] {
  const start = `GET ${path}/a HTTP/1.1`
  const own = `Host: ${host}`
  const get = (...lines: string[]): string => `${start}⏎${own}⏎${lines.map((line) => `${line}⏎`).join('')}⏎`
  const post = (...lines: string[]): string => get(...lines).replace('GET', 'POST')
  const seen = (...lines: string[]) => [{ start, lines: [own, ...lines] }]
  const next = `GET ${path}/b HTTP/1.1⏎${own}⏎⏎`
  const then = { start: `GET ${path}/b HTTP/1.1`, lines: [own] }
  const inner = `GET ${path}/smuggled HTTP/1.1⏎${own}⏎⏎`
  const innerBytes = crlf(inner).length
  const posted = { start: start.replace('GET', 'POST'), lines: [own] }

  return [
    ...group('F10', 'RFC 9110 §7.6.1', [
      {
        name: 'fields that Connection names are dropped, whatever their case',
        send: `${start}⏎X-One: 1⏎${own}⏎Connection: keep-alive, x-one ,X-TWO⏎x-two: 2⏎X-Three: 3⏎⏎`,
        upstream: seen('X-Three: 3'),
        never: ['\r\nx-one:', '\r\nx-two:'],
      },
      {
        name: 'on two lines',
        send: get('Connection: X-One', 'X-One: 1', 'CONNECTION: X-Two', 'X-Two: 2'),
        upstream: seen(),
        never: ['\r\nx-one:', '\r\nx-two:'],
      },
      {
        name: 'every twin of a field it names',
        send: get('X-One: 1', 'Connection: X-One', 'x-one: 2'),
        upstream: seen(),
        never: ['\r\nx-one:'],
      },
      {
        name: 'empty options and fields that are not there',
        send: get('Connection: , ,X-Absent,,'),
        upstream: seen(),
      },
      {
        name: 'Content-Length cannot be taken away',
        send: post('Connection: Content-Length', `Content-Length: ${innerBytes}`) + inner + next,
        upstream: [{ ...posted, body: crlf(inner) }, then],
        mayRefuse: true as const,
      },
      {
        name: 'Transfer-Encoding cannot be taken away',
        send: `${post('Connection: Transfer-Encoding', 'Transfer-Encoding: chunked')}5⏎hello⏎0⏎⏎${next}`,
        upstream: [{ ...posted, body: 'hello', framing: 'chunked' as const }, then],
        mayRefuse: true as const,
      },
      { name: 'Host cannot be taken away', send: get('Connection: Host') + next, upstream: [...seen(), then] },
      {
        name: 'Authorization and Cookie cannot be taken away',
        send: get('Connection: Authorization, cookie', 'Authorization: Basic eDp5', 'Cookie: a=b'),
        upstream: seen('Authorization: Basic eDp5', 'Cookie: a=b'),
      },
      {
        name: 'what a gateway says of the client cannot be taken away',
        send: get(
          'Connection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host',
          'X-Forwarded-For: 203.0.113.7',
          'X-Forwarded-Proto: https',
          'X-Forwarded-Host: evil.example',
        ),
        upstream: seen(),
        never: ['203.0.113.7', 'evil.example'],
      },
      { name: 'Connection names itself', send: get('Connection: Connection'), upstream: seen() },
    ]),
    ...group('F11', 'RFC 9110 §10.1.1', [
      ...['y 100-continue', '100-continue, y', '100-continue;q=1', '100', '"100-continue"', '200-ok', ''].map(
        (value) => ({
          name: `Expect ${JSON.stringify(value)}`,
          send: `${post(`Expect: ${value}`, 'Content-Length: 5')}hello`,
          refused: NO_EXPECT.refused,
          // It may also be passed on for the upstream to judge.
          upstream: [{ ...posted, body: 'hello' }],
        }),
      ),
      {
        name: 'Expect twice',
        send: `${post('Expect: 100-continue', 'Expect: y', 'Content-Length: 5')}hello`,
        ...NO_EXPECT,
        upstream: [{ ...posted, body: 'hello' }],
      },
    ]),
    ...group('F13', 'RFC 9110 §9.3.6', [
      { name: 'CONNECT to another host', send: 'CONNECT x:1 HTTP/1.1⏎Host: x:1⏎⏎', ...NO_CONNECT },
      { name: 'CONNECT with a path', send: get().replace('GET', 'CONNECT'), ...NO_CONNECT },
      {
        name: 'CONNECT with a body that is a request',
        send: `CONNECT x:1 HTTP/1.1⏎Host: x:1⏎Content-Length: ${innerBytes}⏎⏎${inner}`,
        ...NO_CONNECT,
      },
    ]),
    ...group('F13', 'CVE-2026-88008', [
      {
        name: 'an upgrade to h2c is not asked for upstream',
        send: get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA'),
        upstream: seen(),
        never: ['h2c', 'http2-settings'],
        mayRefuse: true as const,
      },
      {
        name: 'an upgrade to h2c that Connection does not name',
        send: get('Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA'),
        upstream: seen(),
        never: ['h2c', 'http2-settings'],
        mayRefuse: true as const,
      },
    ]),
    ...group('P3', 'RFC 7239 §8.1', [
      ...FORWARDED.map((line) => ({
        name: `dropped: ${line}`,
        send: get(line, 'X: y'),
        upstream: seen('X: y'),
        never: ['203.0.113.7', 'evil.example', line.toLowerCase()],
        mayRefuse: true as const,
      })),
      {
        name: 'dropped: all of them, twice',
        send: get(...FORWARDED, ...FORWARDED),
        upstream: seen(),
        never: ['203.0.113.7', 'evil.example'],
        mayRefuse: true as const,
      },
      {
        name: 'dropped: 200 addresses in one line',
        send: get(`X-Forwarded-For: ${Array.from({ length: 200 }, () => '203.0.113.7').join(', ')}`),
        upstream: seen(),
        never: ['203.0.113.7'],
        mayRefuse: true as const,
      },
    ]),
    ...group('P4', 'RFC 3875 §4.1.18', [
      {
        name: 'names with an underscore are dropped',
        send: get('X_User: root', '_: y', 'X-User: me', 'X-Other_: z'),
        upstream: seen('X-User: me'),
        never: ['x_user', '\r\n_:', 'x-other_'],
        mayRefuse: true as const,
      },
    ]),
    ...group('P5', 'RFC 9110 §5.3', [
      {
        name: 'names in their own order, twins side by side: none is chosen silently',
        send: `${start}⏎x-FIRST: 1⏎${own}⏎X-Twin: 1⏎x-twin: 2⏎accept: */*⏎X-TWIN: 3⏎COOKIE: a=b⏎⏎`,
        upstream: [
          { start, lines: ['x-FIRST: 1', own, 'X-Twin: 1', 'x-twin: 2', 'accept: */*', 'X-TWIN: 3', 'COOKIE: a=b'] },
        ],
      },
    ]),
    ...group('S1', 'RFC 9110 §7.6.1', [
      {
        name: 'every field about the connection is dropped, what stands between stays',
        send:
          `${start}⏎X-1: 1⏎Connection: keep-alive⏎Keep-Alive: timeout=5⏎${own}⏎Proxy-Connection: keep-alive⏎X-2: 2⏎` +
          'TE: gzip⏎Trailer: X-3⏎Upgrade: foo/2⏎Proxy-Authorization: Basic eDp5⏎Proxy-Authenticate: Basic⏎X-3: 3⏎⏎',
        upstream: [{ start, lines: ['X-1: 1', own, 'X-2: 2', 'X-3: 3'] }],
        never: ['timeout=5', '\r\nproxy-', 'te: gzip', 'foo/2'],
        mayRefuse: true as const,
      },
      {
        name: 'whatever their case',
        send: get('CONNECTION: Keep-Alive', 'KEEP-ALIVE: timeout=5', 'uPGRADE: foo', 'tRAILER: x'),
        upstream: seen(),
        never: ['timeout=5', 'upgrade: foo'],
        mayRefuse: true as const,
      },
    ]),
  ]
}

const FORWARDED = [
  'X-Forwarded-For: 203.0.113.7',
  'X-Forwarded-Proto: httpx',
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Port: 44300',
  'X-Forwarded-Prefix: /evil.example',
  'X-Forwarded-Server: evil.example',
  'X-Forwarded-Client-Cert: Hash=evil.example',
  'X-Forwarded-Anything: evil.example',
  'X-Real-IP: 203.0.113.7',
  'Client-Cert: :AAAA:',
  'Client-Cert-Chain: :AAAA:',
  'X-Original-URL: /evil.example',
  'X-Rewrite-URL: /evil.example',
  'Forwarded: for=203.0.113.7;proto=https;host=evil.example',
  'X_Forwarded_For: 203.0.113.7',
  'X_Forwarded_Proto: httpx',
  'X-Forwarded_Host: evil.example',
] as const
