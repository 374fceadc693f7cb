/** The bytes of header lines: what may stand in them goes on as it came, in its own case and order; what may not is refused (RFC 9110 §5). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fields } from '../../src/selftest/corpus/fields.ts'
import { HERE, requests } from './corpus.ts'
import { forwardings } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isRefusal } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

const MALFORMED = { status: 400, code: 'malformed-request' }

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

requests(
  rig,
  fields(HERE).filter(({ id }) => id === 'P4' || id === 'P5'),
)

forwardings(rig, [
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
    name: 'no lines at all (HTTP/1.0)',
    send: 'GET /a HTTP/1.0⏎⏎',
    upstream: [{ start: 'GET /a HTTP/1.1', hostless: true }],
  },
])

rig.checkRecords()
