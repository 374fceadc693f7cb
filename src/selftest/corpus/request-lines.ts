/** How lines end, and what may stand in them: the first line and the fields of a request (RFC 9112 §2–§5, RFC 9110 §5). */
import { type Place, type RequestRow, group } from './row.ts'

const MALFORMED = { refused: { status: 400, code: 'malformed-request' } } as const
const TOO_LARGE = { refused: { status: 431, code: 'head-too-large' } } as const
const UNKNOWN_VERSION = { refused: { status: 505, code: 'version-not-supported' } } as const
const LINES_MAX = 100

/** F5, F7. */
export function requestLines({ host, path }: Place): RequestRow[] {
  const first = `GET ${path}/a HTTP/1.1`
  const named = `${first}⏎Host: ${host}`
  const seen = [{ start: first }]
  /** RFC 9112 §2.2 and §3 let a recipient read these as what they nearly are. */
  const lenient = { ...MALFORMED, upstream: seen }

  return [
    ...group('F5', 'RFC 9112 §2.2', [
      { name: 'a line feed alone after the request line', send: `${first}\nHost: ${host}⏎⏎`, ...lenient },
      { name: 'a line feed alone between lines', send: `${named}\nX: y⏎⏎`, ...lenient },
      { name: 'a line feed alone as the blank line', send: `${named}⏎\n`, ...lenient },
      { name: 'line feeds alone throughout', send: `${first}\nHost: ${host}\n\n`, ...lenient },
      { name: 'a line feed before the request line', send: `\n${named}⏎⏎`, ...lenient },
      {
        name: 'a carriage return alone in the request line',
        send: named.replace(' HTTP', '\r HTTP') + '⏎⏎',
        ...MALFORMED,
      },
      { name: 'a carriage return alone in a value', send: `${named}⏎X: y\rZ: 1⏎⏎`, ...MALFORMED },
      { name: 'a carriage return alone before a line', send: `${named}⏎\rX: y⏎⏎`, ...MALFORMED },
      { name: 'CR CR LF as a line end', send: `${named}\r⏎⏎`, ...MALFORMED },
      { name: 'a blank line of CR and a letter', send: `${named}⏎\rX⏎⏎`, ...MALFORMED },
      {
        name: 'an empty line before the request line',
        send: `⏎${named}⏎⏎`,
        upstream: [{ start: first, lines: [`Host: ${host}`] }],
        mayRefuse: true as const,
      },
      {
        name: 'an empty line before the request line, byte by byte',
        send: Array.from(`⏎${named}⏎⏎`),
        upstream: [{ start: first, lines: [`Host: ${host}`] }],
        mayRefuse: true as const,
      },
      {
        name: 'an empty line after a body, as old clients send it',
        send: `POST ${path}/a HTTP/1.1⏎Host: ${host}⏎Content-Length: 5⏎⏎hello⏎GET ${path}/b HTTP/1.1⏎Host: ${host}⏎⏎`,
        upstream: [{ start: `POST ${path}/a HTTP/1.1`, body: 'hello' }, { start: `GET ${path}/b HTTP/1.1` }],
        mayRefuse: true as const,
      },
    ]),
    ...group('F5', 'RFC 9112 §5.2', [
      { name: 'a fold', send: `${named}⏎X: y⏎ z⏎⏎`, ...lenient },
      { name: 'a fold by a tab', send: `${named}⏎X: y⏎\tz⏎⏎`, ...lenient },
      { name: 'white space before the first line', send: `${first}⏎ Host: ${host}⏎⏎`, ...MALFORMED },
    ]),
    ...group('F7', 'RFC 9112 §3', [
      { name: 'two spaces in the request line', send: named.replace('GET ', 'GET  ') + '⏎⏎', ...lenient },
      { name: 'a tab in the request line', send: named.replace('GET ', 'GET\t') + '⏎⏎', ...lenient },
      { name: 'a space after the version', send: named.replace('/1.1', '/1.1 ') + '⏎⏎', ...lenient },
      { name: 'a space before the method', send: ` ${named}⏎⏎`, ...MALFORMED },
      { name: 'a space inside the target', send: named.replace('/a ', '/a b ') + '⏎⏎', ...MALFORMED },
      { name: 'no target', send: `GET HTTP/1.1⏎Host: ${host}⏎⏎`, ...MALFORMED },
      { name: 'no version (HTTP/0.9)', send: `GET ${path}/a⏎⏎`, ...MALFORMED },
      { name: 'a version in lower case', send: named.replace('HTTP', 'http') + '⏎⏎', ...MALFORMED },
      { name: 'a version of two digits', send: named.replace('1.1', '1.10') + '⏎⏎', ...MALFORMED },
      { name: 'a version without its dot', send: named.replace('1.1', '11') + '⏎⏎', ...MALFORMED },
      { name: 'another protocol', send: named.replace('HTTP/1.1', 'ICAP/1.0') + '⏎⏎', ...MALFORMED },
      { name: 'a method that is no token', send: named.replace('GET', 'GE(T') + '⏎⏎', ...MALFORMED },
      { name: 'the start of a TLS handshake', send: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', ...MALFORMED },
    ]),
    ...group('F7', 'RFC 9110 §2.5', [
      // A later minor version may be read as the latest that is known.
      { name: 'a later version', send: named.replace('1.1', '1.2') + '⏎⏎', ...UNKNOWN_VERSION, upstream: seen },
    ]),
    ...group('F7', 'RFC 9110 §5', [
      ...['\x00', '\r', '\n', ' ', '\t', '(', '/', '[', '"', '\x7f', '\x80', '\xff'].map((byte) => ({
        name: `the byte ${JSON.stringify(byte)} in a name`,
        send: `${named}⏎X${byte}Y: z⏎⏎`,
        refused: MALFORMED.refused,
      })),
      ...['\x00', '\x01', '\x0b', '\x1f', '\x7f'].map((byte) => ({
        name: `the byte ${JSON.stringify(byte)} in a value`,
        send: `${named}⏎X: y${byte}z⏎⏎`,
        refused: MALFORMED.refused,
      })),
      { name: 'a line without a colon', send: `${named}⏎X⏎⏎`, ...MALFORMED },
      { name: 'an empty name', send: `${named}⏎: y⏎⏎`, ...MALFORMED },
      { name: 'a space before the colon', send: `${named}⏎X : y⏎⏎`, ...MALFORMED },
      { name: 'a tab before the colon', send: `${named}⏎X\t: y⏎⏎`, ...MALFORMED },
      { name: 'a space before the colon of Host', send: `${first}⏎Host : ${host}⏎⏎`, ...MALFORMED },
    ]),
    ...group('F7', 'RFC 9110 §5.4', [
      // How much is too much is for each to say; without end it must not be.
      { name: '101 lines', send: `${named}⏎${'X: y⏎'.repeat(LINES_MAX)}⏎`, ...TOO_LARGE, upstream: seen },
      { name: '1000 lines', send: `${named}⏎${'X: y⏎'.repeat(999)}⏎`, ...TOO_LARGE, upstream: seen },
      { name: 'a line of 32 KB', send: `${named}⏎X: ${'y'.repeat(32_768)}⏎⏎`, ...TOO_LARGE, upstream: seen },
      {
        name: 'a head of 32 KB',
        send: `${named}⏎${`X: ${'y'.repeat(1_000)}⏎`.repeat(32)}⏎`,
        ...TOO_LARGE,
        upstream: seen,
      },
      {
        name: 'a head of 32 KB in pieces',
        send: [`${named}⏎`, ...Array.from({ length: 32 }, () => `X: ${'y'.repeat(1_000)}⏎`), '⏎'],
        ...TOO_LARGE,
        upstream: seen,
      },
      { name: 'a head that never ends', send: `${named}⏎X: ${'y'.repeat(1_000_000)}`, ...TOO_LARGE },
      {
        name: 'a target of 10 KB',
        send: `GET ${path}/${'a'.repeat(10_000)} HTTP/1.1⏎Host: ${host}⏎⏎`,
        refused: { status: 414, code: 'target-too-long' },
        upstream: [{ start: `GET ${path}/${'a'.repeat(10_000)} HTTP/1.1` }],
      },
      {
        name: 'a target that never ends',
        send: `GET ${path}/${'a'.repeat(1_000_000)}`,
        refused: { status: 414, code: 'target-too-long' },
      },
    ]),
  ]
}
