/** One reading of the host and of the method: what names two hosts or none is refused, and a method is only itself (RFC 9112 §3.2). */
import { type Place, type RequestRow, group } from './row.ts'

const INVALID_HOST = { refused: { status: 400, code: 'invalid-host' } } as const

/** P2, P6. */
export function hosts({ host, path }: Place): RequestRow[] {
  const get = (...lines: string[]): string => `GET ${path}/a HTTP/1.1⏎${lines.map((line) => `${line}⏎`).join('')}⏎`
  const bare = host.replace(/:\d+$/, '')
  const seen = [{ start: `GET ${path}/a HTTP/1.1` }]
  const method = (name: string) => ({
    name: `method ${name} is itself`,
    send: `${name} ${path}/method HTTP/1.1⏎Host: ${host}⏎⏎`,
    methods: [name],
    upstream: [{ start: `${name} ${path}/method HTTP/1.1` }],
    mayRefuse: true as const,
  })

  return [
    ...group('P2', 'RFC 9112 §3.2', [
      { name: 'no Host', send: get(), ...INVALID_HOST },
      { name: 'Host twice', send: get(`Host: ${host}`, 'Host: b'), ...INVALID_HOST },
      { name: 'Host twice the same', send: get(`Host: ${host}`, `host: ${host}`), ...INVALID_HOST },
      {
        name: 'Host twice (HTTP/1.0)',
        send: get(`Host: ${host}`, 'Host: b').replace('1.1', '1.0'),
        ...INVALID_HOST,
      },
      {
        // The absolute form wins (RFC 9112 §3.2.2): what goes on must not name the other one.
        name: 'absolute form and another Host',
        send: get(`Host: other.example`).replace(path + '/a', `http://${host}${path}/a`),
        ...INVALID_HOST,
        upstream: seen,
        never: ['other.example'],
      },
      {
        name: 'absolute form with user information',
        send: get(`Host: ${host}`).replace(path + '/a', `http://u@${host}${path}/a`),
        ...INVALID_HOST,
      },
      {
        name: 'absolute form and another port',
        send: get(`Host: ${bare}:82`).replace(path + '/a', `http://${bare}:81${path}/a`),
        ...INVALID_HOST,
      },
      {
        name: 'absolute form with user information in Host too',
        send: get(`Host: u@${host}`).replace(path + '/a', `http://u@${host}${path}/a`),
        ...INVALID_HOST,
      },
      ...BAD_HOSTS.map((name) => ({
        name: `Host: ${JSON.stringify(name)}`,
        send: get(`Host: ${name}`),
        refused: INVALID_HOST.refused,
      })),
    ]),
    ...group('P6', 'RFC 9110 §9.1', [
      ...['get', 'Get', 'PROPFIND', 'X-ANY', "!#$%&'*+-.^_`|~"].map(method),
      {
        name: 'a method in a header overrides nothing',
        send: `POST ${path}/method HTTP/1.1⏎Host: ${host}⏎X-HTTP-Method-Override: GET⏎X-Method-Override: GET⏎Content-Length: 0⏎⏎`,
        upstream: [{ start: `POST ${path}/method HTTP/1.1`, framing: 'length' as const }],
        mayRefuse: true as const,
      },
      {
        name: 'a method of 100 letters',
        send: `${'M'.repeat(100)} ${path}/a HTTP/1.1⏎Host: ${host}⏎⏎`,
        refused: { status: 501, code: 'method-not-implemented' },
        upstream: [{ start: `${'M'.repeat(100)} ${path}/a HTTP/1.1` }],
      },
    ]),
  ]
}

const BAD_HOSTS = [
  '',
  'user@a',
  'user:pass@a',
  'a,b',
  'a, b',
  'a b',
  'a/b',
  'a?b',
  'a#b',
  'a\\b',
  'a:0',
  'a:65536',
  'a:99999',
  'a:80:80',
  'a:8x',
  'a:-1',
  ':80',
  '[::1',
  '::1',
  '[::1]x',
  '[g::1]',
  'a"b',
  'a<b',
  'a^b',
  'a|b',
  '{a}',
  'a\x80',
  '\xe9',
  'http://a',
] as const
