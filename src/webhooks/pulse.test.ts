/** pulse: who may reclaim, and that a stall or a step of the clock takes nothing from the living. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PostRig } from '../../test/support/unit/post-rig.ts'
import { newMessage } from '../store/conformance/subject.ts'
import { Pulse } from './pulse.ts'

/** The beats of some engines on one store, in turn, a second after the last ones; how many leases were reclaimed. */
async function beats(rig: PostRig, pulses: readonly Pulse[], seconds: number): Promise<number> {
  let reclaimed = 0
  for (let second = 0; second < seconds; second++) {
    rig.clock.advance(1_000)
    for (const pulse of pulses) reclaimed += await pulse.beat()
  }
  return reclaimed
}

const ignored = () => {}

async function leasedTo(rig: PostRig, lessee: string): Promise<void> {
  await rig.store.append(lessee, [newMessage({ leased: true })])
}

describe('pulse', () => {
  it('reclaims what the dead hold when it has itself been there for as long as they are silent', async (t) => {
    const rig = await PostRig.start(t)
    await new Pulse(rig.store, 'dead', rig.clock, ignored).beat()
    await leasedTo(rig, 'dead')
    const pulse = new Pulse(rig.store, 'next', rig.clock, ignored)
    assert.equal(await pulse.beat(), 0)
    assert.equal(await beats(rig, [pulse], 5), 0)
    assert.equal(await beats(rig, [pulse], 1), 1)
  })

  it('hears once that its own leases were taken back while it was silent', async (t) => {
    const rig = await PostRig.start(t)
    let lost = 0
    const stalled = new Pulse(rig.store, 'stalled', rig.clock, () => lost++)
    const other = new Pulse(rig.store, 'other', rig.clock, ignored)
    await beats(rig, [stalled, other], 7)
    await leasedTo(rig, 'stalled')
    assert.equal(lost, 0, 'its first beat is nothing lost')
    assert.equal(await beats(rig, [other], 7), 1)
    await beats(rig, [stalled, other], 3)
    assert.equal(lost, 1)
  })

  for (const [name, strike] of [
    ['a stall of everybody', (rig: PostRig) => rig.clock.advance(8_000)],
    ['a step of the wall clock', (rig: PostRig) => void (rig.clock.now = nowPlus(rig, 3_600_000))],
    ['a step back', (rig: PostRig) => void (rig.clock.now = nowPlus(rig, -3_600_000))],
  ] as const) {
    it(`${name} takes nothing from the living, and what the dead hold is still reclaimed later`, async (t) => {
      const rig = await PostRig.start(t)
      const living = ['one', 'two', 'three'].map((lessee) => new Pulse(rig.store, lessee, rig.clock, ignored))
      await beats(rig, living, 7)
      await rig.store.heartbeat('dead', rig.clock.now())
      for (const lessee of ['one', 'two', 'three', 'dead']) await leasedTo(rig, lessee)
      strike(rig)
      assert.equal(await beats(rig, living, 4), 0)
      assert.equal(await beats(rig, living, 10), 1)
      assert.equal((await rig.store.stats()).deliveries['delivering'], 3)
    })
  }

  it('a disk that stalls takes nothing from the living: beats that pile up behind it reclaim nothing', async (t) => {
    const rig = await PostRig.start(t)
    const living = ['one', 'two'].map((lessee) => new Pulse(rig.store, lessee, rig.clock, ignored))
    await beats(rig, living, 7)
    for (const lessee of ['one', 'two']) await leasedTo(rig, lessee)
    const piled = living.flatMap((pulse) =>
      Array.from({ length: 8 }, () => {
        rig.clock.advance(1_000)
        return pulse.beat()
      }),
    )
    assert.deepEqual(new Set(await Promise.all(piled)), new Set([0]))
    assert.equal(await beats(rig, living, 10), 0)
  })
})

function nowPlus({ clock }: PostRig, ms: number): () => number {
  const now = clock.now.bind(clock)
  return () => now() + ms
}
