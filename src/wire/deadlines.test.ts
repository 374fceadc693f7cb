/** deadlines: met once, moved and taken back at will, by a clock held in hand. */
import assert from 'node:assert/strict'
import { type TestContext, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HeldClock } from '../../test/support/policy.ts'
import { Deadlines, type Timed } from './deadlines.ts'

function held(t: TestContext) {
  const clock = new HeldClock()
  const deadlines = new Deadlines(clock)
  t.after(() => deadlines.close())
  const pass = async (ms: number) => {
    clock.advance(ms)
    while (deadlines.now !== clock.elapsed()) await sleep(5)
  }
  return { deadlines, pass }
}

function timed(deadline: number, expired: (self: Timed) => void = () => {}): Timed & { count: number } {
  const self = {
    deadline,
    count: 0,
    expired() {
      self.count++
      expired(self)
    },
  }
  return self
}

describe('Deadlines', () => {
  it('meet each deadline once, when it has passed and not before', async (t) => {
    const { deadlines, pass } = held(t)
    const [soon, late, never] = [deadlines.now + 100, deadlines.now + 1_000, 0].map((at) => timed(at))
    for (const one of [soon!, late!, never!]) deadlines.add(one)
    await pass(99)
    assert.deepEqual([soon!.count, late!.count, never!.count], [0, 0, 0])
    await pass(1)
    assert.deepEqual([soon!.count, late!.count, never!.count], [1, 0, 0])
    await pass(10_000)
    assert.deepEqual([soon!.count, late!.count, never!.count], [1, 1, 0])
  })

  it('follow whoever moves theirs, from within as well', async (t) => {
    const { deadlines, pass } = held(t)
    const again = timed(deadlines.now + 100, (self) => (self.deadline = deadlines.now + 100))
    const moved = timed(deadlines.now + 100)
    deadlines.add(again)
    deadlines.add(moved)
    moved.deadline += 500
    for (const count of [1, 2, 3]) {
      await pass(100)
      assert.equal(again.count, count)
    }
    assert.equal(moved.count, 0)
    await pass(300)
    assert.equal(moved.count, 1)
  })

  it('forget whoever is taken out, in the middle of a sweep as well', async (t) => {
    const { deadlines, pass } = held(t)
    const removed = timed(deadlines.now + 100)
    const remover = timed(deadlines.now + 100, () => deadlines.remove(removed))
    deadlines.add(remover)
    deadlines.add(removed)
    await pass(200)
    assert.deepEqual([remover.count, removed.count], [1, 0])
  })
})
