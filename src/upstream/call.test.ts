/** call: one request, one result, however the other side behaves. */
import assert from 'node:assert/strict'
import { after, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HeldClock } from '../../test/support/policy.ts'
import { RecordingUpstream, type Script, ok } from '../selftest/recording-upstream.ts'
import type { OutboundTimeouts } from '../wire/outbound.ts'
import { Deadlines } from '../wire/deadlines.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import { type Pool, Pools } from '../wire/pool.ts'
import { type CallRequest, type CallResult, call } from './call.ts'

const upstream = await RecordingUpstream.start()
const clock = new HeldClock()
const deadlines = new Deadlines(clock)
let pools = new Pools(deadlines)
let pool: Pool
beforeEach(() => {
  pools.close()
  pools = new Pools(deadlines)
  pool = pools.of(upstream.url, null)
})
after(async () => {
  pools.close()
  await upstream.close()
  deadlines.close()
})

const NONE: OutboundTimeouts = { connectMs: 0, firstByteMs: 0, idleMs: 0, totalMs: 0 }
const BODY = Buffer.from('{"a":1}')

/** Calls, and checks that the result comes once. */
async function send(script: Script, options: Partial<CallRequest> = {}): Promise<CallResult> {
  upstream.script = script
  const results: CallResult[] = []
  const body = options.body ?? BODY
  const headers = new OutgoingHead()
  headers.append('Content-Length', String(body.length))
  const request = {
    method: 'POST',
    target: '/hook',
    host: 'a',
    headers,
    chunked: false,
    upgrade: '',
    takesTrailers: false,
  }
  const result = await new Promise<CallResult>((resolve) => {
    call(pool, { request, body, timeouts: NONE, keepBytes: 10, ...options }, (one) => {
      results.push(one)
      resolve(one)
    })
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(results.length, 1)
  return result
}

const answer = (status: number, lines: readonly string[], body = ''): Script => {
  const all = [`HTTP/1.1 ${status} X`, ...lines, `Content-Length: ${body.length}`]
  return { answer: `${all.join('\r\n')}\r\n\r\n${body}` }
}

describe('call', () => {
  it('sends the head and the body and gives back status and body', async () => {
    const before = upstream.requests.length
    assert.deepEqual(await send(ok('thanks')), {
      status: 200,
      failure: null,
      body: 'thanks',
      retryAfter: null,
      control: null,
    })
    const [request] = upstream.requests.slice(before)
    assert.equal(request!.start, 'POST /hook HTTP/1.1')
    assert.equal(request!.body.toString(), '{"a":1}')
  })

  it('sends a body that is no Buffer, and one that is empty', async () => {
    const before = upstream.requests.length
    await send(ok(), { body: new Uint8Array(BODY) })
    await send(ok(), { body: new Uint8Array(0) })
    assert.deepEqual(
      upstream.requests.slice(before).map((one) => one.body.toString()),
      ['{"a":1}', ''],
    )
  })

  it('uses a connection for the next call', async () => {
    await send(ok())
    const { connection } = upstream.requests.at(-1)!
    await send(ok())
    assert.equal(upstream.requests.at(-1)!.connection, connection)
  })

  for (const [name, script, body, reused] of [
    ['as much as there is', answer(200, [], '123456789'), '123456789', true],
    ['exactly as much as is kept', answer(200, [], '1234567890'), '1234567890', true],
    ['more', answer(200, [], '12345678901'), '1234567890', false],
    ['much more', answer(500, [], 'x'.repeat(300_000)), 'xxxxxxxxxx', false],
    [
      'without an end',
      { answer: (socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n123456789012345') },
      '1234567890',
      false,
    ],
  ] satisfies [string, Script, string, boolean][]) {
    it(`keeps no more of an answer than it should: ${name}`, async () => {
      const result = await send(script)
      assert.deepEqual([result.body, result.failure], [body, null])
      const { connection } = upstream.requests.at(-1)!
      if (reused) assert.equal(connection.over, 'no')
      else await upstream.until(() => (connection.over === 'no' ? undefined : true), 'the end of the connection')
    })
  }

  it('keeps nothing when nothing is to be kept', async () => {
    assert.deepEqual(await send(ok('body'), { keepBytes: 0 }), {
      status: 200,
      failure: null,
      body: '',
      retryAfter: null,
      control: null,
    })
  })

  it('reads what is kept as UTF-8, though a character be cut in two', async () => {
    const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n€€€€')
    assert.equal((await send({ answer: bytes })).body, '€€€\ufffd')
  })

  for (const [status, lines, kept] of [
    [429, ['Retry-After: 120'], '120'],
    [503, ['retry-after: Fri, 31 Dec 1999 23:59:59 GMT'], 'Fri, 31 Dec 1999 23:59:59 GMT'],
    [301, ['Retry-After: 5'], '5'],
    [429, [], null],
    [200, ['Retry-After: 120'], null],
  ] as const) {
    it(`keeps Retry-After of ${status} as ${kept}`, async () => {
      assert.equal((await send(answer(status, lines))).retryAfter, kept)
    })
  }

  it('does not follow a redirect', async () => {
    const before = upstream.requests.length
    assert.equal((await send(answer(307, [`Location: ${upstream.url}/elsewhere`]))).status, 307)
    assert.equal(upstream.requests.length, before + 1)
  })

  it('leaves interim answers out', async () => {
    const bytes = 'HTTP/1.1 103 Early\r\nRetry-After: 9\r\n\r\nHTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n'
    assert.deepEqual(await send({ answer: bytes }), {
      status: 500,
      failure: null,
      body: '',
      retryAfter: null,
      control: null,
    })
  })

  for (const [name, script, result] of [
    [
      'before any answer',
      { answer: (socket) => socket.resetAndDestroy() },
      { status: 0, failure: 'reset', body: 'ECONNRESET' },
    ],
    [
      'in its body',
      { answer: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab') },
      { status: 200, failure: 'reset', body: 'ab' },
    ],
    ['with nonsense', { answer: 'nonsense\r\n\r\n' }, { status: 0, failure: 'invalid-answer', body: '' }],
  ] satisfies [string, Script, Omit<CallResult, 'retryAfter' | 'control'>][]) {
    it(`says how it failed: ${name}`, async () => {
      assert.deepEqual(await send(script), { ...result, retryAfter: null, control: null })
    })
  }

  it('replaces a kept connection that is dead, once', async () => {
    await send(ok())
    const before = upstream.requests.length
    const replaced = await send({
      answer: (socket, nth) => {
        if (nth > 0) socket.resetAndDestroy()
        else socket.write('HTTP/1.1 204 No\r\n\r\n')
      },
    })
    assert.deepEqual([replaced.status, upstream.requests.length - before], [204, 2])
    const again = await send({ answer: (socket) => socket.resetAndDestroy() })
    assert.deepEqual([again.failure, upstream.requests.length - before], ['reset', 4])
  })

  it('ends when its time is over', async () => {
    const sent = send({ answer: () => {} }, { timeouts: { ...NONE, totalMs: 5_000 } })
    const before = upstream.requests.length
    await upstream.untilRequests(before + 1)
    clock.advance(5_000)
    while (deadlines.now !== clock.elapsed()) await sleep(5)
    assert.equal((await sent).failure, 'total-timeout')
  })
})
