/** pace: who is silent too long or drips is given up at the end of a window, and nobody else ever. */
import assert from 'node:assert/strict'
import { type Socket, createServer } from 'node:net'
import { type TestContext, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { HeldClock } from '../../test/support/policy.ts'
import { RawClient } from '../selftest/raw-client.ts'
import { Deadlines } from './deadlines.ts'
import { Pace } from './pace.ts'
import { SendPace } from './send-pace.ts'

const RATE = { bytesPerSecond: 100, windowMs: 2_000 }

describe('Pace', () => {
  for (const [what, silenceMs, moves, want] of [
    ['silence', 1_000, [], 'silent at 1000'],
    ['silence that is longer than a window', 5_000, [], 'silent at 2000'],
    ['silence after much', 1_000, [[500, 10_000]], 'silent at 1500'],
    [
      'dripping',
      1_000,
      [
        [500, 1],
        [1_000, 1],
        [1_500, 1],
      ],
      'slow at 2000',
    ],
    [
      'dripping after a good window',
      1_000,
      [
        [500, 300],
        [1_400, 300],
        [2_200, 1],
        [3_000, 1],
        [3_900, 1],
      ],
      'slow at 4000',
    ],
    [
      'just enough',
      1_000,
      [
        [900, 100],
        [1_800, 100],
        [2_700, 200],
        [3_600, 200],
      ],
      'silent at 4600',
    ],
  ] as const) {
    it(`of ${what}: ${want}`, () => {
      const pace = new Pace(RATE)
      let due = pace.start(0, silenceMs)
      for (const [at, bytes] of [...moves, [Number.POSITIVE_INFINITY, 0] as const]) {
        for (let verdict; due <= at; due = pace.due) {
          verdict = pace.verdict(due)
          if (verdict !== null) return assert.equal(`${verdict} at ${due}`, want)
        }
        due = pace.moved(at, bytes)
      }
    })
  }

  it('knows no rate when none is set', () => {
    const pace = new Pace({ bytesPerSecond: 0, windowMs: 1 })
    assert.equal(pace.start(0, 1_000), 1_000)
    assert.equal(pace.moved(999, 1), 1_999)
    assert.equal(pace.verdict(1_998), null)
    assert.equal(pace.verdict(1_999), 'silent')
  })

  it('never gives up whoever moves the rate in every half window', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 100, max: 1_000 }), { maxLength: 50 }), (gaps) => {
        const pace = new Pace(RATE)
        let now = 0
        let due = pace.start(now, 1_001)
        for (const gap of gaps) {
          now += gap
          for (; due < now; due = pace.due) assert.equal(pace.verdict(due), null)
          due = pace.moved(now, 200)
        }
      }),
    )
  })
})

/** A peer that reads only when it is told to, and the pace of what it is sent. */
async function reading(t: TestContext, bytesPerSecond: number) {
  const clock = new HeldClock()
  const deadlines = new Deadlines(clock)
  const sent: Socket[] = []
  const server = createServer((socket) => sent.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const peer = await RawClient.connect(typeof address === 'object' && address !== null ? address.port : 0)
  const until = async (done: () => boolean) => {
    while (!done()) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await until(() => sent.length > 0)
  peer.socket.pause()
  const socket = sent[0]!
  let over = false
  const pace = new SendPace(socket, deadlines, { bytesPerSecond, windowMs: 1_000 }, () => (over = true))
  deadlines.add(pace)
  t.after(() => {
    deadlines.close()
    peer.close()
    socket.destroy()
    server.close()
  })
  socket.on('drain', () => pace.drained())
  assert.equal(socket.write(Buffer.alloc(40_000_000)), false)
  pace.silenceMs = 10_000
  pace.stalled()
  return {
    isOver: () => over,
    /** Reads about so many bytes. */
    read: async (bytes: number) => {
      const from = peer.socket.bytesRead
      peer.socket.resume()
      await until(() => peer.socket.bytesRead >= from + bytes)
      peer.socket.pause()
    },
    pass: async (ms: number) => {
      clock.advance(ms)
      await until(() => deadlines.now === clock.elapsed())
    },
  }
}

describe('SendPace', () => {
  it('gives up a peer that takes nothing', async (t) => {
    const { isOver, pass } = await reading(t, 1_000)
    await pass(999)
    assert.equal(isOver(), false)
    await pass(1)
    assert.equal(isOver(), true)
  })

  it('counts what is taken of one large part, window by window', async (t) => {
    const { isOver, pass, read } = await reading(t, 1_000)
    for (let i = 0; i < 3; i++) {
      // The system gives its buffers back in steps of megabytes.
      await read(8_000_000)
      await pass(1_000)
      assert.equal(isOver(), false)
    }
    await pass(1_000)
    assert.equal(isOver(), true)
  })

  it('gives up a peer that takes something, but too little', async (t) => {
    const { isOver, pass, read } = await reading(t, 1e9)
    await read(8_000_000)
    await pass(1_000)
    assert.equal(isOver(), true)
  })
})
