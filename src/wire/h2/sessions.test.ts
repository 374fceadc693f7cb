/** Connections to a service of HTTP/2 over time: kept while they are of use, let go with GOAWAY, asked whether anybody is there. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestContext, test } from 'node:test'
import { HeldClock } from '../../../test/support/policy.ts'
import { TYPE, frame, uint32 } from '../../selftest/raw-h2.ts'
import { RawH2Upstream } from '../../../test/support/raw-h2-upstream.ts'
import { Asked } from '../../../test/support/unit/asked.ts'
import { Deadlines } from '../deadlines.ts'
import { Pools } from '../pool.ts'

async function rig(t: TestContext) {
  const upstream = await RawH2Upstream.start()
  const clock = new HeldClock()
  const deadlines = new Deadlines(clock)
  const pools = new Pools(deadlines)
  const pool = pools.of(upstream.url, null, { protocol: 'h2c' })
  t.after(async () => {
    pools.close()
    await upstream.close()
    deadlines.close()
  })
  const pass = async (ms: number) => {
    clock.advance(ms)
    while (deadlines.now !== clock.elapsed()) await sleep(5)
  }
  const ask = async (fresh = false) => {
    const asked = await new Asked(pool, { fresh }).ended()
    return asked.events.at(-1)
  }
  return { upstream, pool, pass, ask }
}

test('a connection without requests is let go after its time, with GOAWAY; requests put that off', async (t) => {
  const { upstream, pool, pass, ask } = await rig(t)
  assert.equal(await ask(), 'end')
  for (let i = 0; i < 3; i++) {
    await pass(50_000)
    assert.equal(await ask(), 'end')
  }
  const [peer] = upstream.connections
  assert.ok(!peer!.over && upstream.connections.length === 1)
  await pass(56_000)
  assert.equal(await peer!.goaway(), 0)
  await peer!.closed()
  assert.equal(pool.size, 0)
  assert.equal(await ask(), 'end')
  assert.equal(upstream.connections.length, 2)
})

test('an upstream that pings and settles does not keep it longer', async (t) => {
  const { upstream, pass, ask } = await rig(t)
  assert.equal(await ask(), 'end')
  const [peer] = upstream.connections
  await pass(50_000)
  peer!.send(frame(TYPE.PING, 0, 0, Buffer.alloc(8)))
  await peer!.until(({ type, flags }) => type === TYPE.PING && flags === 1, 'its answer')
  await pass(10_000)
  await peer!.closed()
})

test('a request in vain: the connection is asked whether anybody is there, and ended when nobody says so', async (t) => {
  const { upstream, pool, pass, ask } = await rig(t)
  const { onRequest } = upstream
  upstream.onRequest = () => {}
  const asked = new Asked(pool, { timeouts: { firstByteMs: 1_000 } })
  while (upstream.connections[0]?.frames.some(({ type }) => type === TYPE.HEADERS) !== true) await sleep(5)
  const [peer] = upstream.connections
  await pass(3_600_000)
  await asked.ended()
  await peer.until(({ type, flags }) => type === TYPE.PING && flags === 0, 'PING')
  assert.ok(!peer.over)
  // Meanwhile the next request does not wait for it.
  upstream.onRequest = onRequest
  assert.equal(await ask(), 'end')
  assert.equal(upstream.connections.length, 2)
  await pass(6_000)
  await peer.closed()
})

test('one that answers serves on', async (t) => {
  const { upstream, pool, pass, ask } = await rig(t)
  const { onRequest } = upstream
  upstream.onRequest = () => {}
  const asked = new Asked(pool, { timeouts: { firstByteMs: 1_000 } })
  while (upstream.connections[0]?.frames.some(({ type }) => type === TYPE.HEADERS) !== true) await sleep(5)
  const [peer] = upstream.connections
  await pass(3_600_000)
  await asked.ended()
  const ping = await peer.until(({ type, flags }) => type === TYPE.PING && flags === 0, 'PING')
  peer.send(frame(TYPE.PING, 1, 0, ping.payload), frame(TYPE.PING, 0, 0, Buffer.alloc(8)))
  await peer.until(({ type, flags }) => type === TYPE.PING && flags === 1, 'that it has heard')
  upstream.onRequest = onRequest
  assert.equal(await ask(), 'end')
  await pass(6_000)
  assert.equal(await ask(), 'end')
  assert.equal(upstream.connections.length, 1)
})

test('GOAWAY on a connection without requests: it ends, the next is another', async (t) => {
  const { upstream, pool, ask } = await rig(t)
  assert.equal(await ask(), 'end')
  const [peer] = upstream.connections
  peer!.send(frame(TYPE.GOAWAY, 0, 0, uint32(1, 0)))
  await peer!.closed()
  assert.equal(pool.size, 0)
  assert.equal(await ask(), 'end')
  assert.equal(upstream.connections.length, 2)
})
