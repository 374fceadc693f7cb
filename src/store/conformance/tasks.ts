/** Conformance: tasks do each thing once, say exactly how much, and go on after a crash; deliveries are counted by state. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../../base/ids.ts'
import type { Task, Work } from '../../model/task.ts'
import type { Endpoint } from '../../model/webhook.ts'
import type { NewMessage, Settlement, Store } from '../port.ts'
import { START, newConsumer, newEndpoint, newMessage, openFresh, settlement } from './subject.ts'
import type { Subject } from './subject.ts'

const ENGINE = 'engine'

export function tasksConform(subject: Subject): void {
  describe('tasks', () => {
    test('are kept, listed newest first, filtered', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const tasks = [1, 2, 3].map((i) => newTask({ kind: 'expunge', consumerId: 'app_1', from: 0, until: i }))
      const finished: Task = { ...newTask({ kind: 'subscriptions', consumerIds: [] }), state: 'finished', result: [] }
      for (const task of [...tasks, finished]) await store.putTask(task)
      assert.deepEqual(await store.getTask(finished.id), finished)
      assert.equal(await store.getTask('qtask_none'), null)
      assert.equal(await store.advanceTask('qtask_none', 10, START), null)
      const byAge = [...tasks, finished].toSorted((a, b) => (a.id < b.id ? 1 : -1))
      assert.deepEqual(await store.listTasks({ limit: 10 }), byAge)
      assert.deepEqual(await store.listTasks({ limit: 2, after: byAge[0]!.id }), byAge.slice(1, 3))
      assert.deepEqual(await store.listTasks({ limit: 10, state: 'finished' }), [finished])
      assert.deepEqual(await store.listTasks({ limit: 10, kind: 'subscriptions', state: 'running' }), [])
    })

    test('recover what was given up or is held, exactly, whoever advances them and whatever ends in between', async (t) => {
      const location = await subject.create(t)
      let opened = await subject.open(location)
      let store = opened.client()
      const endpoint = await withEndpoint(store)
      const sent = await appendEach(store, 300, endpoint, (i) => ({ createdAt: START + i }))
      await settleEach(store, sent, (i) => (['exhausted', 'delivered', 'held', null] as const)[i % 4]!)
      const until = START + 280
      const task = newTask({ kind: 'recover', ...to(endpoint), from: START + 20, until })
      await store.putTask(task)
      for (let i = 0; i < 3; i++) await store.advanceTask(task.id, 32, START + 1_000)
      await opened.close()

      opened = await subject.open(location)
      t.after(() => opened.close())
      store = opened.client()
      assert.equal((await store.getTask(task.id))?.state, 'running')
      const rival = opened.client()
      const slices = await Promise.all(
        Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? store : rival).advanceTask(task.id, 32, START + 1_000)),
      )
      const done = slices.at(-1)!
      const expected = sent.filter((_, i) => i >= 20 && i < 280 && i % 2 === 0)
      assert.deepEqual([done.state, done.done], ['finished', expected.length])
      const due = await store.claim(ENGINE, 1_000, START + 1_000, [])
      assert.deepEqual(idsOf(due.map((one) => one.message)), idsOf(expected.map((one) => one.message)))
      assert.ok(due.every((one) => one.delivery.attempts === 0))
      const { deliveries } = await store.stats()
      assert.deepEqual([deliveries.exhausted, deliveries.held, deliveries.delivered], [10, 10, 75])
      assert.equal(
        (await store.advanceTask(task.id, 32, START + 2_000))?.done,
        expected.length,
        'what is over stays so',
      )
    })

    test('replay what an endpoint never had and would want now', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const endpoint = await withEndpoint(store, { eventTypes: ['paid'], channels: ['eu'] })
      const make = async (fields: Partial<NewMessage['message']>, endpoints: string[] = []) => {
        const message = newMessage({ consumerId: endpoint.consumerId, endpoints, ...fields })
        await store.append(ENGINE, [message])
        return message
      }
      const wanted = await make({ eventType: 'paid', channels: ['eu', 'us'] })
      await make({ eventType: 'paid', channels: ['us'] })
      await make({ eventType: 'paid' })
      await make({ eventType: 'sent', channels: ['eu'] })
      const had = await make({ eventType: 'paid', channels: ['eu'] }, [endpoint.id])
      const work: Work = { kind: 'replay-missing', ...to(endpoint), from: START, until: START + 1 }
      assert.deepEqual(await finish(store, work), { done: 1, failure: null, result: null })
      const [delivery] = await store.listDeliveries(wanted.message.id)
      assert.deepEqual([delivery!.endpointId, delivery!.state, delivery!.nextAt], [endpoint.id, 'pending', START + 5])
      assert.equal((await store.listDeliveries(had.message.id)).length, 1)
      assert.deepEqual(await finish(store, work), { done: 0, failure: null, result: null })
      assert.equal((await store.stats()).deliveries['pending'], 2)
    })

    test('replay what a filter chooses: state, status, type and channel', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const endpoint = await withEndpoint(store)
      const sent = await appendEach(store, 12, endpoint, (i) => ({
        eventType: i % 2 === 0 ? 'a' : 'b',
        channels: i % 3 === 0 ? ['eu'] : null,
        createdAt: START + i,
      }))
      await settleEach(store, sent, (i) => (i < 6 ? 'delivered' : i < 10 ? 'exhausted' : null))
      const all = { eventTypes: null, channel: null, tag: null, states: null, statusClass: null }
      const count = async (narrowed: Partial<Extract<Work, { kind: 'replay' }>>) => {
        const work: Work = { kind: 'replay', ...to(endpoint), from: START, until: START + 12, ...all, ...narrowed }
        const { done } = await finish(store, work)
        // As it was, for the next.
        for (const { message, delivery } of await store.claim(ENGINE, 100, START + 99, [])) {
          const index = sent.findIndex((one) => one.message.id === message.id)
          const state = index < 6 ? 'delivered' : index < 10 ? 'exhausted' : 'pending'
          const to = { state, nextAt: state === 'pending' ? START + 99_999 : null } as const
          await store.release(ENGINE, [{ messageId: message.id, endpointId: delivery.endpointId, to }])
        }
        return done
      }
      assert.equal(await count({}), 10)
      assert.equal(await count({ states: ['delivered'] }), 6)
      assert.equal(await count({ states: ['exhausted', 'held'] }), 4)
      assert.equal(await count({ states: ['pending'] }), 2)
      assert.equal(await count({ states: ['cancelled', 'delivering'] }), 0)
      assert.equal(await count({ statusClass: 500 }), 4)
      assert.equal(await count({ statusClass: 200, eventTypes: ['a'] }), 3)
      assert.equal(await count({ channel: 'eu' }), 4)
      assert.equal(await count({ tag: 'none' }), 0)
    })

    test('expunge payloads, and what has none is replayed no more', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const endpoint = await withEndpoint(store)
      const sent = await appendEach(store, 5, endpoint, () => ({}))
      await settleEach(store, sent, () => 'exhausted')
      const work: Work = { kind: 'expunge', consumerId: endpoint.consumerId, from: 0, until: START + 1 }
      assert.equal((await finish(store, work)).done, 5)
      assert.equal((await finish(store, work)).done, 0)
      for (const { message } of sent) assert.equal((await store.getMessage(null, message.id))?.payload.length, 0)
      assert.equal((await finish(store, { kind: 'recover', ...to(endpoint), from: 0, until: START + 1 })).done, 0)
    })

    test('fail when their endpoint is gone', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const endpoint = await withEndpoint(store)
      await store.deleteEndpoint(endpoint.consumerId, endpoint.id)
      const ended = await finish(store, { kind: 'recover', ...to(endpoint), from: 0, until: START })
      assert.match(ended.failure ?? '', /endpoint is gone/)
    })

    test('survey consumers: their deliveries, and what their endpoints want', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const some = await withEndpoint(store, { eventTypes: ['b', 'a'] })
      await store.putEndpoint(newEndpoint({ consumerId: some.consumerId, eventTypes: ['a', 'c'] }))
      const all = await withEndpoint(store)
      await appendEach(store, 70, some, (i) => ({ createdAt: START + i }))
      await appendEach(store, 3, all, () => ({}))
      const consumerIds = [some.consumerId, all.consumerId, 'app_gone']
      const usage = await finish(store, { kind: 'usage', consumerIds, from: START, until: START + 65 })
      assert.deepEqual(usage.result, [
        { consumerId: some.consumerId, deliveries: 65 },
        { consumerId: all.consumerId, deliveries: 3 },
        { consumerId: 'app_gone', deliveries: 0 },
      ])
      assert.deepEqual((await finish(store, { kind: 'usage', consumerIds: [], from: 0, until: 1 })).failure, null)
      assert.deepEqual((await finish(store, { kind: 'subscriptions', consumerIds })).result, [
        { consumerId: some.consumerId, eventTypes: ['a', 'b', 'c'], all: false },
        { consumerId: all.consumerId, eventTypes: [], all: true },
        { consumerId: 'app_gone', eventTypes: [], all: false },
      ])
    })

    test('deliveries of an endpoint are counted by state within a time', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const endpoint = await withEndpoint(store)
      const sent = await appendEach(store, 20, endpoint, (i) => ({ createdAt: START + i }))
      await settleEach(store, sent, (i) => (i < 4 ? 'delivered' : i < 7 ? 'exhausted' : i < 9 ? 'held' : null))
      const none = { pending: 0, delivering: 0, delivered: 0, exhausted: 0, cancelled: 0, held: 0 }
      const counted = (from: number, until: number) =>
        store.countDeliveries(endpoint.consumerId, endpoint.id, from, until)
      assert.deepEqual(await counted(0, START + 99), { ...none, pending: 11, delivered: 4, exhausted: 3, held: 2 })
      assert.deepEqual(await counted(START + 3, START + 5), { ...none, delivered: 1, exhausted: 1 })
      assert.deepEqual(await store.countDeliveries('app_gone', endpoint.id, 0, START + 99), none)
    })
  })
}

function newTask(work: Work): Task {
  const rest = { state: 'running', cursor: null, done: 0, result: null, failure: null } as const
  return { id: newId('qtask_', START), work, ...rest, createdAt: START, updatedAt: START }
}

/** Runs it, a few rows at a time. */
async function finish(store: Store, work: Work): Promise<Pick<Task, 'done' | 'failure' | 'result'>> {
  const task = newTask(work)
  await store.putTask(task)
  for (;;) {
    const { state, done, failure, result } = (await store.advanceTask(task.id, 4, START + 5))!
    if (state !== 'running') return { done, failure, result }
  }
}

async function withEndpoint(store: Store, fields: Partial<Endpoint> = {}): Promise<Endpoint> {
  const consumer = newConsumer()
  await store.putConsumer(consumer)
  const endpoint = newEndpoint({ consumerId: consumer.id, ...fields })
  await store.putEndpoint(endpoint)
  return endpoint
}

const to = ({ consumerId, id }: Endpoint) => ({ consumerId, endpointId: id })

async function appendEach(
  store: Store,
  count: number,
  { id, consumerId }: Endpoint,
  fields: (index: number) => Partial<NewMessage['message']>,
): Promise<NewMessage[]> {
  const sent = Array.from({ length: count }, (_, i) => newMessage({ consumerId, endpoints: [id], ...fields(i) }))
  await store.append(ENGINE, sent)
  return sent
}

/** Ends the delivery of each as said; null leaves it pending, due far away. */
async function settleEach(
  store: Store,
  sent: readonly NewMessage[],
  stateOf: (index: number) => Settlement['state'] | null,
): Promise<void> {
  await store.claim(ENGINE, sent.length, START + 10_000, [])
  await store.settle(
    ENGINE,
    sent.map((one, i) => {
      const state = stateOf(i)
      return state === null ? settlement(one, 'pending', { nextAt: START + 99_999 }) : settlement(one, state)
    }),
  )
}

const idsOf = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id).toSorted()
