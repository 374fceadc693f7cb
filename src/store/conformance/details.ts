/** Conformance: what a message says beside its event, requests that come again under their key, payloads that go. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { START, newMessage, onlyDelivery, openFresh, settlement } from './subject.ts'
import type { Subject } from './subject.ts'

const DAY_MS = 24 * 3_600_000

export function detailsConform(subject: Subject): void {
  describe('messages', () => {
    test('keep tags, and are found by them', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const [tagged, other, plain] = [newMessage({ tags: ['a', 'b'] }), newMessage({ tags: ['b'] }), newMessage()]
      await store.append('engine', [tagged, other, plain])
      assert.deepEqual(await store.getMessage(null, tagged.message.id), tagged.message)
      for (const consumerId of ['app_1', undefined]) {
        const ids = async (tag: string) =>
          (await store.listMessages({ limit: 10, consumerId, tag })).map(({ id }) => id).toSorted()
        assert.deepEqual(await ids('a'), [tagged.message.id])
        assert.deepEqual(await ids('b'), [tagged.message.id, other.message.id].toSorted())
        assert.deepEqual(await ids('c'), [])
      }
    })

    test('that are to be delivered later are due later', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage({ deliverAt: START + 60_000 })
      await store.append('engine', [sent])
      assert.deepEqual(await store.getMessage(null, sent.message.id), sent.message)
      assert.equal(await store.nextDue([]), START + 60_000)
      assert.deepEqual(await store.claim('engine', 10, START + 59_999, []), [])
      assert.equal((await store.claim('engine', 10, START + 60_000, [])).length, 1)
    })
  })

  for (const kind of ['idempotencyKey', 'retryKey'] as const) {
    describe(`a request that comes again under its ${kind}`, () => {
      test('is stored once, in its scope, whatever its eventId', async (t) => {
        const opened = await openFresh(subject, t)
        const store = opened.client()
        const first = newMessage({ [kind]: 'k', eventId: 'e' })
        const repeated = { stored: false, existingId: first.message.id, repeats: true }
        const again = () => newMessage({ [kind]: 'k' })
        assert.deepEqual(await store.append('engine', [first, again()]), [{ stored: true }, repeated])
        assert.deepEqual(await opened.client().append('other', [newMessage({ [kind]: 'k', eventId: 'e' })]), [repeated])
        const sameEvent = { ...repeated, repeats: false }
        assert.deepEqual(await store.append('engine', [newMessage({ [kind]: 'l', eventId: 'e' })]), [sameEvent])
        for (const elsewhere of [{ consumerId: 'app_2' }, { consumerId: null, origin: 'route:a' }]) {
          const [result] = await store.append('engine', [newMessage({ [kind]: 'k', ...elsewhere })])
          assert.equal(result!.stored, true)
        }
        assert.equal((await store.stats()).messages, 3)
        assert.equal((await store.listDeliveries(first.message.id)).length, 1)
      })

      test('is known after a restart', async (t) => {
        const location = await subject.create(t)
        const before = await subject.open(location)
        const first = newMessage({ [kind]: 'k' })
        await before.client().append('engine', [first, newMessage({ [kind]: 'l' })])
        await before.close()
        const after = await subject.open(location)
        t.after(() => after.close())
        const [result] = await after.client().append('engine', [newMessage({ [kind]: 'k' })])
        assert.deepEqual(result, { stored: false, existingId: first.message.id, repeats: true })
      })

      test('of many at once one is stored', async (t) => {
        const opened = await openFresh(subject, t)
        const stores = [opened.client(), opened.client()]
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, i) => stores[i % 2]!.append('engine', [newMessage({ [kind]: 'k' })])),
        )
        assert.equal(results.flat().filter((one) => one.stored).length, 1)
        assert.equal((await stores[0]!.stats()).messages, 1)
      })

      test('is another when the one before was never stored', async (t) => {
        const store = (await openFresh(subject, t)).client()
        const lost = newMessage({ [kind]: 'k', endpoints: ['ep_1', 'ep_1'] })
        await assert.rejects(store.append('engine', [lost]))
        assert.deepEqual(await store.append('engine', [newMessage({ [kind]: 'k' })]), [{ stored: true }])
      })
    })
  }

  test('an idempotencyKey is free again after a day', async (t) => {
    const store = (await openFresh(subject, t)).client()
    const at = (createdAt: number) => newMessage({ idempotencyKey: 'k', createdAt })
    const first = at(START)
    await store.append('engine', [first])
    const [early] = await store.append('engine', [at(START + DAY_MS - 1)])
    assert.equal(early!.stored, false)
    const second = at(START + DAY_MS)
    assert.deepEqual(await store.append('engine', [second]), [{ stored: true }])
    const [third] = await store.append('engine', [at(START + DAY_MS + 1)])
    assert.deepEqual(third, { stored: false, existingId: second.message.id, repeats: true })
    assert.deepEqual(await store.getMessage(null, first.message.id), first.message)
  })

  describe('payloads', () => {
    test('go when they are told to; the message stays, and says so', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage()
      await store.append('engine', [sent])
      assert.equal(await store.expunge(sent.message.id), true)
      assert.equal(await store.expunge('msg_none'), false)
      const left = { ...sent.message, payload: new Uint8Array(0), expunged: true }
      const found = (await store.getMessage(null, sent.message.id))!
      assert.deepEqual({ ...found, payload: new Uint8Array(found.payload) }, left)
      const [claimed] = await store.claim('engine', 1, START, [])
      assert.equal(claimed!.message.expunged, true)
    })

    test('go when their time has come, the oldest first', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = [30, 10, 20, null].map((after) => newMessage({ expiresAt: after && START + after }))
      await store.append('engine', sent)
      assert.equal(await store.expungeDue(START + 9, 10), 0)
      assert.equal(await store.expungeDue(START + 20, 1), 1)
      const expunged = async () => {
        const found = await Promise.all(sent.map(({ message }) => store.getMessage(null, message.id)))
        return found.map((one) => one!.expunged)
      }
      assert.deepEqual(await expunged(), [false, true, false, false])
      assert.equal(await store.expungeDue(START + 99, 10), 2)
      assert.equal(await store.expungeDue(START + 99, 10), 0)
      assert.deepEqual(await expunged(), [true, true, true, false])
    })

    test('of answers go when they are told to', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage({ leased: true })
      const settled = settlement(sent, 'exhausted')
      await store.append('engine', [sent])
      await store.settle('engine', [settled])
      assert.equal(await store.expungeAttempt(settled.attempt.id), true)
      assert.equal(await store.expungeAttempt('atmpt_none'), false)
      assert.deepEqual(await store.getAttempt(settled.attempt.id), { ...settled.attempt, response: '' })
      assert.equal((await onlyDelivery(store, sent)).state, 'exhausted')
    })
  })
}
