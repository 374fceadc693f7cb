/** Conformance: the delivery state machine, compared step by step with a model in memory (fast-check). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { AttemptTrigger, Delivery, DeliveryState } from '../../model/webhook.ts'
import type { NewMessage, Settlement, Standing, Store } from '../port.ts'
import { SILENT_MS, START, newConsumer, newEndpoint, newMessage, settlement } from './subject.ts'
import type { Subject } from './subject.ts'

const ENDPOINTS = ['ep_1', 'ep_2'] as const
const LESSEES = ['engine 1', 'engine 2', 'engine 3'] as const
const EVERYTHING = 1000

interface Entry {
  readonly sent: NewMessage
  readonly endpointId: string
  state: DeliveryState
  attempts: number
  nextAt: number | null
  lessee: string | null
  /** Where it stood before its lease. */
  before: Standing
}

type Step =
  | { readonly do: 'append'; readonly lessee: string; readonly leased: boolean }
  | { readonly do: 'claim'; readonly lessee: string; readonly except: readonly string[] }
  | { readonly do: 'heartbeat'; readonly lessee: string }
  | { readonly do: 'reclaim' }
  | { readonly do: 'claimOne' | 'release'; readonly lessee: string; readonly which: number }
  | {
      readonly do: 'settle'
      readonly lessee: string
      readonly which: number
      readonly state: Settlement['state']
      readonly trigger: AttemptTrigger
    }
  | { readonly do: 'requeue'; readonly which: number }
  | { readonly do: 'delete'; readonly endpointId: string }
  | { readonly do: 'wait'; readonly ms: number }

const lessee = fc.constantFrom(...LESSEES)
const which = fc.nat({ max: 9 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('append' as const), lessee, leased: fc.boolean() }),
  fc.record({ do: fc.constant('claim' as const), lessee, except: fc.subarray([...ENDPOINTS]) }),
  fc.record({ do: fc.constant('heartbeat' as const), lessee }),
  fc.record({ do: fc.constant('reclaim' as const) }),
  fc.record({ do: fc.constantFrom('claimOne' as const, 'release' as const), lessee, which }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      lessee,
      which,
      state: fc.constantFrom('pending', 'delivered', 'exhausted', 'cancelled', 'held'),
      trigger: fc.constantFrom('scheduled', 'manual'),
    }),
  },
  fc.record({ do: fc.constant('requeue' as const), which }),
  fc.record({ do: fc.constant('delete' as const), endpointId: fc.constantFrom(...ENDPOINTS) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: SILENT_MS }) }),
)

export function modelConforms(subject: Subject): void {
  test('a delivery goes through its states as the model says, whatever is called', async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const opened = await subject.open(await subject.create(t))
        try {
          await follow(opened.client(), steps)
        } finally {
          await opened.close()
        }
      }),
      { numRuns: 20 },
    )
  })
}

async function follow(store: Store, steps: readonly Step[]): Promise<void> {
  const consumer = newConsumer({ id: 'app_1' })
  await store.putConsumer(consumer)
  const entries: Entry[] = []
  const seen = new Map<string, number>()
  let now = START

  const become = (entry: Entry, state: DeliveryState, nextAt: number | null, holder: string | null): void => {
    Object.assign(entry, { state, nextAt, lessee: holder })
  }
  const lease = (entry: Entry, holder: string): void => {
    if (entry.state !== 'delivering' && entry.state !== 'cancelled')
      entry.before = { state: entry.state, nextAt: entry.nextAt }
    become(entry, 'delivering', null, holder)
  }
  const isOpen = (entry: Entry): boolean => entry.state !== 'delivering' && entry.state !== 'cancelled'

  async function take(one: Step): Promise<void> {
    const entry = 'which' in one ? entries[one.which % Math.max(1, entries.length)] : undefined
    if ('which' in one && entry === undefined) return
    switch (one.do) {
      case 'append': {
        const sent = newMessage({ endpoints: ENDPOINTS, leased: one.leased, createdAt: now })
        await store.append(one.lessee, [sent])
        for (const endpointId of ENDPOINTS) {
          const before = { state: 'pending', nextAt: now } as const
          const fresh: Entry = { sent, endpointId, ...before, attempts: 0, lessee: null, before }
          if (one.leased) lease(fresh, one.lessee)
          entries.push(fresh)
        }
        return
      }
      case 'claim': {
        const due = entries.filter(
          (e) => e.state === 'pending' && e.nextAt! <= now && !one.except.includes(e.endpointId),
        )
        const claimed = await store.claim(one.lessee, EVERYTHING, now, one.except)
        assert.deepEqual(claimed.map((c) => c.delivery.id).sort(), due.map(idOf).sort())
        for (const e of due) lease(e, one.lessee)
        return
      }
      case 'claimOne': {
        const claimed = await store.claimOne(one.lessee, entry!.sent.message.id, entry!.endpointId)
        assert.equal(claimed?.delivery.id, isOpen(entry!) ? idOf(entry!) : undefined)
        if (isOpen(entry!)) lease(entry!, one.lessee)
        if (claimed !== null) assert.deepEqual(claimed.before, entry!.before)
        return
      }
      case 'release':
        await store.release(one.lessee, [
          { messageId: entry!.sent.message.id, endpointId: entry!.endpointId, to: entry!.before },
        ])
        if (entry!.lessee === one.lessee) become(entry!, entry!.before.state, entry!.before.nextAt, null)
        return
      case 'settle': {
        const nextAt = one.state === 'pending' ? now + 700 : null
        await store.settle(one.lessee, [
          settlement(entry!.sent, one.state, { nextAt, endpointId: entry!.endpointId, trigger: one.trigger }),
        ])
        if (entry!.lessee !== one.lessee) return
        become(entry!, one.state, nextAt, null)
        const unsent = one.state === 'cancelled' || one.state === 'held'
        if (one.trigger === 'scheduled' && !unsent) entry!.attempts++
        return
      }
      case 'requeue':
        assert.equal(await store.requeue(entry!.sent.message.id, entry!.endpointId, now), isOpen(entry!))
        if (!isOpen(entry!)) return
        if (entry!.state !== 'pending') entry!.attempts = 0
        become(entry!, 'pending', now, null)
        return
      case 'heartbeat':
        seen.set(one.lessee, now)
        await store.heartbeat(one.lessee, now)
        return
      case 'reclaim': {
        const lost = entries.filter((e) => e.lessee !== null && !((seen.get(e.lessee) ?? 0) >= now - SILENT_MS))
        assert.equal(await store.reclaim(now, SILENT_MS), lost.length)
        for (const e of lost) become(e, 'pending', now, null)
        return
      }
      case 'delete':
        await store.putEndpoint(newEndpoint({ id: one.endpointId }))
        assert.equal(await store.deleteEndpoint('app_1', one.endpointId), true)
        for (const e of entries) {
          const waits = e.endpointId === one.endpointId && (e.state === 'pending' || e.state === 'held')
          if (waits) become(e, 'cancelled', null, null)
        }
        return
      case 'wait':
        now += one.ms
    }
  }

  for (const one of steps) {
    await take(one)
    const due = entries.flatMap((e) => (e.state === 'pending' ? [e.nextAt!] : []))
    assert.equal(await store.nextDue([]), due.length === 0 ? null : Math.min(...due))
  }
  await compare(store, entries)
}

async function compare(store: Store, entries: readonly Entry[]): Promise<void> {
  const lists = await Promise.all(
    [...new Set(entries.map((e) => e.sent.message.id))].map((id) => store.listDeliveries(id)),
  )
  const expected = entries.map((e): Delivery => ({
    id: idOf(e),
    messageId: e.sent.message.id,
    endpointId: e.endpointId,
    state: e.state,
    attempts: e.attempts,
    nextAt: e.nextAt,
  }))
  assert.deepEqual(lists.flat().sort(byId), expected.sort(byId))
  const { messages, deliveries } = await store.stats()
  assert.equal(messages, lists.length)
  for (const state of ['pending', 'delivering', 'delivered', 'exhausted', 'cancelled', 'held']) {
    assert.equal(deliveries[state] ?? 0, entries.filter((e) => e.state === state).length, state)
  }
}

function idOf({ sent, endpointId }: Entry): string {
  return sent.deliveries.find((d) => d.endpointId === endpointId)!.id
}

function byId(a: Delivery, b: Delivery): number {
  return a.id < b.id ? -1 : 1
}
