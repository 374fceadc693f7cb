/** Conformance: what is forgotten when its time is over, and what is not. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { START, newMessage, openFresh, settlement } from './subject.ts'
import type { Subject } from './subject.ts'

const NEVER = Number.NEGATIVE_INFINITY

export function retentionConforms(subject: Subject): void {
  describe('purge', () => {
    test('forgets old messages with their deliveries and attempts, a slice at a time', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = Array.from({ length: 5 }, (_, i) => newMessage({ createdAt: START + i, leased: true }))
      await store.append('engine', sent)
      await store.settle(
        'engine',
        sent.map((one) => settlement(one, 'delivered')),
      )
      await store.listMessages({ consumerId: 'app_1', limit: 10 })
      await store.listAttempts({ endpointId: 'ep_1', limit: 10 })
      const purge = (messagesBefore: number, limit = 2): Promise<number> =>
        store.purge({ messagesBefore, attemptsBefore: NEVER, limit })
      assert.equal(await purge(START), 0)
      assert.equal(await purge(START + 3), 2)
      assert.equal(await purge(START + 3), 1)
      assert.equal(await purge(START + 3), 0)
      const left = sent.slice(3).map((one) => one.message.id)
      const listed = await store.listMessages({ consumerId: 'app_1', limit: 10 })
      assert.deepEqual(listed.map((one) => one.id).sort(), left.sort())
      const attempts = await store.listAttempts({ endpointId: 'ep_1', limit: 10 })
      assert.deepEqual(attempts.map((one) => one.messageId).sort(), left.sort())
      assert.equal(await store.getMessage(null, sent[0]!.message.id), null)
      const stats = await store.stats()
      assert.deepEqual([stats.messages, stats.deliveries['delivered']], [2, 2])
    })

    test('keeps what somebody still has to get, and the newest of all, by which order goes on', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const [pending, flying, held, last] = [newMessage(), newMessage({ leased: true }), newMessage(), newMessage()]
      const { id, endpointId } = held.deliveries[0]!
      await store.append('engine', [pending, flying])
      await store.append('engine', [{ ...held, deliveries: [{ id, endpointId, as: 'held' }] }])
      await store.append('engine', [{ ...last, deliveries: [] }])
      assert.equal(await store.purge({ messagesBefore: START + 1, attemptsBefore: NEVER, limit: 10 }), 1)
      assert.equal(await store.getMessage(null, held.message.id), null)
      for (const { message } of [pending, flying, last])
        assert.deepEqual(await store.getMessage(null, message.id), message)
    })

    test('forgets attempts alone when theirs is the shorter time', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage({ leased: true })
      await store.append('engine', [sent])
      const first = settlement(sent, 'pending', { nextAt: START })
      await store.settle('engine', [first])
      await store.claim('engine', 1, START, [])
      const second = settlement(sent, 'delivered')
      await store.settle('engine', [second])
      assert.equal(await store.purge({ messagesBefore: NEVER, attemptsBefore: START + 1, limit: 10 }), 1)
      assert.deepEqual(
        (await store.listAttempts({ messageId: sent.message.id, limit: 10 })).map((one) => one.id),
        [second.attempt.id],
      )
      assert.equal((await store.listDeliveries(sent.message.id)).length, 1)
    })
  })
}
