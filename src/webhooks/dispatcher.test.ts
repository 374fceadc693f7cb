/** dispatcher: who is attempted when, on a real store and before a real receiver; and that nothing of it is ever lost. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { valuesOf } from '../selftest/raw-message.ts'
import { type Engine, Hanging, PostRig, wrapping } from '../../test/support/unit/post-rig.ts'
import type { Message } from '../model/webhook.ts'
import { newEndpoint, newMessage } from '../store/conformance/subject.ts'
import { StoreUnavailable } from '../store/port.ts'

/** Of one endpoint that has not answered yet, as the dispatcher bounds it. */
const RUNNING = 16
const WAITING = 256
const RESERVE = 2
const HELD = 10_000

const sendMany = (rig: PostRig, endpointId: string, count: number): Promise<Message[]> =>
  Promise.all(Array.from({ length: count }, () => rig.send([endpointId])))

/** Stores so many messages for an endpoint, leased, and gives the dispatcher their deliveries: what `accept` does one by one. */
async function fill(rig: PostRig, { store, dispatcher }: Engine, endpointId: string, count: number): Promise<void> {
  const messages = Array.from({ length: count }, () => newMessage({ endpoints: [endpointId], leased: true }))
  await store.append('engine 1', messages)
  for (const { message, deliveries } of messages) {
    const delivery = {
      ...deliveries[0]!,
      messageId: message.id,
      state: 'delivering' as const,
      attempts: 0,
      nextAt: null,
    }
    dispatcher.take({ delivery, message, before: { state: 'pending', nextAt: message.createdAt } })
  }
}

describe('fairness', () => {
  it('an endpoint that hangs keeps to its share, and delays nobody', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    await rig.endpoint('hangs', hanging.behaviour)
    await rig.endpoint('quick')
    await sendMany(rig, 'hangs', 300)
    const messages = await sendMany(rig, 'quick', 3)
    for (const message of messages) await rig.untilState(message, 'quick', 'delivered')
    assert.equal(rig.requestsTo('hangs').length, RUNNING)
    hanging.releaseAll()
    await rig.untilCount('delivered', 303)
    assert.equal(rig.requestsTo('hangs').length, 300)
  })

  it('one slot that is free goes to the next that waits, in the order of acceptance', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    await rig.endpoint('hangs', hanging.behaviour)
    const messages = await sendMany(rig, 'hangs', RUNNING + 3)
    await rig.untilRequests('hangs', RUNNING)
    for (let more = 1; more <= 3; more++) {
      hanging.release(1)
      await rig.untilRequests('hangs', RUNNING + more)
    }
    const ids = rig
      .requestsTo('hangs')
      .slice(RUNNING)
      .map((request) => valuesOf(request, 'webhook-id')[0])
    const stored = messages.slice(RUNNING).map((message) => message.id)
    assert.deepEqual(ids, stored)
    hanging.releaseAll()
    await rig.untilCount('delivered', RUNNING + 3)
  })

  it('when everything is busy endpoints take turns: a long queue does not come before a short one', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    const full = Array.from({ length: 1_024 / RUNNING }, (_, i) => `full-${i}`)
    for (const id of ['long', 'short', ...full]) await rig.endpoint(id, hanging.behaviour)
    for (const id of full) await fill(rig, rig.engine, id, RUNNING)
    await fill(rig, rig.engine, 'long', 50)
    await fill(rig, rig.engine, 'short', 2)
    const busy = 1_024 + RESERVE // both of `short` within its reserve, as the first two of `long` below
    await rig.receiver.untilRequests(busy + RESERVE)
    assert.deepEqual([rig.requestsTo('long').length, rig.requestsTo('short').length], [RESERVE, RESERVE])
    await fill(rig, rig.engine, 'short', 10)
    for (let more = 1; more <= 10; more++) {
      hanging.release(1)
      if (more > 4) await rig.receiver.untilRequests(busy + RESERVE + more - 4)
    }
    const order = rig.receiver.requests.slice(busy + RESERVE).map((request) => request.target)
    assert.deepEqual(order.slice(0, 5), ['/long', '/short', '/long', '/short', '/long'])
    hanging.releaseAll()
    await rig.untilCount('delivered', 1_024 + 62)
  })
})

describe('records', () => {
  it('an attempt whose record fails is recorded again until it is kept, and not attempted again', async (t) => {
    let failures = 2
    const failing = wrapping('settle', (store) => (lessee, settlements) => {
      if (failures-- > 0) return Promise.reject(new StoreUnavailable('disk full'))
      return store.settle(lessee, settlements)
    })
    const rig = await PostRig.start(t, failing)
    rig.engine.dispatcher.start()
    await rig.endpoint('ep')
    const message = await rig.send(['ep'])
    await rig.untilState(message, 'ep', 'delivered')
    assert.equal(rig.requestsTo('ep').length, 1)
    assert.equal((await rig.store.listAttempts({ limit: 10 })).length, 1)
    assert.deepEqual(
      rig.logged.map((line) => line.level),
      ['error', 'error'],
    )
  })

  it('one that the store refuses harms no other: it is given back', async (t) => {
    let refused = ''
    const refusing = wrapping('settle', (store) => (lessee, settlements) => {
      const isBad = settlements.some((one) => one.attempt.messageId === refused)
      return isBad ? Promise.reject(new TypeError('not such a record')) : store.settle(lessee, settlements)
    })
    const rig = await PostRig.start(t, refusing)
    const hanging = new Hanging()
    await rig.endpoint('ep', hanging.behaviour)
    const messages = await sendMany(rig, 'ep', 10)
    refused = messages[4]!.id
    await rig.untilRequests('ep', 10)
    hanging.releaseAll()
    await rig.untilCount('delivered', 9)
    await rig.untilState(messages[4]!, 'ep', 'pending')
    const [delivery] = await rig.store.listDeliveries(refused)
    assert.equal(delivery!.nextAt, rig.clock.now() + 60_000)
    assert.deepEqual(
      rig.logged.map((line) => line.level),
      ['error'],
    )
  })

  it('attempts that end together are recorded together', async (t) => {
    let calls = 0
    const counting = wrapping('settle', (store) => (lessee, settlements) => {
      calls++
      return store.settle(lessee, settlements)
    })
    const rig = await PostRig.start(t, counting)
    const hanging = new Hanging()
    await rig.endpoint('ep', hanging.behaviour)
    await sendMany(rig, 'ep', RUNNING)
    await rig.untilRequests('ep', RUNNING)
    hanging.releaseAll()
    await rig.untilCount('delivered', RUNNING)
    assert.ok(calls < RUNNING / 2, `${calls} calls`)
    assert.deepEqual(rig.engine.dispatcher.counts, { delivered: RUNNING, failed: 0, exhausted: 0, reclaimed: 0 })
  })
})

describe('retries', () => {
  it('come when they are due, signed afresh under the same id, and end with the schedule', async (t) => {
    const rig = await PostRig.start(t)
    rig.engine.dispatcher.start()
    await rig.endpoint('ep', 500)
    const message = await rig.send(['ep'])
    for (const [attempt, delay] of [
      [1, 10_000],
      [2, 60_000],
    ] as const) {
      await rig.untilRequests('ep', attempt)
      await rig.untilState(message, 'ep', 'pending')
      const [delivery] = await rig.store.listDeliveries(message.id)
      assert.deepEqual([delivery!.attempts, delivery!.nextAt], [attempt, rig.clock.now() + delay])
      rig.clock.advance(delay)
      rig.engine.dispatcher.wake()
    }
    await rig.untilState(message, 'ep', 'exhausted')
    const requests = rig.requestsTo('ep')
    assert.equal(requests.length, 3)
    assert.deepEqual(new Set(requests.flatMap((one) => valuesOf(one, 'webhook-id'))), new Set([message.id]))
    assert.equal(new Set(requests.flatMap((one) => valuesOf(one, 'webhook-timestamp'))).size, 3)
    assert.equal(new Set(requests.flatMap((one) => valuesOf(one, 'webhook-signature'))).size, 3)
    assert.deepEqual(rig.engine.dispatcher.counts, { delivered: 0, failed: 3, exhausted: 1, reclaimed: 0 })
  })

  it('are over with the first success', async (t) => {
    const rig = await PostRig.start(t)
    rig.engine.dispatcher.start()
    await rig.endpoint('ep', 503)
    const message = await rig.send(['ep'])
    await rig.untilState(message, 'ep', 'pending')
    rig.behaves('ep', 200)
    rig.clock.advance(10_000)
    rig.engine.dispatcher.wake()
    await rig.untilState(message, 'ep', 'delivered')
    const attempts = await rig.store.listAttempts({ limit: 10, messageId: message.id })
    assert.deepEqual(attempts.map(({ status, ok, failure }) => `${status} ${ok} ${failure}`).toSorted(), [
      '200 true null',
      '503 false status',
    ])
  })
})

describe('room', () => {
  it('an endpoint that hangs fills its own share: what it has no room for waits in the store, and comes when there is some', async (t) => {
    const rig = await PostRig.start(t)
    const { dispatcher } = rig.engine
    const hanging = new Hanging()
    await rig.endpoint('hangs', hanging.behaviour)
    await rig.endpoint('ep')
    await sendMany(rig, 'hangs', RUNNING + WAITING)
    await rig.untilRequests('hangs', RUNNING)
    assert.equal(dispatcher.hasRoomFor('hangs'), false)
    const both = await rig.send(['hangs', 'ep'])
    await rig.untilState(both, 'ep', 'delivered')
    assert.equal(await rig.stateOf(both, 'hangs'), 'pending')
    hanging.releaseAll()
    await rig.untilCount('delivered', RUNNING + WAITING + 2)
    assert.equal(rig.requestsTo('hangs').length, RUNNING + WAITING + 1)
  })

  it('thousands of events for endpoints that hang delay nobody, though they fill everything', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    const hangs = Array.from({ length: 20 }, (_, i) => `hangs-${i}`)
    for (const id of hangs) await rig.endpoint(id, hanging.behaviour)
    await rig.endpoint('quick')
    rig.engine.dispatcher.start()
    const at = rig.clock.now()
    const waiting = hangs.flatMap((id, i) =>
      Array.from({ length: i === 0 ? 3_000 : 300 }, () => newMessage({ endpoints: [id], createdAt: at })),
    )
    await rig.store.append('nobody', waiting)
    rig.engine.dispatcher.wake()
    await rig.receiver.untilRequests(20 * RUNNING)
    for (let i = 0; i < 5; i++) await rig.untilState(await rig.send(['quick']), 'quick', 'delivered')
    // What others have stored is found among it, too.
    const last = newMessage({ endpoints: ['quick'], createdAt: at })
    await rig.store.append('nobody', [last])
    rig.engine.dispatcher.wake()
    await rig.untilState(last.message, 'quick', 'delivered')
    hanging.releaseAll()
    await rig.untilCount('delivered', 3_000 + 19 * 300 + 6)
  })

  it('with all of it taken every endpoint has its reserve', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    await rig.endpoint('hangs', hanging.behaviour)
    await rig.endpoint('ep')
    await fill(rig, rig.engine, 'hangs', HELD)
    for (let i = 0; i < 3; i++) await rig.untilState(await rig.send(['ep']), 'ep', 'delivered')
    hanging.releaseAll()
    await rig.untilCount('delivered', HELD + 3)
  })

  it('with all of it taken one that is quick is served from the store as fast as it answers', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    await rig.endpoint('hangs', hanging.behaviour)
    await rig.endpoint('ep')
    rig.engine.dispatcher.start()
    await fill(rig, rig.engine, 'hangs', HELD)
    const at = rig.clock.now()
    await rig.store.append(
      'nobody',
      Array.from({ length: 40 }, () => newMessage({ endpoints: ['ep'], createdAt: at })),
    )
    rig.engine.dispatcher.wake()
    // At two a poll of the store it would be twenty seconds.
    await rig.untilRequests('ep', 40)
    hanging.releaseAll()
    await rig.untilCount('delivered', HELD + 40)
  })

  it('what waits of an engine that was silent for too long is given up: who took it back has it', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    await rig.endpoint('ep', hanging.behaviour)
    let isForgotten = false
    let released = 0
    const silent = rig.newEngine('silent', (store) => ({
      ...store,
      async heartbeat(lessee, nowMs) {
        const isKnown = await store.heartbeat(lessee, nowMs)
        return isKnown && !isForgotten
      },
      release(lessee, deliveries) {
        released += deliveries.length
        isForgotten = false
        return store.release(lessee, deliveries)
      },
    }))
    silent.dispatcher.start()
    await Promise.all(Array.from({ length: 50 }, () => rig.send(['ep'], {}, silent)))
    await rig.untilRequests('ep', RUNNING)
    isForgotten = true
    await rig.until(() => released > 0, 'it to give up what waits')
    assert.equal(released, 50 - RUNNING)
    // In this store its leases stand: what was given up is claimed again, and nothing is attempted twice.
    hanging.releaseAll()
    await rig.untilCount('delivered', 50)
    const ids = rig.requestsTo('ep').map((request) => valuesOf(request, 'webhook-id')[0])
    assert.equal(new Set(ids).size, ids.length)
  })

  it('a wake while it claims is another round, and nothing is lost of it', async (t) => {
    const held = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const holding = wrapping('nextDue', (store) => async (except) => {
      const next = await store.nextDue(except)
      reached.resolve()
      await held.promise
      return next
    })
    const rig = await PostRig.start(t, holding)
    await rig.endpoint('ep')
    rig.engine.dispatcher.start()
    await reached.promise
    for (let round = 1; round <= 2; round++) {
      const late = newMessage({ endpoints: ['ep'], createdAt: rig.clock.now() })
      await rig.store.append('nobody', [late])
      rig.engine.dispatcher.wake()
      held.resolve()
      await rig.untilState(late.message, 'ep', 'delivered')
    }
  })

  it('thousands that end before they are sent, all at once, are recorded, every one', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    const endpoint = await rig.endpoint('ep', hanging.behaviour)
    await fill(rig, rig.engine, 'ep', HELD)
    await rig.untilRequests('ep', RUNNING)
    await rig.put({ ...endpoint, disabled: true })
    hanging.releaseAll()
    await rig.untilCount('held', HELD - RUNNING)
    await rig.untilCount('delivering', 0)
    const attempts = await rig.store.listAttempts({ limit: 1, ok: false })
    const [delivery] = await rig.store.listDeliveries(attempts[0]!.messageId)
    assert.deepEqual([attempts[0]!.failure, delivery!.attempts], ['endpoint-disabled', 0])
  })

  it('an endpoint that only the store knows is asked for, and one that nobody knows is cancelled', async (t) => {
    const rig = await PostRig.start(t)
    await rig.store.putEndpoint(newEndpoint({ id: 'ep_new', url: `${rig.receiver.url}/ep_new` }))
    const sent = newMessage({ endpoints: ['ep_new', 'ep_none'], createdAt: rig.clock.now() })
    await rig.store.append('nobody', [sent])
    rig.engine.dispatcher.start()
    await rig.untilState(sent.message, 'ep_new', 'delivered')
    await rig.untilState(sent.message, 'ep_none', 'cancelled')
  })

  it('what was stored before it started is claimed and delivered', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep')
    const waiting = Array.from({ length: 1_200 }, () => newMessage({ endpoints: ['ep'], createdAt: rig.clock.now() }))
    await rig.store.append('nobody', waiting)
    rig.engine.dispatcher.start()
    await rig.untilCount('delivered', 1_200)
    assert.equal(rig.requestsTo('ep').length, 1_200)
  })

  it('one due delivery is attempted by one of two engines', async (t) => {
    const rig = await PostRig.start(t)
    const other = rig.newEngine('engine 2')
    await rig.endpoint('ep')
    const waiting = Array.from({ length: 100 }, () => newMessage({ endpoints: ['ep'], createdAt: rig.clock.now() }))
    await rig.store.append('nobody', waiting)
    rig.engine.dispatcher.start()
    other.dispatcher.start()
    await rig.untilCount('delivered', 100)
    assert.equal(rig.requestsTo('ep').length, 100)
  })
})

describe('stop', () => {
  it('waits for what is running, and gives back what has not begun', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    await rig.endpoint('hangs', hanging.behaviour)
    await sendMany(rig, 'hangs', 100)
    await rig.untilRequests('hangs', RUNNING)
    const stopped = rig.engine.dispatcher.stop(60_000)
    assert.equal(rig.engine.dispatcher.hasRoomFor('another'), false)
    await rig.untilCount('pending', 100 - RUNNING)
    hanging.releaseAll()
    await stopped
    const { deliveries } = await rig.store.stats()
    assert.deepEqual(
      [deliveries['delivered'], deliveries['pending'], deliveries['delivering']],
      [RUNNING, 100 - RUNNING, 0],
    )
    assert.equal(rig.requestsTo('hangs').length, RUNNING)

    rig.newEngine('engine 2').dispatcher.start()
    await rig.untilCount('delivered', 100)
    assert.equal(rig.requestsTo('hangs').length, 100)
  })

  it('does not wait longer than it may', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    await rig.endpoint('hangs', hanging.behaviour)
    await rig.send(['hangs'])
    await rig.untilRequests('hangs', 1)
    await rig.engine.dispatcher.stop(10)
    assert.equal((await rig.store.stats()).deliveries['delivering'], 1)
    hanging.releaseAll()
    await rig.untilCount('delivered', 1)
  })

  it('waits for the claim in progress, whose deliveries are given back; a resend is refused', async (t) => {
    const go = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const holding = wrapping('claim', (store) => async (...args) => {
      const due = await store.claim(...args)
      reached.resolve()
      await go.promise
      return due
    })
    const rig = await PostRig.start(t, holding)
    await rig.endpoint('ep')
    const sent = newMessage({ endpoints: ['ep'], createdAt: rig.clock.now() })
    await rig.store.append('nobody', [sent])
    rig.engine.dispatcher.start()
    await reached.promise
    const order: string[] = []
    const stopped = rig.engine.dispatcher.stop(60_000).then(() => order.push('stopped'))
    assert.equal(await rig.engine.dispatcher.resend(sent.message.id, 'ep'), false)
    order.push('claimed')
    go.resolve()
    await stopped
    assert.deepEqual(order, ['claimed', 'stopped'])
    await rig.untilState(sent.message, 'ep', 'pending')
    assert.equal(rig.receiver.requests.length, 0)
  })

  it('while a resend asks the store: it stands where it stood, and the answer is no', async (t) => {
    const go = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const holding = wrapping('claimOne', (store) => async (...args) => {
      const claimed = await store.claimOne(...args)
      reached.resolve()
      await go.promise
      return claimed
    })
    const rig = await PostRig.start(t, holding)
    await rig.endpoint('ep')
    const message = await rig.send(['ep'])
    await rig.untilState(message, 'ep', 'delivered')
    const answer = rig.engine.dispatcher.resend(message.id, 'ep')
    await reached.promise
    await rig.engine.dispatcher.stop(1_000)
    go.resolve()
    assert.equal(await answer, false)
    await rig.untilState(message, 'ep', 'delivered')
    assert.equal(rig.requestsTo('ep').length, 1)
  })

  it('starts nothing more: what is accepted later waits in the store', async (t) => {
    const rig = await PostRig.start(t)
    rig.engine.dispatcher.start()
    await rig.endpoint('ep')
    await rig.engine.dispatcher.stop(1_000)
    const message = await rig.send(['ep'])
    rig.engine.dispatcher.wake()
    await sleep(20)
    assert.equal(await rig.stateOf(message, 'ep'), 'pending')
    assert.equal(rig.receiver.requests.length, 0)
  })
})

describe('resend', () => {
  it('attempts again what was delivered, exhausted or still waits for its turn, and keeps that it was asked for', async (t) => {
    const rig = await PostRig.start(t)
    const { dispatcher } = rig.engine
    await rig.endpoint('ep')
    const delivered = await rig.send(['ep'])
    await rig.untilState(delivered, 'ep', 'delivered')
    assert.equal(await dispatcher.resend(delivered.id, 'ep'), true)
    await rig.untilRequests('ep', 2)
    await rig.untilState(delivered, 'ep', 'delivered')
    const [first, second] = rig.requestsTo('ep')
    assert.deepEqual(valuesOf(first!, 'webhook-id'), valuesOf(second!, 'webhook-id'))
    const attempts = await rig.store.listAttempts({ limit: 10, messageId: delivered.id })
    assert.deepEqual(attempts.map((one) => one.trigger).toSorted(), ['manual', 'scheduled'])

    rig.behaves('ep', 500)
    const failing = await rig.send(['ep'])
    await rig.untilState(failing, 'ep', 'pending')
    rig.behaves('ep', 204)
    assert.equal(await dispatcher.resend(failing.id, 'ep'), true)
    await rig.untilState(failing, 'ep', 'delivered')
  })

  it('that fails changes nothing: the delivery stands where it stood, and its schedule goes on', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep', 500)
    const endpoint = await rig.endpoint('off', 500, { disabled: true })
    const pending = await rig.send(['ep'])
    await rig.untilState(pending, 'ep', 'pending')
    const held = await rig.send(['off'])
    await rig.untilState(held, 'off', 'held')
    rig.behaves('ep', 204)
    const delivered = await rig.send(['ep'])
    await rig.untilState(delivered, 'ep', 'delivered')
    rig.behaves('ep', 500)
    rig.guard.update([])
    const exhausted = await rig.send(['ep'])
    await rig.untilState(exhausted, 'ep', 'exhausted')
    rig.guard.update(['127.0.0.0/8'])
    for (const [message, id] of [
      [pending, 'ep'],
      [held, endpoint.id],
      [delivered, 'ep'],
      [exhausted, 'ep'],
    ] as const) {
      const stood = await rig.store.listDeliveries(message.id)
      for (let times = 1; times <= 2; times++) {
        assert.equal(await rig.engine.dispatcher.resend(message.id, id), true)
        await rig.until(async () => {
          const attempts = await rig.store.listAttempts({ limit: 10, messageId: message.id })
          return attempts.filter((one) => one.trigger === 'manual').length === times
        }, 'the attempt by hand')
      }
      assert.deepEqual(await rig.store.listDeliveries(message.id), stood)
    }
  })

  it('says no to what is in flight, unknown, or cancelled', async (t) => {
    const rig = await PostRig.start(t)
    const { dispatcher } = rig.engine
    const hanging = new Hanging()
    await rig.endpoint('ep', hanging.behaviour)
    const message = await rig.send(['ep'])
    await rig.untilRequests('ep', 1)
    assert.equal(await dispatcher.resend(message.id, 'ep'), false)
    assert.equal(await dispatcher.resend(message.id, 'ep_other'), false)
    assert.equal(await dispatcher.resend('msg_none', 'ep'), false)
    hanging.releaseAll()
    await rig.untilState(message, 'ep', 'delivered')
    assert.equal(rig.requestsTo('ep').length, 1)

    const gone = await rig.send(['ep_deleted'])
    await rig.untilState(gone, 'ep_deleted', 'cancelled')
    assert.equal(await dispatcher.resend(gone.id, 'ep_deleted'), false)
  })

  it('goes at once, whatever waits', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    await rig.endpoint('ep')
    const asked = await rig.send(['ep'])
    await rig.untilState(asked, 'ep', 'delivered')
    rig.behaves('ep', hanging.behaviour)
    await sendMany(rig, 'ep', RUNNING + 20)
    const busy = 1 + RUNNING + 1 // it has answered well once
    await rig.untilRequests('ep', busy)
    assert.equal(await rig.engine.dispatcher.resend(asked.id, 'ep'), true)
    const requests = await rig.untilRequests('ep', busy + 1)
    assert.deepEqual(valuesOf(requests.at(-1)!, 'webhook-id'), [asked.id])
    hanging.releaseAll()
    await rig.untilCount('delivered', RUNNING + 21)
  })

  it('attempts an endpoint that is disabled: somebody wants to know', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep', 204, { disabled: true })
    const message = await rig.send(['ep'])
    await rig.untilState(message, 'ep', 'held')
    assert.equal(await rig.engine.dispatcher.resend(message.id, 'ep'), true)
    await rig.untilState(message, 'ep', 'delivered')
    assert.equal(rig.requestsTo('ep').length, 1)
  })
})

describe('an endpoint that changes while deliveries wait', () => {
  it('deleted: they are cancelled, and say why', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    await rig.endpoint('ep', hanging.behaviour)
    await sendMany(rig, 'ep', RUNNING + 10)
    await rig.untilRequests('ep', RUNNING)
    rig.directory.apply({ removedEndpoints: ['ep'] })
    hanging.releaseAll()
    await rig.untilCount('cancelled', 10)
    await rig.untilCount('delivered', RUNNING)
    const cancelled = await rig.store.listAttempts({ limit: 100, ok: false })
    assert.deepEqual(new Set(cancelled.map((one) => one.failure)), new Set(['endpoint-deleted']))
    assert.equal(rig.requestsTo('ep').length, RUNNING)
  })

  it('disabled: they are held, and can be replayed when it is enabled', async (t) => {
    const rig = await PostRig.start(t)
    rig.engine.dispatcher.start()
    const endpoint = await rig.endpoint('ep', 500)
    const message = await rig.send(['ep'])
    await rig.untilState(message, 'ep', 'pending')
    await rig.put({ ...endpoint, disabled: true })
    rig.clock.advance(10_000)
    rig.engine.dispatcher.wake()
    await rig.untilState(message, 'ep', 'held')
    assert.equal(rig.requestsTo('ep').length, 1)

    rig.behaves('ep', 204)
    await rig.put(endpoint)
    assert.equal(await rig.store.requeue(message.id, 'ep', rig.clock.now()), true)
    rig.engine.dispatcher.wake()
    await rig.untilState(message, 'ep', 'delivered')
    assert.equal(rig.requestsTo('ep').length, 2)
  })

  it('moved, with another secret: the next attempt goes there and is signed so', async (t) => {
    const rig = await PostRig.start(t)
    rig.engine.dispatcher.start()
    const endpoint = await rig.endpoint('ep', 500)
    const message = await rig.send(['ep'])
    await rig.untilState(message, 'ep', 'pending')
    const secrets = ['whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX', ...endpoint.secrets]
    await rig.put({ ...endpoint, url: `${rig.receiver.url}/moved`, secrets })
    rig.clock.advance(10_000)
    rig.engine.dispatcher.wake()
    await rig.untilState(message, 'ep', 'delivered')
    const [request] = rig.requestsTo('moved')
    assert.equal(valuesOf(request!, 'webhook-signature')[0]!.split(' ').length, 2)
  })
})
