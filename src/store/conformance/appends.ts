/** Conformance: the append. What is accepted is there byte for byte, once, and nobody's mistake is another's. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { newId } from '../../base/ids.ts'
import { START, newMessage, onlyDelivery, openFresh, settlement } from './subject.ts'
import type { Subject } from './subject.ts'

export function appendsConform(subject: Subject): void {
  describe('append', () => {
    test('keeps every field and every byte', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const text = fc.string({ unit: 'binary' }) // any character, NUL too
      const field = fc.option(text, { nil: null })
      const received = fc.record(
        { method: text, target: text, headers: fc.array(text) },
        { noNullPrototype: true }, // or it would not equal what a reader gets
      )
      const message = fc.record({
        consumerId: field,
        origin: field,
        eventType: text,
        channels: fc.option(fc.array(text), { nil: null }),
        payload: fc.uint8Array({ maxLength: 20_000 }),
        received: fc.option(received, { nil: null }),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(message, { maxLength: 5 }), async (drafts) => {
          const sent = drafts.map((draft) => newMessage(draft))
          const results = await store.append('engine', sent)
          assert.deepEqual(
            results,
            sent.map(() => ({ stored: true })),
          )
          for (const { message } of sent) assert.deepEqual(await store.getMessage(null, message.id), message)
        }),
        { numRuns: 30 },
      )
    })

    test('has read the payload when it returns: the caller may use the memory again', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const memory = Buffer.from('first')
      const first = newMessage({ payload: memory })
      const second = newMessage({ payload: memory })
      const appended = [store.append('engine', [first])]
      memory.write('secon')
      appended.push(store.append('engine', [second]))
      memory.fill(0)
      await Promise.all(appended)
      assert.deepEqual((await store.getMessage(null, first.message.id))?.payload, new Uint8Array(Buffer.from('first')))
      assert.deepEqual((await store.getMessage(null, second.message.id))?.payload, new Uint8Array(Buffer.from('secon')))
    })

    test('takes a payload of megabytes among small ones', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = [100, 3_000_000, 0, 100].map((bytes, i) => newMessage({ payload: new Uint8Array(bytes).fill(i) }))
      await Promise.all(sent.map((one) => store.append('engine', [one])))
      for (const { message } of sent) assert.deepEqual(await store.getMessage(null, message.id), message)
    })

    test('holds those that are to be held, leased or not', async (t) => {
      const store = (await openFresh(subject, t)).client()
      for (const leased of [true, false]) {
        const sent = newMessage({ endpoints: ['ep_1', 'ep_2'], leased })
        const deliveries = sent.deliveries.map((one) =>
          one.endpointId === 'ep_2' ? { ...one, as: 'held' as const } : one,
        )
        await store.append('engine', [{ ...sent, deliveries }])
        const stored = await store.listDeliveries(sent.message.id)
        assert.deepEqual(
          new Map(stored.map(({ endpointId, state }) => [endpointId, state])),
          new Map([
            ['ep_1', leased ? 'delivering' : 'pending'],
            ['ep_2', 'held'],
          ]),
        )
      }
      assert.deepEqual(
        (await store.claim('engine', 10, START, [])).map((c) => c.delivery.endpointId),
        ['ep_1'],
      )
      assert.equal((await store.stats()).deliveries['held'], 2)
    })

    test('stores deliveries due now, or leased to the caller', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const due = newMessage({ endpoints: ['ep_1', 'ep_2'] })
      const leased = newMessage({ leased: true })
      await store.append('engine', [due, leased])
      const found = await store.listDeliveries(due.message.id)
      assert.deepEqual(found.map((d) => d.id).sort(), due.deliveries.map((d) => d.id).sort())
      for (const { messageId, state, attempts, nextAt } of found) {
        assert.deepEqual([messageId, state, attempts, nextAt], [due.message.id, 'pending', 0, START])
      }
      assert.equal((await onlyDelivery(store, leased)).state, 'delivering')
      await store.settle('engine', [settlement(leased, 'delivered')])
      assert.equal((await onlyDelivery(store, leased)).state, 'delivered')
    })

    test('an eventId is taken once in its scope', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const first = newMessage({ eventId: 'evt-1' })
      const again = newMessage({ eventId: 'evt-1' })
      const refused = { stored: false, existingId: first.message.id, repeats: false }
      assert.deepEqual(await store.append('engine', [first, again]), [{ stored: true }, refused])
      assert.deepEqual(await store.append('engine', [again]), [refused])
      assert.equal(await store.getMessage(null, again.message.id), null)
      assert.deepEqual(await store.listDeliveries(again.message.id), [])
      const elsewhere = [
        newMessage({ eventId: 'evt-1', consumerId: 'app_2' }),
        newMessage({ eventId: 'evt-1', consumerId: null, origin: 'source:stripe' }),
        newMessage({ eventId: 'evt-1', consumerId: null, origin: 'route:orders-import' }),
        newMessage({ eventId: null }),
        newMessage({ eventId: null }),
      ]
      assert.deepEqual(
        await store.append('engine', elsewhere),
        elsewhere.map(() => ({ stored: true })),
      )
    })

    test('a message id is taken once', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage()
      await store.append('engine', [sent])
      assert.deepEqual(await store.append('engine', [sent]), [
        { stored: false, existingId: sent.message.id, repeats: false },
      ])
      assert.equal((await store.listDeliveries(sent.message.id)).length, 1)
    })

    test('of concurrent appends of one event, by several callers, exactly one is stored', async (t) => {
      const opened = await openFresh(subject, t)
      const stores = Array.from({ length: 4 }, () => opened.client())
      const sent = Array.from({ length: 100 }, () => newMessage({ eventId: 'evt-1' }))
      const results = await Promise.all(
        sent.map((one, i) => stores[i % stores.length]!.append(`engine ${i % 4}`, [one])),
      )
      const stored = sent.filter((_, i) => results[i]![0]!.stored)
      assert.equal(stored.length, 1)
      const [winner] = stored
      for (const [result] of results) if (!result!.stored) assert.equal(result!.existingId, winner!.message.id)
      const list = await stores[0]!.listMessages({ consumerId: 'app_1', limit: 200 })
      assert.deepEqual(
        list.map((m) => m.id),
        [winner!.message.id],
      )
    })

    test('a call that fails leaves nothing, and fails alone', async (t) => {
      const opened = await openFresh(subject, t)
      const [one, other] = [opened.client(), opened.client()]
      const before = newMessage()
      const good = newMessage()
      const bad = newMessage({ endpoints: ['ep_1', 'ep_1'] }) // two deliveries of a message to one endpoint cannot be
      const [mine, failed, theirs, consumer] = await Promise.allSettled([
        one.append('engine', [good]),
        one.append('engine', [before, bad]),
        other.append('engine', [newMessage()]),
        other.initSetting('key', 'value'),
      ])
      assert.deepEqual(
        [mine.status, failed.status, theirs.status, consumer.status],
        ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
      )
      assert.equal(await one.getMessage(null, before.message.id), null)
      assert.equal(await one.getMessage(null, bad.message.id), null)
      assert.notEqual(await one.getMessage(null, good.message.id), null)
      const { messages, deliveries } = await one.stats()
      assert.deepEqual([messages, deliveries.pending], [2, 2])
    })

    test('a settlement that fails fails alone', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const [good, bad] = [newMessage({ leased: true }), newMessage({ leased: true })]
      await store.append('engine', [good, bad])
      const [failed, fine] = await Promise.allSettled([
        store.settle('engine', [settlement(bad, 'pending', { nextAt: null })]), // to be tried again, but never
        store.settle('engine', [settlement(good, 'delivered')]),
      ])
      assert.deepEqual([failed.status, fine.status], ['rejected', 'fulfilled'])
      assert.equal((await onlyDelivery(store, bad)).state, 'delivering')
      assert.equal((await onlyDelivery(store, good)).state, 'delivered')
      assert.equal((await store.listAttempts({ messageId: bad.message.id, limit: 10 })).length, 0)
    })

    test('a payload that is not bytes is refused, alone', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const good = newMessage()
      const bad = newMessage()
      Object.assign(bad.message, { payload: 'text' })
      const [failed, fine] = await Promise.allSettled([store.append('engine', [bad]), store.append('engine', [good])])
      assert.deepEqual([failed.status, fine.status], ['rejected', 'fulfilled'])
      assert.equal(await store.getMessage(null, bad.message.id), null)
      assert.deepEqual(await store.getMessage(null, good.message.id), { ...good.message })
    })

    test('finds a message by id, and by eventId within its scope only', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const { message } = newMessage({ eventId: 'evt-1' })
      const stripe = newMessage({ consumerId: null, origin: 'source:stripe', eventId: 'evt-2' }).message
      await store.append('engine', [
        { message, deliveries: [] },
        { message: stripe, deliveries: [] },
      ])
      const idOf = async (scope: string | null, id: string): Promise<string | undefined> =>
        (await store.getMessage(scope, id))?.id
      assert.equal(await idOf('app_1', message.id), message.id)
      assert.equal(await idOf('app_1', 'evt-1'), message.id)
      assert.equal(await idOf('app_2', message.id), undefined)
      assert.equal(await idOf('app_2', 'evt-1'), undefined)
      assert.equal(await idOf(null, 'evt-1'), undefined)
      assert.equal(await idOf('source:stripe', 'evt-2'), stripe.id)
      assert.equal(await idOf(null, stripe.id), stripe.id)
      assert.equal(await idOf(null, newId('msg_', START)), undefined)
    })
  })
}
