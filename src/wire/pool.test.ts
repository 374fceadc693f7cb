/** pool: which connection a request gets, and that none ever gets another's answer. */
import assert from 'node:assert/strict'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { type TestContext, describe, it } from 'node:test'
import { HeldClock } from '../../test/support/policy.ts'
import { RecordingUpstream, type Script, ok } from '../selftest/recording-upstream.ts'
import { Asked } from '../../test/support/unit/asked.ts'
import { AddressGuard } from './address-guard.ts'
import { Deadlines } from './deadlines.ts'
import { type Pool, Pools } from './pool.ts'
import { USUAL_TLS, UpstreamTls } from './upstream-tls.ts'

interface Rig {
  readonly upstream: RecordingUpstream
  readonly pool: Pool
  /** Lets time pass, until connections know. */
  pass(ms: number): Promise<void>
}

async function rig(t: TestContext, script: Script = ok()): Promise<Rig> {
  const upstream = await RecordingUpstream.start(script)
  const clock = new HeldClock()
  const deadlines = new Deadlines(clock)
  const pools = new Pools(deadlines)
  t.after(async () => {
    pools.close()
    await upstream.close()
    deadlines.close()
  })
  const pass = async (ms: number) => {
    clock.advance(ms)
    while (deadlines.now !== clock.elapsed()) await sleep(5)
  }
  return { upstream, pool: pools.of(upstream.url, null), pass }
}

/** Asks and says over which connection, counted from 0, the request went. */
async function ask({ upstream, pool }: Rig, fresh = false): Promise<number> {
  const asked = await new Asked(pool, { fresh }).ended()
  assert.equal(asked.events.at(-1), 'end')
  return upstream.requests.at(-1)!.connection.id
}

const answer = (lines: string, body = 'ok'): Script => ({ answer: `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n${body}` })

describe('Pool', () => {
  it('uses a connection again, the newest first', async (t) => {
    const r = await rig(t)
    assert.equal(await ask(r), 0)
    assert.equal(await ask(r), 0)
    assert.equal(await ask(r, true), 1)
    assert.equal(await ask(r), 1)
    assert.equal(r.pool.size, 2)
  })

  for (const [why, script] of [
    ['the upstream says close', answer('Content-Length: 2\r\nConnection: close')],
    ['it speaks HTTP/1.0', { answer: 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok' }],
    ['it announces no time to keep it', answer('Content-Length: 2\r\nKeep-Alive: timeout=1')],
    ['more came than was announced', answer('Content-Length: 2', 'okmore')],
    ['more came after the last chunk', answer('Transfer-Encoding: chunked', '2\r\nok\r\n0\r\n\r\nmore')],
    ['a body came where none can be', { answer: 'HTTP/1.1 204 No\r\n\r\nmore' }],
    ['another answer came at once', answer('Content-Length: 2', 'okHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')],
  ] as const) {
    it(`does not use a connection again when ${why}`, async (t) => {
      const r = await rig(t, script)
      const first = await new Asked(r.pool).ended()
      assert.equal(first.events.at(-1), 'end')
      r.upstream.script = ok('mine')
      const second = await new Asked(r.pool).ended()
      assert.equal(second.body, 'mine')
      assert.equal(r.upstream.requests.at(-1)!.connection.id, 1)
    })
  }

  it('uses a connection of HTTP/1.0 again when it says keep-alive', async (t) => {
    const r = await rig(t, { answer: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok' })
    assert.equal(await ask(r), 0)
    assert.equal(await ask(r), 0)
  })

  it('drops an idle connection on which something comes', async (t) => {
    const r = await rig(t)
    assert.equal(await ask(r), 0)
    const [first] = r.upstream.connections
    first!.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await r.upstream.until(() => (first!.over === 'no' ? undefined : true), 'the end of the connection')
    assert.equal(r.pool.size, 0)
    assert.equal(await ask(r), 1)
  })

  it('keeps a connection a second less than the upstream says it does', async (t) => {
    const r = await rig(t, answer('Content-Length: 2\r\nKeep-Alive: timeout=5'))
    assert.equal(await ask(r), 0)
    await r.pass(3_900)
    assert.equal(await ask(r), 0)
    await r.pass(4_000)
    assert.equal(await ask(r), 1)
    await r.upstream.until(() => (r.upstream.connections[0]!.over === 'no' ? undefined : true), 'the end of the first')
  })

  it('keeps a connection for 55 s when nothing is said', async (t) => {
    const r = await rig(t)
    assert.equal(await ask(r), 0)
    await r.pass(54_900)
    assert.equal(await ask(r), 0)
    await r.pass(55_000)
    assert.equal(await ask(r), 1)
  })

  it('learns from an upstream that closes how long it keeps connections', async (t) => {
    const r = await rig(t)
    assert.equal(await ask(r), 0)
    await r.pass(10_000)
    r.upstream.connections[0]!.socket.end()
    while (r.pool.size > 0) await turn()
    assert.equal(await ask(r), 1)
    await r.pass(8_900)
    assert.equal(await ask(r), 1)
    await r.pass(9_000)
    assert.equal(await ask(r), 2)
  })

  it('learns nothing from a connection that is closed at once', async (t) => {
    const r = await rig(t)
    assert.equal(await ask(r), 0)
    await r.pass(500)
    r.upstream.connections[0]!.socket.end()
    while (r.pool.size > 0) await turn()
    assert.equal(await ask(r), 1)
    await r.pass(50_000)
    assert.equal(await ask(r), 1)
  })

  it('gives a connection that died in use back as untouched only when it had served before', async (t) => {
    const r = await rig(t)
    assert.equal(await ask(r), 0)
    r.upstream.script = { answer: (socket) => socket.resetAndDestroy() }
    const reused = await new Asked(r.pool).ended()
    assert.deepEqual([reused.failure, reused.untouched], ['reset', true])
    const fresh = await new Asked(r.pool).ended()
    assert.deepEqual([fresh.failure, fresh.untouched], ['reset', false])
  })

  it('does not call a connection untouched that has begun to answer', async (t) => {
    const r = await rig(t)
    assert.equal(await ask(r), 0)
    r.upstream.script = { answer: (socket) => void socket.write('H', () => socket.resetAndDestroy()) }
    const reused = await new Asked(r.pool).ended()
    assert.deepEqual([reused.failure, reused.untouched], ['reset', false])
  })

  it('gives concurrent requests connections of their own, and each its own answer', async (t) => {
    const r = await rig(t, {
      answer: (socket, nth, { id }) => {
        const body = `${id}-${nth}`
        setImmediate(() => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`))
      },
    })
    for (const nth of [0, 1, 2]) {
      const all = await Promise.all(Array.from({ length: 10 }, () => new Asked(r.pool).ended()))
      assert.deepEqual(new Set(all.map((one) => one.body)), new Set(all.map((_, i) => `${i}-${nth}`)))
    }
    assert.equal(r.upstream.connections.length, 10)
  })

  it('lets go of what is idle when it is closed', async (t) => {
    const r = await rig(t)
    assert.equal(await ask(r), 0)
    r.pool.close()
    assert.equal(r.pool.size, 0)
    await r.upstream.until(() => (r.upstream.open.length === 0 ? true : undefined), 'the end of the connection')
  })
})

describe('a pool that is retired', () => {
  it('lets go of what is idle, finishes what runs, and keeps nothing', async (t) => {
    const held: (() => void)[] = []
    const r = await rig(t, {
      answer: (socket, nth, { id }) => {
        const send = () => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        if (id === 0 && nth === 0) send()
        else held.push(send)
      },
    })
    assert.equal(await ask(r), 0)
    const running = new Asked(r.pool, { fresh: true })
    await r.upstream.untilRequests(2)
    r.pool.retire()
    await r.upstream.until(() => (r.upstream.open.length === 1 ? true : undefined), 'the end of the idle connection')
    held[0]!()
    assert.deepEqual((await running.ended()).events, ['head 200', 'end'])
    await r.upstream.until(() => (r.upstream.open.length === 0 ? true : undefined), 'the end of the other')
    // Somebody who tries again within its request still may.
    const late = new Asked(r.pool)
    await r.upstream.untilRequests(3)
    held[1]!()
    assert.deepEqual((await late.ended()).events, ['head 200', 'end'])
    assert.equal(r.pool.size, 0)
  })
})

describe('Pools', () => {
  it('know a pool by its origin, and apart with a guard', async () => {
    const deadlines = new Deadlines(new HeldClock())
    const pools = new Pools(deadlines)
    assert.equal(pools.of('http://a:1', null), pools.of('http://a:1', null))
    assert.notEqual(pools.of('http://a:1', null), pools.of('http://a:2', null))
    assert.notEqual(pools.of('http://a:1', null), pools.of('https://a:1', null))
    const guard = new AddressGuard()
    assert.notEqual(pools.of('http://a:1', null), pools.of('http://a:1', guard))
    assert.equal(pools.of('http://a:1', guard), pools.of('http://a:1', guard))
    pools.close()
    deadlines.close()
  })

  it('know it apart by what is spoken, believed, shown and announced', () => {
    const deadlines = new Deadlines(new HeldClock())
    const pools = new Pools(deadlines)
    const believing = (ca: string) => ({ tls: new UpstreamTls({ ...USUAL_TLS, ca }) })
    const certificate = { chain: 'c', key: 'k' }
    const different = [
      {},
      { protocol: 'h2' },
      { proxyProtocol: 'v1' },
      { proxyProtocol: 'v2' },
      believing('one'),
      believing('two'),
      { tls: new UpstreamTls({ ...USUAL_TLS, verify: false }) },
      { tls: new UpstreamTls({ ...USUAL_TLS, certificate }) },
      { tls: new UpstreamTls({ ...USUAL_TLS, serverName: 'b' }) },
      { tls: new UpstreamTls({ ...USUAL_TLS, minVersion: 'TLSv1.3' }) },
    ] as const
    const of = (options: (typeof different)[number]) => pools.of('https://a:1', null, options)
    assert.equal(new Set(different.map(of)).size, different.length)
    assert.equal(of(believing('one')), of(believing('one')))
    // In clear nothing is believed.
    assert.equal(pools.of('http://a:1', null, believing('one')), pools.of('http://a:1', null))
    pools.close()
    deadlines.close()
  })

  it('begin anew with endpoints when other CAs are believed, and only then', () => {
    const deadlines = new Deadlines(new HeldClock())
    const pools = new Pools(deadlines)
    const guard = new AddressGuard()
    const of = () => [pools.of('https://a:1', guard), pools.of('http://a:1', guard), pools.of('https://a:1', null)]
    const before = of()
    pools.update(new UpstreamTls(USUAL_TLS))
    assert.deepEqual(of(), before)
    pools.update(new UpstreamTls({ ...USUAL_TLS, moreCa: 'one' }))
    const [secure, clear] = of()
    assert.notEqual(secure, before[0])
    assert.equal(clear, before[1])
    pools.close()
    deadlines.close()
  })
})
