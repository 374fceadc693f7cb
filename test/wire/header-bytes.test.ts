/** The bytes of header lines: what may stand in them goes on as it came, in its own case and order; what may not is refused (RFC 9110 §5). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forwardings } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isRefusal, refusals } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

const MALFORMED = { status: 400, code: 'malformed-request' }
const TOO_LARGE = { status: 431, code: 'head-too-large' }

const TOKEN = "!#$%&'*+-.^`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
const visible = bytes.filter((byte) => (byte >= ' ' && byte <= '~') || byte === '\t' || byte >= '\x80')

/** Sends each on a connection of its own: all must be refused, with nothing upstream. */
async function allRefused(row: string, sends: readonly string[]): Promise<void> {
  for (const send of sends) {
    const client = await rig.connect()
    await client.send(crlf(send))
    isRefusal(await client.finalResponse(), MALFORMED)
    assert.equal((await client.closed()).rest, '', JSON.stringify(send))
    client.close()
  }
  const trace = await rig.settle(
    row,
    sends.map(() => ({ reason: MALFORMED.code, status: MALFORMED.status })),
  )
  assert.deepEqual(trace, { requests: [], partial: [] })
}

test('refused: every byte in a name that is no token', () => {
  const forbidden = bytes.filter((byte) => !TOKEN.includes(byte) && byte !== '_' && byte !== ':')
  return allRefused(
    'bytes in a name',
    forbidden.map((byte) => `GET / HTTP/1.1⏎Host: a⏎X${byte}Y: z⏎⏎`),
  )
})

test('refused: every control in a value', () => {
  const forbidden = bytes.filter((byte) => !visible.includes(byte))
  return allRefused(
    'controls in a value',
    forbidden.map((byte) => `GET / HTTP/1.1⏎Host: a⏎X: y${byte}z⏎⏎`),
  )
})

test('refused: every byte in a method that is no token', () => {
  const forbidden = bytes.filter((byte) => !TOKEN.includes(byte) && byte !== '_' && byte !== ' ')
  return allRefused(
    'bytes in a method',
    forbidden.map((byte) => `G${byte}T / HTTP/1.1⏎Host: a⏎⏎`),
  )
})

refusals(rig, [
  { name: 'a line without a colon', send: 'GET / HTTP/1.1⏎Host: a⏎X⏎⏎', ...MALFORMED },
  { name: 'an empty name', send: 'GET / HTTP/1.1⏎Host: a⏎: y⏎⏎', ...MALFORMED },
  { name: 'a space before the colon', send: 'GET / HTTP/1.1⏎Host: a⏎X : y⏎⏎', ...MALFORMED },
  { name: 'a tab before the colon', send: 'GET / HTTP/1.1⏎Host: a⏎X\t: y⏎⏎', ...MALFORMED },
  { name: 'a space before the colon of Host', send: 'GET / HTTP/1.1⏎Host : a⏎⏎', ...MALFORMED },
  { name: '101 lines', send: `GET / HTTP/1.1⏎Host: a⏎${'X: y⏎'.repeat(100)}⏎`, ...TOO_LARGE },
  { name: '1000 lines', send: `GET / HTTP/1.1⏎Host: a⏎${'X: y⏎'.repeat(999)}⏎`, ...TOO_LARGE },
  { name: 'a line of 32 KB', send: `GET / HTTP/1.1⏎Host: a⏎X: ${'y'.repeat(32_768)}⏎⏎`, ...TOO_LARGE },
  { name: 'a head of 32 KB', send: `GET / HTTP/1.1⏎Host: a⏎${`X: ${'y'.repeat(1_000)}⏎`.repeat(32)}⏎`, ...TOO_LARGE },
  {
    name: 'a head of 32 KB in pieces',
    send: ['GET / HTTP/1.1⏎Host: a⏎', ...Array.from({ length: 32 }, () => `X: ${'y'.repeat(1_000)}⏎`), '⏎'],
    ...TOO_LARGE,
  },
  { name: 'a head that never ends', send: `GET / HTTP/1.1⏎Host: a⏎X: ${'y'.repeat(100_000)}`, ...TOO_LARGE },
  {
    name: 'a target of 10 KB',
    send: `GET /${'a'.repeat(10_000)} HTTP/1.1⏎Host: a⏎⏎`,
    status: 414,
    code: 'target-too-long',
  },
  {
    name: 'a target that never ends',
    send: `GET /${'a'.repeat(100_000)}`,
    status: 414,
    code: 'target-too-long',
  },
  {
    name: 'a method of 100 letters',
    send: `${'M'.repeat(100)} / HTTP/1.1⏎Host: a⏎⏎`,
    status: 501,
    code: 'method-not-implemented',
  },
])

forwardings(rig, [
  {
    name: 'names in their own case and order, twins side by side',
    send: 'GET /a HTTP/1.1⏎x-FIRST: 1⏎hOsT: a⏎X-Twin: 1⏎x-twin: 2⏎accept: */*⏎X-TWIN: 3⏎COOKIE: a=b⏎⏎',
    upstream: [
      {
        start: 'GET /a HTTP/1.1',
        lines: ['x-FIRST: 1', 'hOsT: a', 'X-Twin: 1', 'x-twin: 2', 'accept: */*', 'X-TWIN: 3', 'COOKIE: a=b'],
      },
    ],
  },
  {
    name: 'fields that should come once and come twice: every line goes on, in order, for policies and services to judge',
    send: 'GET /a HTTP/1.1⏎Content-Type: a/b⏎Authorization: Basic one⏎Host: a⏎content-type: c/d⏎authorization: Bearer two⏎Cookie: a⏎Cookie: b⏎⏎',
    upstream: [
      {
        start: 'GET /a HTTP/1.1',
        lines: [
          'Content-Type: a/b',
          'Authorization: Basic one',
          'Host: a',
          'content-type: c/d',
          'authorization: Bearer two',
          'Cookie: a',
          'Cookie: b',
        ],
      },
    ],
  },
  {
    name: 'every byte of a token in a name',
    send: `GET /a HTTP/1.1⏎Host: a⏎${TOKEN}: y⏎⏎`,
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a', `${TOKEN}: y`] }],
  },
  {
    name: 'every visible byte in a value, those above ASCII too',
    send: `GET /a HTTP/1.1⏎Host: a⏎X: y${visible.join('')}z⏎⏎`,
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a', `X: y${visible.join('')}z`] }],
  },
  {
    name: 'values empty, blank and padded',
    send: 'GET /a HTTP/1.1⏎Host:a⏎Empty:⏎Blank: \t ⏎Padded: \t y  z \t⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a', 'Empty: ', 'Blank: ', 'Padded: y  z'] }],
  },
  {
    name: '100 lines',
    send: `GET /a HTTP/1.1⏎Host: a⏎${'X: y⏎'.repeat(99)}⏎`,
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a', ...Array.from({ length: 99 }, () => 'X: y')] }],
  },
  {
    name: 'a line of 8 KB',
    send: `GET /a HTTP/1.1⏎Host: a⏎X: ${'y'.repeat(8_192)}⏎⏎`,
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a', `X: ${'y'.repeat(8_192)}`] }],
  },
  {
    name: 'names with an underscore are dropped',
    send: 'GET /a HTTP/1.1⏎Host: a⏎X_User: root⏎_: y⏎X-User: me⏎X-Other_: z⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', lines: ['Host: a', 'X-User: me'] }],
  },
  {
    name: 'no lines at all (HTTP/1.0)',
    send: 'GET /a HTTP/1.0⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', hostless: true }],
  },
])

rig.checkRecords()
