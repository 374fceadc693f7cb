/** outbound-h1: one request to an upstream that may be slow, early, broken, gone, or not speak HTTP at all. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { after, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { HeldClock } from '../../test/support/policy.ts'
import { RecordingUpstream, type Script, ok } from '../selftest/recording-upstream.ts'
import { type AskOptions, Asked } from '../../test/support/unit/asked.ts'
import { wholeResponse } from '../../test/support/unit/heads.ts'
import { seeSockets } from '../../test/support/unit/loopback.ts'
import { cut, cuts, mutate, mutations } from '../../test/support/unit/packets.ts'
import { Deadlines } from './deadlines.ts'
import { Pools } from './pool.ts'

const upstream = await RecordingUpstream.start()
const clock = new HeldClock()
const deadlines = new Deadlines(clock)
const pools = new Pools(deadlines)
const pool = pools.of(upstream.url, null)
after(async () => {
  pools.close()
  await upstream.close()
  deadlines.close()
})

/** A request on a connection of its own, answered by the script. */
function ask(script: Script, options: AskOptions = {}): Asked {
  upstream.script = script
  return new Asked(pool, { ...options, fresh: true })
}

const head = 'HTTP/1.1 200 OK\r\n'
const then = (act: (socket: Socket) => void, bytes = ''): Script => ({
  answer: (socket) => void socket.write(bytes, 'latin1', () => act(socket)),
})
const close = (bytes: string) => then((socket) => socket.end(), bytes)

describe('an answer', () => {
  for (const [name, bytes, events, body = ''] of [
    ['with a length', `${head}Content-Length: 2\r\n\r\nok`, ['head 200', 'end'], 'ok'],
    ['in chunks', `${head}Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n`, ['head 200', 'end'], 'ok'],
    ['to the end of the connection', `${head}\r\nok`, ['head 200', 'end'], 'ok'],
    ['of nothing', `${head}Content-Length: 0\r\n\r\n`, ['head 200', 'end']],
    ['204', 'HTTP/1.1 204 No\r\n\r\n', ['head 204', 'end']],
    ['304 with a length', 'HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n', ['head 304', 'end']],
    [
      'after interim ones',
      `HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nA: b\r\n\r\n${head}Content-Length: 0\r\n\r\n`,
      ['100', '103', 'head 200', 'end'],
    ],
    [
      'after too many interim ones',
      'HTTP/1.1 102 P\r\n\r\n'.repeat(33),
      [...Array<string>(32).fill('102'), 'failed invalid-answer'],
    ],
    ['cut in its head', 'HTTP/1.1 200 OK\r\nA: b\r\n', ['failed reset']],
    ['cut in its body', `${head}Content-Length: 3\r\n\r\nok`, ['head 200', 'failed reset'], 'ok'],
    ['cut in a chunk', `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nok`, ['head 200', 'failed reset'], 'ok'],
    [
      'cut before the last chunk',
      `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`,
      ['head 200', 'failed reset'],
      'ok',
    ],
    ['with broken chunks', `${head}Transfer-Encoding: chunked\r\n\r\nxyz`, ['head 200', 'failed invalid-answer']],
    ['of silence', '', ['failed reset']],
    ['that is not HTTP', 'SSH-2.0-OpenSSH\r\n', ['failed invalid-answer']],
    ['of HTTP/2', 'HTTP/2 200\r\n\r\n', ['failed invalid-answer']],
    ['with two lengths', `${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, ['failed invalid-answer']],
    [
      'with length and chunks',
      `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok`,
      ['failed invalid-answer'],
    ],
    ['switched without being asked', 'HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n', ['failed invalid-answer']],
    ['with an endless head', `${head}X: ${'y'.repeat(20_000)}`, ['failed invalid-answer']],
  ] as const) {
    it(name, async () => {
      const asked = await ask(close(bytes)).ended()
      assert.deepEqual(asked.events, events)
      assert.equal(asked.body, body)
    })
  }

  it('to HEAD has no body, whatever it announces', async () => {
    const asked = await ask(ok('much'), { method: 'HEAD' }).ended()
    assert.deepEqual([asked.events, asked.body], [['head 200', 'end'], ''])
  })

  it('is heard the same however it is cut into packets', async () => {
    const { sockets, stop } = seeSockets('client')
    /** Sends each packet after the one before has been taken in. */
    const heard = async (packets: readonly Buffer[]) => {
      sockets.length = 0
      const answer = async (socket: Socket) => {
        const ours = sockets[0]!
        let sent = 0
        for (const packet of packets) {
          socket.write(packet)
          sent += packet.length
          while (ours.bytesRead < sent && !ours.destroyed) await turn()
        }
        socket.end()
      }
      const { events, status, lines, body } = await ask({ answer: (socket) => void answer(socket) }).ended()
      return { events, status, lines, body }
    }
    await fc.assert(
      fc.asyncProperty(wholeResponse, mutations, cuts, async (text, changes, at) => {
        const bytes = Buffer.from(mutate(text, changes), 'latin1')
        assert.deepEqual(await heard(cut(bytes, at)), await heard([bytes]))
      }),
      { numRuns: 250 },
    )
    stop()
  })
})

describe('an answer before the request is complete', () => {
  it('is heard whole, and ends the connection', async () => {
    upstream.script = { on: 'head', answer: 'HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nbig' }
    const asked = new Asked(pool, { fresh: true, open: true, body: 'never sent' })
    await asked.ended()
    assert.deepEqual([asked.events, asked.body], [['head 413', 'end'], 'big'])
    assert.equal(asked.connection.closed, true)
  })

  it('does not lose what is still to come of it', async () => {
    let rest = (): void => {}
    upstream.script = {
      on: 'head',
      answer: (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc')
        rest = () => socket.write('def')
      },
    }
    const asked = new Asked(pool, { fresh: true, open: true, body: 'xyz' })
    await asked.until(() => asked.body === 'abc')
    asked.connection.write(Buffer.from('xyz'), 0, 3)
    asked.connection.endRequest()
    rest()
    await asked.ended()
    assert.deepEqual([asked.events, asked.body, asked.connection.closed], [['head 200', 'end'], 'abcdef', false])
  })
})

describe('time', () => {
  const silent: Script = { answer: () => {} }
  const begun = then(() => {}, `${head}Content-Length: 9\r\n\r\nok`)

  /** True when nothing is heard although `ms` pass. */
  async function waits(asked: Asked, ms: number): Promise<boolean> {
    clock.advance(ms)
    while (deadlines.now !== clock.elapsed()) await sleep(5)
    return !asked.over
  }

  it('runs out for the first byte', async () => {
    const asked = ask(silent, { timeouts: { firstByteMs: 5_000 } })
    await asked.until(() => asked.isReady)
    assert.ok(await waits(asked, 4_000))
    assert.ok(!(await waits(asked, 1_500)))
    assert.equal(asked.failure, 'first-byte-timeout')
  })

  it('runs out in the middle of a body, counted from its last byte', async () => {
    let more = (): void => {}
    const script: Script = {
      answer: (socket) => {
        socket.write(`${head}Content-Length: 9\r\n\r\nok`)
        more = () => socket.write('!')
      },
    }
    const asked = ask(script, { timeouts: { firstByteMs: 1_000, idleMs: 5_000 } })
    await asked.until(() => asked.body === 'ok')
    assert.ok(await waits(asked, 4_000))
    more()
    await asked.until(() => asked.body === 'ok!')
    assert.ok(await waits(asked, 4_000))
    assert.ok(!(await waits(asked, 1_500)))
    assert.equal(asked.failure, 'idle-timeout')
  })

  it('does not run while nobody reads the body, and runs again after', async () => {
    const asked = ask(begun, { timeouts: { idleMs: 5_000 } })
    await asked.until(() => asked.body === 'ok')
    asked.connection.pause()
    assert.ok(await waits(asked, 60_000))
    asked.connection.resume()
    assert.ok(await waits(asked, 4_000))
    assert.ok(!(await waits(asked, 1_500)))
    assert.equal(asked.failure, 'idle-timeout')
  })

  it('runs out in total, whatever keeps coming', async () => {
    const asked = ask(begun, { timeouts: { idleMs: 50_000, totalMs: 10_000 } })
    await asked.until(() => asked.body === 'ok')
    assert.ok(await waits(asked, 9_000))
    assert.ok(!(await waits(asked, 1_000)))
    assert.equal(asked.failure, 'total-timeout')
  })

  it('runs out in total while nobody reads the body', async () => {
    const asked = ask(begun, { timeouts: { totalMs: 10_000 } })
    await asked.until(() => asked.body === 'ok')
    asked.connection.pause()
    assert.ok(!(await waits(asked, 10_000)))
    assert.equal(asked.failure, 'total-timeout')
  })

  it('runs out for a connection that does not come to stand: a handshake without an answer', async () => {
    upstream.script = silent
    const secure = pools.of(upstream.url.replace('http:', 'https:'), null)
    const asked = new Asked(secure, { timeouts: { connectMs: 5_000 } })
    assert.ok(await waits(asked, 4_000))
    assert.ok(!(await waits(asked, 1_000)))
    assert.equal(asked.failure, 'connect-timeout')
  })

  it('runs out for an upstream that does not take the body', async () => {
    upstream.script = { on: 'connection', answer: (socket) => void socket.pause() }
    const asked = new Asked(pool, { fresh: true, open: true, timeouts: { idleMs: 5_000 } })
    await asked.until(() => asked.isReady)
    // More than the sockets between hold.
    const much = Buffer.alloc(32_000_000)
    assert.equal(asked.connection.write(much, 0, much.length), false)
    assert.equal(asked.drains, 0)
    assert.ok(await waits(asked, 4_000))
    assert.ok(!(await waits(asked, 1_500)))
    assert.equal(asked.failure, 'first-byte-timeout')
  })

  it('never runs out when none is set', async () => {
    const asked = ask(silent)
    assert.ok(await waits(asked, 86_400_000))
    asked.connection.destroy()
    assert.ok(await waits(asked, 1_000))
    assert.deepEqual(asked.events, [])
  })
})

describe('a connection', () => {
  it('that is refused', async () => {
    const gone = await RecordingUpstream.start()
    const { url } = gone
    await gone.close()
    const asked = await new Asked(pools.of(url, null)).ended()
    assert.deepEqual(asked.events, ['failed connect-refused'])
  })

  it('to a name that does not exist', async () => {
    // A label too long to be asked for.
    const asked = await new Asked(pools.of(`http://${'a'.repeat(64)}.invalid`, null)).ended()
    assert.deepEqual(asked.events, ['failed name-not-found'])
  })

  it('that answers a handshake in plain text', async () => {
    upstream.script = { on: 'connection', answer: 'HTTP/1.1 400 Bad\r\n\r\n' }
    const asked = await new Asked(pools.of(upstream.url.replace('http:', 'https:'), null)).ended()
    assert.deepEqual(asked.events, ['failed tls-failed'])
  })

  it('says nothing more to whoever has ended it', async () => {
    const asked = ask(close(`${head}Content-Length: 9\r\n\r\nok`))
    const data = asked.data.bind(asked)
    asked.data = (...bytes) => {
      asked.connection.destroy()
      data(...bytes)
    }
    await asked.until(() => asked.connection.closed)
    for (let turns = 0; turns < 20; turns++) await turn()
    assert.deepEqual([asked.events, asked.body], [['head 200'], 'ok'])
  })

  it('becomes a tunnel when asked to, and loses none of its first bytes', async () => {
    upstream.script = {
      tunnel: true,
      answer: (socket) => void socket.write('HTTP/1.1 101 S\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\r\nearly'),
    }
    const asked = await new Asked(pool, { fresh: true, upgrade: true }).ended()
    assert.deepEqual(asked.events, ['upgraded'])
    const got: string[] = []
    asked.tunnel!.start(
      (bytes, start, end) => got.push(bytes.toString('latin1', start, end)),
      () => {},
    )
    assert.deepEqual(got, ['early'])
    upstream.open.at(-1)!.socket.write(' and late')
    while (got.join('') !== 'early and late') await turn()
    asked.tunnel!.socket.destroy()
  })

  for (const [name, lines] of [
    ['another protocol', 'Upgrade: h2c\r\n'],
    ['no protocol', ''],
  ] as const) {
    it(`is not switched to ${name}`, async () => {
      upstream.script = { answer: `HTTP/1.1 101 S\r\n${lines}\r\n` }
      const asked = await new Asked(pool, { fresh: true, upgrade: true }).ended()
      assert.deepEqual(asked.events, ['failed invalid-answer'])
    })
  }
})
