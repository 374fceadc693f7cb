/** Accepted means durable: whatever ends the process, and whenever, what was answered 2xx is delivered after the next start. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { type TestContext, after, test } from 'node:test'
import { Chaos, type Ending, described } from '../chaos/crash.ts'

/** What was answered and not yet recorded: the rounds have three endpoints, each with up to 64 attempts at once; twice that is generous. */
const UNRECORDED_MAX = 2 * 3 * 64
const seed = randomInt(2 ** 31)
const chaos = await Chaos.start(seed)
after(() => chaos.close())

/** Everything that was accepted has come when this resolves, each under one id, and nothing else has. */
async function round(t: TestContext, ending: Ending) {
  const { round, faults } = await chaos.round(ending)
  t.diagnostic(`seed ${seed}: ${described(round)}`)
  assert.deepEqual(faults, [])
  assert.ok(round.accepted > 0)
  return round
}

for (let i = 1; i <= 5; i++) {
  test(`killed under load, round ${i}: nothing accepted is lost, and only what was under way comes twice`, async (t) => {
    const { repeated, underWay } = await round(t, 'kill')
    assert.ok(repeated <= underWay + UNRECORDED_MAX, `${repeated} came twice, ${underWay} were under way`)
  })
}

test('killed again while it recovers: nothing accepted is lost', async (t) => {
  await round(t, 'kill-twice')
})

for (let i = 1; i <= 3; i++) {
  test(`asked to stop under load, round ${i}: it ends by itself, what it took it has answered, nothing comes twice`, async (t) => {
    const { accepted, delivered, repeated } = await round(t, 'stop')
    assert.deepEqual({ delivered, repeated }, { delivered: accepted, repeated: 0 })
  })
}
