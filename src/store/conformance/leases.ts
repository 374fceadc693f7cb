/** Conformance: the queue. One holder a delivery at a time, nobody's lease outlives them, and late news changes nothing. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../base/ids.ts'
import type { Settlement } from '../port.ts'
import { SILENT_MS, START, newMessage, onlyDelivery, openFresh, settlement } from './subject.ts'
import type { Subject } from './subject.ts'

export function leasesConform(subject: Subject): void {
  describe('claim', () => {
    test('gives what is due, oldest first, no more than the limit, with its message', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = [30, 10, 20, 40].map((ms) => newMessage({ createdAt: START + ms }))
      await store.append('engine', sent)
      assert.equal(await store.nextDue([]), START + 10)
      assert.deepEqual(await store.claim('engine', 10, START + 9, []), [])
      const first = await store.claim('engine', 2, START + 30, [])
      assert.deepEqual(
        first.map((c) => c.message),
        [sent[1]!.message, sent[2]!.message],
      )
      assert.deepEqual(first[0]!.delivery, {
        id: sent[1]!.deliveries[0]!.id,
        endpointId: sent[1]!.deliveries[0]!.endpointId,
        messageId: sent[1]!.message.id,
        state: 'delivering',
        attempts: 0,
        nextAt: null,
      })
      assert.deepEqual(
        (await store.claim('engine', 10, START + 30, [])).map((c) => c.message.id),
        [sent[0]!.message.id],
      )
      assert.equal(await store.nextDue([]), START + 40)
      assert.equal((await store.claim('engine', 10, START + 40, [])).length, 1)
      assert.equal(await store.nextDue([]), null)
    })

    test('gives one message with each of its deliveries', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage({ endpoints: ['ep_1', 'ep_2', 'service:payments:/stripe-events'] })
      await store.append('engine', [sent])
      const claimed = await store.claim('engine', 10, START, [])
      assert.deepEqual(claimed.map((c) => c.delivery.id).sort(), sent.deliveries.map((d) => d.id).sort())
      for (const { message } of claimed) assert.deepEqual(message, sent.message)
    })

    test('leaves out the endpoints that it is told to', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage({ endpoints: ['ep_1', 'ep_2', 'ep_3'] })
      await store.append('engine', [sent])
      assert.deepEqual(
        (await store.claim('engine', 10, START, ['ep_1', 'ep_3'])).map((c) => [c.delivery.endpointId, c.before]),
        [['ep_2', { state: 'pending', nextAt: START }]],
      )
      assert.equal(await store.nextDue(['ep_1', 'ep_3']), null)
      assert.equal(await store.nextDue(['ep_1']), START)
    })

    test('shares its limit among the endpoints: one with many due hides no other', async (t) => {
      const store = (await openFresh(subject, t)).client()
      await store.append(
        'engine',
        Array.from({ length: 100 }, () => newMessage({ endpoints: ['ep_many'] })),
      )
      const others = ['ep_1', 'ep_2', 'ep_3']
      await store.append('engine', [newMessage({ endpoints: others, createdAt: START + 5 })])
      const claimed = await store.claim('engine', 20, START + 5, [])
      assert.equal(claimed.length, 20)
      for (const endpointId of others)
        assert.equal(claimed.filter((c) => c.delivery.endpointId === endpointId).length, 1, endpointId)
      assert.equal((await store.claim('engine', 200, START + 5, ['ep_1'])).length, 83)
    })

    test('never gives a delivery to two', async (t) => {
      const opened = await openFresh(subject, t)
      const stores = Array.from({ length: 4 }, () => opened.client())
      const sent = Array.from({ length: 300 }, () => newMessage())
      await stores[0]!.append('engine', sent)
      const claims = await Promise.all(
        Array.from({ length: 40 }, (_, i) => stores[i % 4]!.claim(`engine ${i % 4}`, 10, START, [])),
      )
      const ids = claims.flat().map((c) => c.delivery.id)
      assert.equal(ids.length, 300)
      assert.equal(new Set(ids).size, 300)
    })
  })

  describe('settle', () => {
    const ends: [Settlement['state'], number | null, number][] = [
      ['pending', START + 5000, 1],
      ['delivered', null, 1],
      ['exhausted', null, 1],
      ['cancelled', null, 0],
      ['held', null, 0],
    ]
    for (const [state, nextAt, attempts] of ends) {
      test(`ends an attempt as ${state} and keeps the attempt`, async (t) => {
        const store = (await openFresh(subject, t)).client()
        const sent = newMessage({ leased: true })
        await store.append('engine', [sent])
        const end = settlement(sent, state, { nextAt })
        await store.settle('engine', [end])
        assert.deepEqual(await store.listDeliveries(sent.message.id), [
          { id: sent.deliveries[0]!.id, endpointId: 'ep_1', messageId: sent.message.id, state, attempts, nextAt },
        ])
        assert.deepEqual(await store.getAttempt(end.attempt.id), end.attempt)
        const due = await store.claim('engine', 10, START + 5000, [])
        assert.equal(due.length, state === 'pending' ? 1 : 0)
      })
    }

    test('counts what the schedule has used up: not what was tried by hand', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage({ leased: true })
      await store.append('engine', [sent])
      await store.settle('engine', [settlement(sent, 'pending', { nextAt: START + 5000 })])
      const claimed = await store.claimOne('engine', sent.message.id, 'ep_1')
      assert.deepEqual(claimed!.before, { state: 'pending', nextAt: START + 5000 })
      await store.settle('engine', [settlement(sent, 'pending', { nextAt: START + 5000, trigger: 'manual' })])
      const { state, attempts, nextAt } = await onlyDelivery(store, sent)
      assert.deepEqual({ state, attempts, nextAt }, { state: 'pending', attempts: 1, nextAt: START + 5000 })
      assert.equal((await store.listAttempts({ messageId: sent.message.id, limit: 10 })).length, 2)
    })

    test('by who has lost the lease keeps the attempt and changes nothing else', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage({ leased: true })
      await store.append('slow', [sent])
      assert.equal(await store.reclaim(START, SILENT_MS), 1)
      const late = settlement(sent, 'delivered')
      await store.settle('slow', [late])
      assert.deepEqual((await onlyDelivery(store, sent)).state, 'pending')
      assert.equal((await store.claim('quick', 10, START, [])).length, 1)
      const later = settlement(sent, 'exhausted')
      await store.settle('slow', [later])
      assert.deepEqual((await onlyDelivery(store, sent)).state, 'delivering')
      await store.settle('quick', [settlement(sent, 'delivered')])
      await store.settle('quick', [settlement(sent, 'exhausted')])
      const { state, attempts } = await onlyDelivery(store, sent)
      assert.deepEqual({ state, attempts }, { state: 'delivered', attempts: 1 })
      assert.equal((await store.listAttempts({ messageId: sent.message.id, limit: 10 })).length, 4)
    })

    test('said twice is recorded once', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage({ leased: true })
      await store.append('engine', [sent])
      const end = settlement(sent, 'pending', { nextAt: START })
      await store.settle('engine', [end])
      await store.claim('engine', 1, START, [])
      await store.settle('engine', [end])
      const { state, attempts } = await onlyDelivery(store, sent)
      assert.deepEqual({ state, attempts }, { state: 'delivering', attempts: 1 })
      assert.equal((await store.listAttempts({ limit: 10 })).length, 1)
    })
  })

  describe('leases', () => {
    test('are given back by their holder only', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const [mine, theirs] = [newMessage({ leased: true }), newMessage({ leased: true })]
      await store.append('mine', [mine])
      await store.append('theirs', [theirs])
      const to = { state: 'pending' as const, nextAt: START + 50 }
      const ids = [mine.message.id, theirs.message.id, newId('msg_', START)]
      await store.release(
        'mine',
        ids.map((messageId) => ({ messageId, endpointId: 'ep_1', to })),
      )
      const { state, attempts, nextAt } = await onlyDelivery(store, mine)
      assert.deepEqual({ state, attempts, nextAt }, { state: 'pending', attempts: 0, nextAt: START + 50 })
      assert.equal((await onlyDelivery(store, theirs)).state, 'delivering')
    })

    test('that were taken by hand and are given back stand where they stood', async (t) => {
      const store = (await openFresh(subject, t)).client()
      for (const state of ['delivered', 'exhausted', 'held'] as const) {
        const sent = newMessage({ leased: true })
        await store.append('engine', [sent])
        await store.settle('engine', [settlement(sent, state)])
        const stood = await onlyDelivery(store, sent)
        const { delivery, before } = (await store.claimOne('engine', sent.message.id, 'ep_1'))!
        assert.deepEqual(before, { state, nextAt: null })
        await store.release('engine', [{ ...delivery, to: before }])
        assert.deepEqual(await onlyDelivery(store, sent), stood)
      }
    })

    test('of the silent and of the unknown are due again', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const lessees = ['alive', 'silent', 'unknown']
      const sent = lessees.map(() => newMessage({ leased: true }))
      await store.heartbeat('silent', START)
      await store.heartbeat('alive', START + SILENT_MS)
      for (const [i, lessee] of lessees.entries()) await store.append(lessee, [sent[i]!])
      const now = START + SILENT_MS + 1
      assert.equal(await store.reclaim(now, SILENT_MS), 2)
      assert.equal(await store.reclaim(now, SILENT_MS), 0)
      const found = await Promise.all(sent.map((one) => onlyDelivery(store, one)))
      assert.deepEqual(
        found.map((d) => [d.state, d.nextAt]),
        [
          ['delivering', null],
          ['pending', now],
          ['pending', now],
        ],
      )
    })

    test('stay with whoever was silent while nobody reclaims, and after their next heartbeat', async (t) => {
      const store = (await openFresh(subject, t)).client()
      assert.equal(await store.heartbeat('late', START), false, 'it was not known')
      const sent = newMessage({ leased: true })
      await store.append('late', [sent])
      const now = START + 10 * SILENT_MS
      await store.heartbeat('other', now)
      assert.equal(await store.heartbeat('late', now), true)
      assert.equal(await store.reclaim(now, SILENT_MS), 0)
      assert.equal((await onlyDelivery(store, sent)).state, 'delivering')
    })

    test('of the dead are due again though the clock was set back an hour', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const back = START - 3_600_000
      await store.heartbeat('dead', START)
      await store.append('dead', [newMessage({ leased: true })])
      assert.equal(await store.reclaim(back, SILENT_MS), 0)
      assert.equal(await store.reclaim(back + SILENT_MS + 1, SILENT_MS), 1)
    })
  })

  describe('by hand', () => {
    test('one delivery is claimed unless it is in flight, unknown or cancelled', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage({ createdAt: START + 9999 })
      await store.append('engine', [sent])
      const claim = async (): Promise<string | undefined> =>
        (await store.claimOne('engine', sent.message.id, 'ep_1'))?.delivery.id
      assert.equal(await store.claimOne('engine', sent.message.id, 'ep_2'), null)
      assert.equal(await claim(), sent.deliveries[0]!.id)
      assert.equal(await claim(), undefined)
      for (const state of ['delivered', 'exhausted', 'held'] as const) {
        await store.settle('engine', [settlement(sent, state)])
        assert.equal(await claim(), sent.deliveries[0]!.id)
      }
      await store.settle('engine', [settlement(sent, 'cancelled')])
      assert.equal(await claim(), undefined)
    })

    test('a delivery that is over is put back at the start of its schedule', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage({ leased: true })
      await store.append('engine', [sent])
      const requeue = (): Promise<boolean> => store.requeue(sent.message.id, 'ep_1', START + 7)
      assert.equal(await store.requeue(sent.message.id, 'ep_2', START), false)
      assert.equal(await requeue(), false) // in flight
      await store.settle('engine', [settlement(sent, 'pending', { nextAt: START + 99 })])
      assert.equal(await requeue(), true)
      assert.deepEqual((await onlyDelivery(store, sent)).attempts, 1)
      for (const state of ['delivered', 'exhausted', 'held'] as const) {
        assert.equal((await store.claim('engine', 1, START + 7, [])).length, 1)
        await store.settle('engine', [settlement(sent, state)])
        assert.equal(await requeue(), true)
        const { state: now, attempts, nextAt } = await onlyDelivery(store, sent)
        assert.deepEqual({ now, attempts, nextAt }, { now: 'pending', attempts: 0, nextAt: START + 7 })
      }
      await store.claim('engine', 1, START + 7, [])
      await store.settle('engine', [settlement(sent, 'cancelled')])
      assert.equal(await requeue(), false)
    })
  })
}
