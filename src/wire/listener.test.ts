/** listener: what becomes of connections when it stops, and what their time limits do. */
import assert from 'node:assert/strict'
import { type TestContext, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HeldClock } from '../../test/support/policy.ts'
import { RawClient } from '../selftest/raw-client.ts'
import { LOOPBACK } from '../../test/support/unit/loopback.ts'
import { Deadlines } from './deadlines.ts'
import { FRAMING } from './head.ts'
import type { Inbound } from './inbound.ts'
import { Listener } from './listener.ts'
import { OutgoingHead } from './outgoing.ts'

const TIMEOUTS = { headMs: 1_000, bodyIdleMs: 2_000, keepAliveMs: 5_000 }
const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** A listener whose requests wait until the test answers them. */
async function listening(t: TestContext) {
  const clock = new HeldClock()
  const deadlines = new Deadlines(clock)
  const requests: Inbound[] = []
  const events: string[] = []
  const listener = new Listener(
    {
      request: (inbound) => requests.push(inbound),
      refused: (_inbound, problem) => events.push(problem.code),
      unused: (address) => events.push(`unused ${address}`),
    },
    deadlines,
    TIMEOUTS,
  )
  const port = await listener.listen(LOOPBACK, 16)
  const clients: RawClient[] = []
  t.after(async () => {
    for (const client of clients) client.close()
    await listener.drain(0)
    deadlines.close()
  })
  const connect = async () => {
    const client = await RawClient.connect(port)
    clients.push(client)
    return client
  }
  const until = async (done: () => boolean) => {
    while (!done()) await sleep(5)
  }
  const pass = async (ms: number) => {
    clock.advance(ms)
    await until(() => deadlines.now === clock.elapsed())
  }
  return { listener, requests, events, connect, until, pass, port }
}

function answer(inbound: Inbound, body = 'ok'): void {
  const headers = new OutgoingHead()
  headers.append('Content-Length', String(body.length))
  inbound.respond(200, 'OK', headers, FRAMING.length, body.length)
  inbound.write(Buffer.from(body), 0, body.length)
  inbound.end()
}

describe('drain', () => {
  it('closes idle connections at once, and lets running exchanges finish', async (t) => {
    const { listener, requests, connect, until, port } = await listening(t)
    const [idle, busy] = [await connect(), await connect()]
    await busy.send(REQUEST)
    await until(() => requests.length === 1 && listener.open === 2)
    const drained = listener.drain(60_000)
    await idle.closed()
    await assert.rejects(async () => {
      const late = await RawClient.connect(port)
      await late.send(REQUEST)
      await late.response()
    })
    answer(requests[0]!)
    const got = await busy.response()
    assert.equal(got.body.toString(), 'ok')
    assert.ok(got.lines.some(([name, value]) => name === 'Connection' && value === 'close'))
    await busy.closed()
    busy.close()
    await drained
    await until(() => listener.open === 0)
  })

  it('does not wait longer than it may', async (t) => {
    const { listener, requests, connect, until } = await listening(t)
    const busy = await connect()
    await busy.send(REQUEST)
    await until(() => requests.length === 1)
    await listener.drain(10)
    await busy.closed()
    await until(() => listener.open === 0)
  })

  it('takes no further request from a connection that has one running', async (t) => {
    const { listener, requests, connect, until } = await listening(t)
    const client = await connect()
    await client.send(REQUEST + REQUEST)
    await until(() => requests.length === 1)
    const drained = listener.drain(60_000)
    answer(requests[0]!)
    await client.response()
    assert.equal((await client.closed()).rest, '')
    client.close()
    await drained
    assert.equal(requests.length, 1)
  })
})

describe('time', () => {
  it('of a head runs from its first byte, and answers 408', async (t) => {
    const { events, connect, pass, listener, until } = await listening(t)
    const client = await connect()
    await until(() => listener.open === 1)
    await client.send('GET / HT')
    await client.idle(20)
    await pass(900)
    assert.equal(client.over, 'no')
    await pass(200)
    assert.equal((await client.response()).status, 408)
    assert.deepEqual(events, ['head-timeout'])
  })

  it('of a connection that says nothing ends without a word', async (t) => {
    const { events, connect, pass, listener, until } = await listening(t)
    const client = await connect()
    await until(() => listener.open === 1)
    await pass(1_100)
    assert.equal((await client.closed()).rest, '')
    await until(() => events.length === 1)
    assert.deepEqual(events, ['unused 127.0.0.1'])
  })

  it('between requests is longer, and ends without a word', async (t) => {
    const { requests, events, connect, pass, until } = await listening(t)
    const client = await connect()
    await client.send(REQUEST)
    await until(() => requests.length === 1)
    answer(requests[0]!)
    await client.response()
    await pass(4_900)
    assert.equal(client.over, 'no')
    await pass(200)
    assert.equal((await client.closed()).rest, '')
    assert.deepEqual(events, [])
  })

  it('does not run while we think', async (t) => {
    const { requests, connect, pass, until } = await listening(t)
    const client = await connect()
    await client.send(REQUEST)
    await until(() => requests.length === 1)
    await pass(86_400_000)
    answer(requests[0]!)
    assert.equal((await client.response()).status, 200)
  })
})

describe('listen', () => {
  it('rejects when the address is taken', async (t) => {
    const { port } = await listening(t)
    const deadlines = new Deadlines(new HeldClock())
    const second = new Listener({ request() {}, refused() {}, unused() {} }, deadlines, TIMEOUTS)
    await assert.rejects(second.listen({ ...LOOPBACK, port }, 16), { code: 'EADDRINUSE' })
    deadlines.close()
  })
})
