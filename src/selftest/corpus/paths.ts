/** One reading of the path: spellings that two readers take for two paths (RFC 3986 §6.2), and what an upstream may see of them. */
import { type Place, type RequestRow, group } from './row.ts'

const AMBIGUOUS = { refused: { status: 400, code: 'ambiguous-path', stays: true } } as const

/** P1, F15. */
export function paths({ host, path }: Place): RequestRow[] {
  const get = (target: string): string => `GET ${target} HTTP/1.1⏎Host: ${host}⏎⏎`
  /** Refused, or sent on as it came or as one path: never so that a forgiving upstream is led out of `path`. */
  const spelled = (below: string) => ({
    name: `path ${JSON.stringify(below)}`,
    send: get(path + below),
    ...AMBIGUOUS,
    upstream: [{ start: `GET ${ANY_TARGET} HTTP/1.1` }],
  })
  const same = (below: string, canonical: string) => ({
    name: `path ${JSON.stringify(below)} is ${canonical}`,
    send: get(below.startsWith('http') ? below : path + below),
    upstream: [{ start: `GET ${path}${canonical} HTTP/1.1` }],
    mayRefuse: true as const,
  })

  return [
    ...group('P1', 'RFC 3986 §6.2', [
      ...AMBIGUOUS_PATHS.map(spelled),
      ...SPELLINGS_OF_ADMIN.map((below) => same(below, '/admin')),
      same(`http://${host}${path}/x`, '/x'),
      same(`http://${host}${path}//a/%2e%2e/%61dmin`, '/admin'),
      {
        name: 'a path without its slash',
        send: get('a'),
        refused: { status: 400, code: 'malformed-request' },
      },
      {
        name: 'a fragment in the target',
        send: get(`${path}/a#f`),
        refused: { status: 400, code: 'malformed-request' },
        upstream: [{ start: `GET ${ANY_TARGET} HTTP/1.1` }],
      },
    ]),
    ...group('F15', 'RFC 9110 §5.5', [
      {
        name: 'line ends in escapes do not become line ends',
        send: get(`${path}/a%0d%0aX-Injected:%201?b=%0d%0aX-Injected:%201`),
        ...AMBIGUOUS,
        upstream: [{ start: `GET ${ANY_TARGET} HTTP/1.1` }],
        never: ['\r\nx-injected'],
      },
    ]),
  ]
}

/** In the first line of a Seen: whichever target, as long as it does not lead out. */
export const ANY_TARGET = '<any>'

/** The path that the most forgiving of upstreams reads: one that decodes everything and takes every kind of slash. */
export function forgivingPath(target: string): string {
  let decoded = target.replace(/[?#].*$/s, '').replace(/^https?:\/\/[^/]*/i, '')
  for (let before = ''; before !== decoded;) {
    before = decoded
    decoded = decoded.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
  const out: string[] = []
  for (const segment of decoded.replaceAll('\\', '/').split('/')) {
    const name = segment.replace(/[;\0].*$/s, '')
    if (name === '..') out.pop()
    else if (name !== '.' && name !== '') out.push(name)
  }
  return `/${out.join('/')}`
}

/** Spellings that two readers take for two paths. */
export const AMBIGUOUS_PATHS = [
  '/%2fadmin',
  '/a%2f',
  '/a%2Fb',
  '/a/..%2f..%2fadmin',
  '/a\\b',
  '/a/..\\..\\admin',
  '/a%5cb',
  '/a%5Cb',
  '/a/..%5c..%5cadmin',
  '/a%00',
  '/a%00/../../admin',
  '/a%0a',
  '/a%0d%0aX:y',
  '/a%7f',
  '/a;x=1/b',
  '/a/..;/..;/admin',
  '/a/.;/admin',
  '/a%3bx=1/b',
  '/a%zz',
  '/a%',
  '/a%4',
  '/a%g0',
  '/a%u0041',
  '/a%+1',
] as const

/** Spellings that have one reading: `/admin`. */
export const SPELLINGS_OF_ADMIN = [
  '/admin',
  '/a/../admin',
  '/a/%2e%2e/admin',
  '/a/.%2E/admin',
  '/a/%2e./admin',
  '/a/b/../../admin',
  '//admin',
  '/./admin',
  '/%2e/admin',
  '/%61dmin',
  '/%61%64%6D%69%6e',
] as const
