/** Conformance: lists. Newest first, every item once whichever way one pages, and filters that find the far end. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MessageFilter, NewMessage, Page, Store } from '../port.ts'
import { START, newConsumer, newEndpoint, newMessage, openFresh, settlement } from './subject.ts'
import type { Subject } from './subject.ts'

interface Item {
  readonly id: string
}
type List = (page: Page) => Promise<readonly Item[]>

export function listsConform(subject: Subject): void {
  describe('lists', () => {
    test('of consumers and endpoints page both ways', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const consumers = Array.from({ length: 7 }, (_, i) => newConsumer({ id: `app_${i}` }))
      for (const consumer of consumers) await store.putConsumer(consumer)
      const endpoints = Array.from({ length: 12 }, (_, i) => newEndpoint({ consumerId: `app_${i % 2}` }))
      for (const endpoint of endpoints) await store.putEndpoint(endpoint)
      await pagesBothWays((page) => store.listConsumers(page), consumers)
      await pagesBothWays(
        (page) => store.listEndpoints('app_1', page),
        endpoints.filter((e) => e.consumerId === 'app_1'),
      )
      assert.deepEqual(await store.listEndpoints('app_nobody', { limit: 10 }), [])
    })

    test('of messages page both ways, by owner and of everybody', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = await appendMany(store, 40, (i) => ({
        createdAt: START + Math.floor(i / 8), // eight share a millisecond
        ...(i % 4 === 0 ? { consumerId: null, origin: 'source:stripe' } : { consumerId: `app_${i % 2}` }),
      }))
      const owned = (consumerId: string): Item[] => sent.filter((m) => m.consumerId === consumerId)
      await pagesBothWays((page) => store.listMessages(page), sent)
      await pagesBothWays((page) => store.listMessages({ ...page, consumerId: 'app_1' }), owned('app_1'))
      const stripe = sent.filter((m) => m.origin !== null)
      await pagesBothWays((page) => store.listMessages({ ...page, origin: 'source:stripe' }), stripe)
      assert.deepEqual(await store.listMessages({ limit: 5, consumerId: 'app_nobody' }), [])
      const [first] = await store.listMessages({ limit: 1 })
      assert.deepEqual(first, sent.toSorted(newestFirst)[0])
    })

    test('of messages show each one as soon as it is appended', async (t) => {
      const store = (await openFresh(subject, t)).client()
      for (let i = 1; i <= 5; i++) {
        await appendMany(store, 1, () => ({ createdAt: START + i }))
        assert.equal((await store.listMessages({ limit: 10, consumerId: 'app_1' })).length, i)
      }
    })

    test('of messages are filtered by type, channel, origin and time', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = await appendMany(store, 60, (i) => ({
        createdAt: START + i,
        eventType: ['a', 'b', 'c'][i % 3]!,
        channels: i % 5 === 0 ? ['eu', 'x'] : i % 5 === 1 ? ['us'] : null,
        origin: i % 2 === 0 ? 'route:cart-add' : null,
      }))
      const filters: [MessageFilter, (m: NewMessage['message']) => boolean][] = [
        [{ limit: 99, eventTypes: ['a', 'c'] }, (m) => m.eventType !== 'b'],
        [{ limit: 99, eventTypes: [] }, () => false],
        [{ limit: 99, channel: 'eu' }, (m) => m.channels?.includes('eu') ?? false],
        [{ limit: 99, createdFrom: START + 10 }, (m) => m.createdAt >= START + 10],
        [{ limit: 99, createdUntil: START + 10 }, (m) => m.createdAt < START + 10],
        [{ limit: 99, origin: 'route:cart-add' }, (m) => m.origin !== null],
        [
          { limit: 99, eventTypes: ['b'], channel: 'us', createdFrom: START + 20 },
          (m) => m.eventType === 'b' && (m.channels?.includes('us') ?? false) && m.createdAt >= START + 20,
        ],
      ]
      for (const [filter, matches] of filters) {
        const expected = sent.filter(matches).toSorted(newestFirst)
        assert.deepEqual(await store.listMessages(filter), expected)
        assert.deepEqual(await store.listMessages({ ...filter, consumerId: 'app_1' }), expected)
      }
    })

    test('with a filter page both ways though matches are far between', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = await appendMany(store, 3000, (i) => ({
        createdAt: START + i,
        eventType: i % 700 === 3 ? 'rare' : 'common',
      }))
      const rare = sent.filter((m) => m.eventType === 'rare')
      assert.equal(rare.length, 5)
      await pagesBothWays((page) => store.listMessages({ ...page, eventTypes: ['rare'], consumerId: 'app_1' }), rare)
      await pagesBothWays((page) => store.listMessages({ ...page, eventTypes: ['rare'] }), rare)
    })

    test('of attempts page both ways: of a message, of an endpoint, of everybody, good or failed', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = Array.from({ length: 6 }, () => newMessage({ endpoints: ['ep_1', 'ep_2'], leased: true }))
      await store.append('engine', sent)
      const all = sent
        .flatMap((one) =>
          ['ep_1', 'ep_2'].flatMap((endpointId) => Array.from({ length: 4 }, () => ({ one, endpointId }))),
        )
        .map(({ one, endpointId }, i) => settlement(one, i % 3 === 0 ? 'delivered' : 'exhausted', { endpointId }))
      await store.settle('engine', all)
      const attempts = all.map((one) => one.attempt)
      await pagesBothWays((page) => store.listAttempts(page), attempts)
      await pagesBothWays(
        (page) => store.listAttempts({ ...page, ok: false }),
        attempts.filter((a) => !a.ok),
      )
      for (const endpointId of ['ep_1', 'ep_2', 'ep_3']) {
        const own = attempts.filter((a) => a.endpointId === endpointId)
        await pagesBothWays((page) => store.listAttempts({ ...page, endpointId }), own)
        await pagesBothWays(
          (page) => store.listAttempts({ ...page, endpointId, ok: true }),
          own.filter((a) => a.ok),
        )
      }
      const messageId = sent[2]!.message.id
      const own = attempts.filter((a) => a.messageId === messageId)
      await pagesBothWays((page) => store.listAttempts({ ...page, messageId }), own)
      await pagesBothWays(
        (page) => store.listAttempts({ ...page, messageId, ok: true }),
        own.filter((a) => a.ok),
      )
      const both = own.filter((a) => a.endpointId === 'ep_2')
      await pagesBothWays((page) => store.listAttempts({ ...page, messageId, endpointId: 'ep_2' }), both)
    })
  })
}

async function appendMany(
  store: Store,
  count: number,
  fields: (index: number) => Parameters<typeof newMessage>[0],
): Promise<NewMessage['message'][]> {
  const sent = Array.from({ length: count }, (_, i) => newMessage({ endpoints: [], ...fields(i) }))
  await store.append('engine', sent)
  return sent.map((one) => one.message)
}

function newestFirst(a: Item, b: Item): number {
  return a.id < b.id ? 1 : -1
}

/** Reads the whole list forwards with `after` and backwards with `before`, in pages of several sizes, and between two ids. */
async function pagesBothWays(list: List, items: readonly Item[]): Promise<void> {
  const expected = items.map((item) => item.id).sort((a, b) => (a < b ? 1 : -1))
  const ids = async (page: Page): Promise<string[]> => (await list(page)).map((item) => item.id)
  assert.deepEqual(await ids({ limit: items.length + 1 }), expected)
  for (const limit of [1, 3, items.length]) {
    if (limit === 0 || items.length === 0) continue
    const forwards = await ids({ limit })
    for (let page = forwards; page.length === limit; forwards.push(...page)) {
      page = await ids({ limit, after: forwards.at(-1) })
    }
    assert.deepEqual(forwards, expected)
    const backwards = expected.slice(-1)
    for (let page = backwards; page.length > 0; backwards.unshift(...page)) {
      page = await ids({ limit, before: backwards[0] })
    }
    assert.deepEqual(backwards, expected)
  }
  if (expected.length > 2) {
    const between = { limit: items.length, after: expected[0], before: expected.at(-1) }
    assert.deepEqual(await ids(between), expected.slice(1, -1))
    assert.deepEqual(await ids({ ...between, limit: 1 }), expected.slice(1, 2))
  }
}
