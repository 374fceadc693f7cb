/** tunnel: two sockets become one, byte by byte, half by half. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type TestContext, describe, it } from 'node:test'
import { socketPair } from '../../test/support/unit/loopback.ts'
import { type TunnelCounts, type TunnelResult, joinTunnel, tunnelEnd } from './tunnel.ts'

/** Everything until the other side has said all it has to say; the socket stays open the other way. */
async function text(socket: Socket): Promise<string> {
  let all = ''
  socket.on('data', (bytes: Buffer) => (all += bytes.toString('latin1')))
  await once(socket, 'end')
  return all
}

interface Joined {
  readonly client: Socket
  readonly upstream: Socket
  readonly over: Promise<TunnelResult>
  readonly counts: TunnelCounts
}

async function joined(t: TestContext, early: { client?: string; upstream?: string } = {}, idleMs = 0): Promise<Joined> {
  const [a, b] = await Promise.all([socketPair(), socketPair()])
  t.after(() => {
    a.close()
    b.close()
  })
  const endOf = (socket: Socket, before: string) =>
    tunnelEnd(socket, Buffer.from(before), (receive) => {
      socket.on('data', (bytes: Buffer) => receive(bytes, 0, bytes.length))
    })
  const counts = { open: 0, bytesIn: 0, bytesOut: 0 }
  const over = new Promise<TunnelResult>((resolve) => {
    joinTunnel(endOf(a.far, early.client ?? ''), endOf(b.far, early.upstream ?? ''), idleMs, counts, resolve)
  })
  return { client: a.near, upstream: b.near, over, counts }
}

describe('joinTunnel', () => {
  it('carries what came before it, first, and counts all of it', async (t) => {
    const { client, upstream, over, counts } = await joined(t, { client: 'early ', upstream: 'soon ' })
    assert.equal(counts.open, 1)
    const [atClient, atUpstream] = [text(client), text(upstream)]
    client.end('client')
    upstream.end('upstream')
    assert.deepEqual([await atUpstream, await atClient], ['early client', 'soon upstream'])
    assert.deepEqual(await over, { bytesIn: 12, bytesOut: 13 })
    assert.deepEqual(counts, { open: 0, bytesIn: 12, bytesOut: 13 })
  })

  for (const first of ['client', 'upstream'] as const) {
    it(`stays open the other way when the ${first} has said all it has to say`, async (t) => {
      const both = await joined(t)
      const [one, other] = first === 'client' ? [both.client, both.upstream] : [both.upstream, both.client]
      const [atOther, atOne] = [text(other), text(one)]
      one.end('last words')
      assert.equal(await atOther, 'last words')
      other.end('and an answer')
      assert.equal(await atOne, 'and an answer')
      await both.over
    })
  }

  it('makes the one who sends wait for the one who reads', async (t) => {
    const { client, upstream, over } = await joined(t)
    const much = Buffer.alloc(20_000_000, 'x')
    client.end(much)
    // Nobody reads yet: the sender cannot be done.
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.ok(client.writableLength > 0)
    assert.equal((await text(upstream)).length, much.length)
    upstream.end()
    assert.deepEqual(await over, { bytesIn: much.length, bytesOut: 0 })
  })

  it('ends both when one breaks off', async (t) => {
    const { client, upstream, over } = await joined(t)
    const ended = text(upstream)
    client.resetAndDestroy()
    await over
    assert.equal(await ended, '')
  })

  it('is kept alive by whatever either says, a ping every now and then', async (t) => {
    const { client, upstream, over } = await joined(t, {}, 200)
    let ended = false
    void over.then(() => (ended = true))
    const atUpstream = text(upstream)
    // Twice as long as the silence that would end it, and only one of the two speaks.
    for (let i = 0; i < 20; i++) {
      client.write('.')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.equal(ended, false)
    client.end()
    upstream.end()
    assert.equal((await atUpstream).length, 20)
    await over
  })

  it('ends when neither says anything for too long', async (t) => {
    const { client, over } = await joined(t, {}, 20)
    const ended = text(client)
    assert.deepEqual(await over, { bytesIn: 0, bytesOut: 0 })
    assert.equal(await ended, '')
  })
})
