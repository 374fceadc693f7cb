/** Conformance: consumers, endpoints, event types, revisions and settings. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EventType } from '../../model/webhook.ts'
import { StoreConflict } from '../port.ts'
import type { Store } from '../port.ts'
import { START, newConsumer, newEndpoint, newMessage, onlyDelivery, openFresh, settlement } from './subject.ts'
import type { Subject } from './subject.ts'

export function resourcesConform(subject: Subject): void {
  describe('consumers', () => {
    test('are put, found by id and uid, replaced, deleted', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const consumer = newConsumer({ uid: 'mobile-app' })
      await store.putConsumer(consumer)
      assert.deepEqual(await store.getConsumer(consumer.id), consumer)
      assert.deepEqual(await store.getConsumer('mobile-app'), consumer)
      const renamed = {
        ...consumer,
        uid: null,
        name: 'Renamed',
        metadata: {},
        ratePerSecondMax: 5,
        updatedAt: START + 1,
      }
      await store.putConsumer(renamed)
      assert.deepEqual(await store.getConsumer(consumer.id), renamed)
      assert.equal(await store.getConsumer('mobile-app'), null)
      assert.deepEqual(await store.allConsumers(), [renamed])
      assert.equal(await store.deleteConsumer(consumer.id), true)
      assert.equal(await store.deleteConsumer(consumer.id), false)
      assert.equal(await store.getConsumer(consumer.id), null)
    })

    test('have a uid to themselves; the error is a StoreConflict', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const taken = newConsumer({ uid: 'shop' })
      await store.putConsumer(taken)
      const other = newConsumer({ uid: 'shop' })
      await assert.rejects(store.putConsumer(other), StoreConflict)
      assert.equal(await store.getConsumer(other.id), null)
      await store.putConsumer({ ...other, uid: null })
      await store.putConsumer(newConsumer({ uid: null }))
      await assert.rejects(store.putConsumer({ ...other, uid: 'shop' }), StoreConflict)
      assert.deepEqual(await store.getConsumer('shop'), taken)
    })

    test('are found by id before they are found by uid', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const one = newConsumer()
      await store.putConsumer(newConsumer({ uid: one.id }))
      await store.putConsumer(one)
      assert.deepEqual(await store.getConsumer(one.id), one)
    })
  })

  describe('endpoints', () => {
    test('are put, found by id and uid within the consumer, replaced, deleted', async (t) => {
      const { store, consumerId } = await withConsumer(subject, t)
      const endpoint = newEndpoint({
        consumerId,
        uid: 'orders',
        eventTypes: ['order.paid'],
        channels: ['eu'],
        headers: { 'X-Tenant': 'a' },
        metadata: { team: 'billing' },
        disabled: true,
        retiring: [{ secret: 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX', until: START + 1 }],
        ratePerSecondMax: 20,
        transformation: { code: 'x', enabled: true, variables: { a: 'b' }, updatedAt: START },
      })
      await store.putEndpoint(endpoint)
      assert.deepEqual(await store.getEndpoint(consumerId, endpoint.id), endpoint)
      assert.deepEqual(await store.getEndpoint(consumerId, 'orders'), endpoint)
      assert.equal(await store.getEndpoint('app_other', endpoint.id), null)
      const edited = {
        ...endpoint,
        uid: null,
        eventTypes: null,
        channels: null,
        secrets: [],
        retiring: [],
        disabled: false,
        transformation: null,
      }
      await store.putEndpoint(edited)
      assert.deepEqual(await store.allEndpoints(), [edited])
      assert.equal(await store.deleteEndpoint('app_other', endpoint.id), false)
      assert.equal(await store.deleteEndpoint(consumerId, endpoint.id), true)
      assert.equal(await store.deleteEndpoint(consumerId, endpoint.id), false)
    })

    test('have a uid to themselves within their consumer, and a consumer that exists', async (t) => {
      const { store, consumerId } = await withConsumer(subject, t)
      const other = newConsumer()
      await store.putConsumer(other)
      const endpoint = newEndpoint({ consumerId, uid: 'orders' })
      await store.putEndpoint(endpoint)
      await store.putEndpoint(newEndpoint({ consumerId: other.id, uid: 'orders' }))
      await assert.rejects(store.putEndpoint(newEndpoint({ consumerId, uid: 'orders' })), StoreConflict)
      await assert.rejects(store.putEndpoint(newEndpoint({ consumerId: 'app_nobody' })), StoreConflict)
      await assert.rejects(store.putEndpoint({ ...endpoint, uid: null, consumerId: other.id }), StoreConflict)
      assert.deepEqual(await store.getEndpoint(consumerId, 'orders'), endpoint)
    })

    test('take what waits for them along when they are deleted, not what is in flight or over', async (t) => {
      const { store, consumerId } = await withConsumer(subject, t)
      const endpoints = [newEndpoint({ consumerId }), newEndpoint({ consumerId })].map((e) => e.id)
      for (const id of endpoints) await store.putEndpoint(newEndpoint({ consumerId, id }))
      const [pending, flying, held, done] = [false, true, true, true].map((leased) =>
        newMessage({ endpoints, leased, consumerId }),
      )
      await store.append('engine', [pending!, flying!, held!, done!])
      for (const endpointId of endpoints) {
        await store.settle('engine', [
          settlement(held!, 'held', { endpointId }),
          settlement(done!, 'delivered', { endpointId }),
        ])
      }
      const states = async (endpointId: string): Promise<unknown[]> => {
        const lists = await Promise.all(
          [pending, flying, held, done].map((sent) => store.listDeliveries(sent!.message.id)),
        )
        return lists.map((list) => list.find((d) => d.endpointId === endpointId)!.state)
      }
      await store.deleteEndpoint(consumerId, endpoints[0]!)
      assert.deepEqual(await states(endpoints[0]!), ['cancelled', 'delivering', 'cancelled', 'delivered'])
      assert.deepEqual(await states(endpoints[1]!), ['pending', 'delivering', 'held', 'delivered'])
      assert.equal(await store.deleteConsumer(consumerId), true)
      assert.deepEqual(await states(endpoints[1]!), ['cancelled', 'delivering', 'cancelled', 'delivered'])
      assert.deepEqual(await store.allEndpoints(), [])
      assert.deepEqual(await store.claim('engine', 10, START, []), [])
      assert.equal(await store.nextDue([]), null)
      const { deliveries } = await store.stats()
      assert.deepEqual([deliveries.cancelled, deliveries.delivering, deliveries.delivered], [4, 2, 2])
    })

    test('that are services of the gateway need no consumer', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const sent = newMessage({
        consumerId: null,
        origin: 'source:stripe',
        endpoints: ['service:payments:/stripe-events'],
      })
      await store.append('engine', [sent])
      assert.equal((await onlyDelivery(store, sent)).endpointId, 'service:payments:/stripe-events')
    })
  })

  test('event types are put, found, listed by name and deleted', async (t) => {
    const store = (await openFresh(subject, t)).client()
    const types = [
      eventType('cart.item_added', { schema: { type: 'object' } }),
      eventType('order.paid'),
      eventType('a.b'),
    ]
    for (const type of types) await store.putEventType(type)
    assert.deepEqual(await store.getEventType('cart.item_added'), types[0])
    assert.equal(await store.getEventType('nothing'), null)
    const edited = eventType('order.paid', {
      archived: true,
      deprecated: true,
      schema: true,
      description: '',
      groupName: 'orders',
      featureFlags: ['beta', 'new'],
    })
    await store.putEventType(edited)
    assert.deepEqual(await store.listEventTypes({ limit: 10 }), [types[2], types[0], edited])
    assert.deepEqual(await store.allEventTypes(), [types[2], types[0], edited])
    assert.deepEqual(await store.listEventTypes({ limit: 1, after: 'a.b' }), [types[0]])
    assert.deepEqual(await store.listEventTypes({ limit: 1, before: 'order.paid' }), [types[0]])
    assert.equal(await store.deleteEventType('a.b'), true)
    assert.equal(await store.deleteEventType('a.b'), false)
  })

  describe('revisions', () => {
    test('are numbered from 1, newest first, the newest of each origin at hand', async (t) => {
      const store = (await openFresh(subject, t)).client()
      assert.equal(await store.latestRevision(), null)
      const first = await store.putRevision(0, 'file', 'listeners: []', START)
      assert.deepEqual(first, { number: 1, origin: 'file', text: 'listeners: []', createdAt: START })
      const second = await store.putRevision(1, 'api', 'é\n', START + 1)
      assert.deepEqual(await store.latestRevision(), second)
      assert.deepEqual(await store.latestRevision('file'), first)
      assert.deepEqual(await store.listRevisions(10), [second, first])
      assert.deepEqual(await store.listRevisions(1), [second])
    })

    test('follow the one that was expected: of many that compete one wins', async (t) => {
      const opened = await openFresh(subject, t)
      const stores = [opened.client(), opened.client()]
      await assert.rejects(stores[0]!.putRevision(1, 'api', '', START), StoreConflict)
      const tries = await Promise.allSettled(
        Array.from({ length: 10 }, (_, i) => stores[i % 2]!.putRevision(0, 'api', String(i), START)),
      )
      const [won, lost] = ['fulfilled', 'rejected'].map((status) => tries.filter((one) => one.status === status))
      assert.deepEqual([won!.length, lost!.length], [1, 9])
      for (const one of lost!) if (one.status === 'rejected') assert.ok(one.reason instanceof StoreConflict)
      assert.equal((await stores[0]!.listRevisions(10)).length, 1)
    })
  })

  test('a setting is what the first to ask stored', async (t) => {
    const opened = await openFresh(subject, t)
    const stores = [opened.client(), opened.client()]
    assert.equal(await stores[0]!.getSetting('token'), null)
    const values = await Promise.all(Array.from({ length: 6 }, (_, i) => stores[i % 2]!.initSetting('token', `v${i}`)))
    assert.equal(new Set(values).size, 1)
    assert.equal(await stores[1]!.getSetting('token'), values[0])
  })
}

async function withConsumer(
  subject: Subject,
  t: Parameters<typeof openFresh>[1],
): Promise<{ store: Store; consumerId: string }> {
  const store = (await openFresh(subject, t)).client()
  const consumer = newConsumer()
  await store.putConsumer(consumer)
  return { store, consumerId: consumer.id }
}

function eventType(name: string, fields: Partial<EventType> = {}): EventType {
  const blank = { schema: null, archived: false, deprecated: false, groupName: null, featureFlags: [] }
  return { name, description: 'About it', ...blank, createdAt: START, updatedAt: START, ...fields }
}
