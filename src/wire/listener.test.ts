/** listener: what becomes of connections when it stops, and what their time limits do. */
import assert from 'node:assert/strict'
import { type TestContext, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HeldClock } from '../../test/support/policy.ts'
import { FOR_ANYBODY, LOOPBACK } from '../../test/support/unit/loopback.ts'
import { RawClient } from '../selftest/raw-client.ts'
import { valuesOf } from '../selftest/raw-message.ts'
import { Deadlines } from './deadlines.ts'
import { FRAMING } from './head.ts'
import type { Inbound } from './inbound.ts'
import { type Admission, Listener, type ListenerOptions } from './listener.ts'
import { OutgoingHead } from './outgoing.ts'

const TIMEOUTS = {
  headMs: 1_000,
  bodyIdleMs: 2_000,
  keepAliveMs: 5_000,
  rateMin: { bytesPerSecond: 0, windowMs: 0 },
}
const NOBODY = { request() {}, refused() {}, turnedAway() {}, unused() {}, unestablished() {} }
const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** A listener whose requests wait until the test answers them. */
async function listening(t: TestContext, options: Partial<ListenerOptions> = {}) {
  const clock = new HeldClock()
  const deadlines = new Deadlines(clock)
  const requests: Inbound[] = []
  const events: string[] = []
  const listener = new Listener(
    {
      request: (inbound) => requests.push(inbound),
      refused: (_inbound, problem) => events.push(problem.code),
      turnedAway: (address, reason, status) => events.push(`${reason} ${status} ${address}`),
      unused: (address) => events.push(`unused ${address}`),
      unestablished: ({ failure }) => events.push(failure),
    },
    deadlines,
    TIMEOUTS,
    { ...FOR_ANYBODY, ...options },
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
  it('closes connections that stay idle, and lets running exchanges finish', async (t) => {
    const { listener, requests, connect, until, pass, port } = await listening(t)
    const [idle, busy] = [await connect(), await connect()]
    await busy.send(REQUEST)
    await until(() => requests.length === 1 && listener.open === 2)
    const drained = listener.drain(60_000)
    await pass(1_100)
    assert.equal((await idle.closed()).rest, '')
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

describe('drain, as a client sees it that keeps its connection', () => {
  it('answers a request that was on its way, and says that it is the last', async (t) => {
    const { listener, requests, connect, until } = await listening(t)
    const client = await connect()
    await client.send(REQUEST)
    await until(() => requests.length === 1)
    answer(requests[0]!)
    assert.deepEqual(valuesOf(await client.response(), 'connection'), [])
    const drained = listener.drain(60_000)
    await client.send(REQUEST)
    await until(() => requests.length === 2)
    answer(requests[1]!)
    assert.deepEqual(valuesOf(await client.response(), 'connection'), ['close'])
    assert.equal((await client.closed()).rest, '')
    client.close()
    await drained
  })

  it('waits for one more request where the answer had begun and could not say so', async (t) => {
    const { listener, requests, connect, until } = await listening(t)
    const client = await connect()
    await client.send(REQUEST)
    await until(() => requests.length === 1)
    const [inbound] = requests
    const headers = new OutgoingHead()
    headers.append('Content-Length', '4')
    inbound!.respond(200, 'OK', headers, FRAMING.length, 4)
    inbound!.flush()
    await client.until('\r\n\r\n')
    const drained = listener.drain(60_000)
    inbound!.write(Buffer.from('done'), 0, 4)
    inbound!.end()
    assert.deepEqual(valuesOf(await client.response(), 'connection'), [])
    await client.send(REQUEST)
    await until(() => requests.length === 2)
    answer(requests[1]!)
    assert.deepEqual(valuesOf(await client.response(), 'connection'), ['close'])
    client.close()
    await drained
  })
})

/** Counts as the real one does, for one engine. */
function admission(max: number, clientMax: number): Admission & { readonly open: number } {
  let open = 0
  const clients = new Map<string, number>()
  const of = (client: string) => clients.get(client) ?? 0
  return {
    enter: () => open < max && ++open > 0,
    leave: () => void open--,
    enterClient: (client) => of(client) < clientMax && clients.set(client, of(client) + 1).size > 0,
    leaveClient: (client) => void clients.set(client, of(client) - 1),
    get open() {
      return open
    },
  }
}

describe('caps', () => {
  it('turn away the connection that is one too many, with an answer and one record', async (t) => {
    const { listener, events, requests, connect, until } = await listening(t, { admission: admission(1, 9) })
    const first = await connect()
    await until(() => listener.open === 1)
    const second = await connect()
    await second.send(REQUEST)
    const refusal = await second.response()
    assert.equal(refusal.status, 503)
    assert.equal(JSON.parse(refusal.body.toString()).code, 'too-many-connections')
    assert.deepEqual(valuesOf(refusal, 'connection'), ['close'])
    assert.deepEqual(events, ['too-many-connections 503 127.0.0.1'])
    await first.send(REQUEST)
    await until(() => requests.length === 1)
    answer(requests[0]!)
    assert.equal((await first.response()).status, 200)
  })

  it('give a place back when a connection is over', async (t) => {
    const caps = admission(1, 1)
    const { connect, until, requests } = await listening(t, { admission: caps })
    const first = await connect()
    await until(() => caps.open === 1)
    first.close()
    await until(() => caps.open === 0)
    const second = await connect()
    await second.send(REQUEST)
    await until(() => requests.length === 1)
  })

  it('of one client leave room for others', async (t) => {
    const { events, connect, until, listener } = await listening(t, {
      admission: admission(9, 1),
      proxyProtocol: ['127.0.0.0/8'],
    })
    const clients = []
    for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1']) {
      const client = await connect()
      await client.send(`PROXY TCP6 ${address} ::1 1 2\r\n`)
      clients.push(client)
    }
    assert.equal((await clients[1]!.response()).status, 429)
    assert.deepEqual(events, ['client-connections 429 2001:db8::2'])
    await until(() => listener.open >= 2)
  })
})

describe('a connection that begins with a PROXY protocol header', () => {
  const proxyProtocol = ['127.0.0.0/8']

  it("is its client's, and loses no byte that came with the header", async (t) => {
    const { requests, connect, until } = await listening(t, { proxyProtocol })
    const client = await connect()
    await client.send(`PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n${REQUEST}${REQUEST.slice(0, 9)}`)
    await until(() => requests.length === 1)
    assert.equal(requests[0]!.client.address, '192.0.2.7')
    answer(requests[0]!)
    assert.equal((await client.response()).status, 200)
    await client.send(REQUEST.slice(9))
    await until(() => requests.length === 2)
  })

  it('may come byte by byte', async (t) => {
    const { requests, connect, until } = await listening(t, { proxyProtocol })
    const client = await connect()
    await client.dribble(`PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n${REQUEST}`)
    await until(() => requests.length === 1)
    assert.equal(requests[0]!.client.address, '192.0.2.7')
  })

  it('is closed without an answer when the header is none, with one record', async (t) => {
    const { events, requests, connect, listener, until } = await listening(t, { proxyProtocol })
    const client = await connect()
    await client.send(REQUEST)
    assert.equal((await client.closed()).rest, '')
    assert.deepEqual([events, requests.length], [['proxy-header-invalid 0 127.0.0.1'], 0])
    await until(() => listener.open === 0)
  })

  it('is closed when the header does not come, or never ends', async (t) => {
    const { events, connect, pass, listener, until } = await listening(t, { proxyProtocol })
    const silent = await connect()
    const slow = await connect()
    await slow.send('PROXY TCP4 192')
    await until(() => listener.open === 2)
    await slow.idle(20)
    await pass(5_100)
    for (const client of [silent, slow]) assert.equal((await client.closed()).rest, '')
    const reason = 'proxy-header-timeout 0 127.0.0.1'
    assert.deepEqual(events, [reason, reason])
    const left = await connect()
    await left.send('PROXY')
    left.close()
    const probe = await connect()
    probe.close()
    await until(() => events.length === 4)
    assert.deepEqual(
      events.slice(2).toSorted((a, b) => a.localeCompare(b)),
      ['proxy-header-invalid 0 127.0.0.1', 'unused 127.0.0.1'],
    )
  })

  it('is believed only of those who may say it: from anybody else the header is no request', async (t) => {
    const { events, connect } = await listening(t, { proxyProtocol: ['192.0.2.0/24'] })
    const client = await connect()
    await client.send(`PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n${REQUEST}`)
    assert.equal((await client.response()).status, 400)
    assert.deepEqual(events, ['malformed-request'])
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
    const second = new Listener(NOBODY, deadlines, TIMEOUTS, FOR_ANYBODY)
    await assert.rejects(second.listen({ ...LOOPBACK, port }, 16), { code: 'EADDRINUSE' })
    deadlines.close()
  })
})
