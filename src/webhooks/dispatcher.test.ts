/** dispatcher: who is attempted when, on a real store and before a real receiver; and that nothing of it is ever lost. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { valuesOf } from '../../test/support/raw-message.ts'
import { type Engine, Hanging, PostRig, wrapping } from '../../test/support/unit/post-rig.ts'
import type { Message } from '../model/webhook.ts'
import { newMessage } from '../store/conformance/subject.ts'

/** Of one endpoint, as the dispatcher bounds it. */
const RUNNING = 64
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
    dispatcher.take({ delivery, message })
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
    await rig.receiver.untilRequests(1_024)
    for (let more = 1; more <= 5; more++) {
      hanging.release(1)
      await rig.receiver.untilRequests(1_024 + more)
    }
    const order = rig.receiver.requests.slice(1_024).map((request) => request.target)
    assert.deepEqual(order, ['/long', '/short', '/long', '/short', '/long'])
    hanging.releaseAll()
    await rig.untilCount('delivered', 1_024 + 52)
  })
})

describe('records', () => {
  it('an attempt whose record fails is recorded again until it is kept, and not attempted again', async (t) => {
    let failures = 2
    const failing = wrapping('settle', (store) => (lessee, settlements) => {
      if (failures-- > 0) return Promise.reject(new Error('disk full'))
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
  it('a delivery for which there is none is stored as due, and claimed when there is some again', async (t) => {
    const rig = await PostRig.start(t)
    const { dispatcher } = rig.engine
    const hanging = new Hanging()
    await rig.endpoint('hangs', hanging.behaviour)
    await rig.endpoint('ep')
    await fill(rig, rig.engine, 'hangs', HELD - 1)
    assert.equal(dispatcher.hasRoom, true)
    await rig.send(['hangs'])
    assert.equal(dispatcher.hasRoom, false)
    const message = await rig.send(['ep'])
    assert.equal(await rig.stateOf(message, 'ep'), 'pending')
    assert.equal(rig.requestsTo('ep').length, 0)
    hanging.releaseAll()
    await rig.untilState(message, 'ep', 'delivered')
    assert.equal(rig.requestsTo('ep').length, 1)
    await rig.untilCount('delivered', HELD + 1)
    assert.equal(dispatcher.hasRoom, true)
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

  it('what an engine that has died was at is taken over by another', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep')
    const orphan = newMessage({ endpoints: ['ep'], leased: true, createdAt: rig.clock.now() })
    await rig.store.heartbeat('engine that dies', rig.clock.now(), 5_000)
    await rig.store.append('engine that dies', [orphan])
    rig.clock.advance(6_000)
    rig.engine.dispatcher.start()
    await rig.untilState(orphan.message, 'ep', 'delivered')
    assert.equal(rig.engine.dispatcher.counts.reclaimed, 1)
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
    assert.equal(rig.engine.dispatcher.hasRoom, false)
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

  it('goes before what waits', async (t) => {
    const rig = await PostRig.start(t)
    const hanging = new Hanging()
    await rig.endpoint('ep')
    const asked = await rig.send(['ep'])
    await rig.untilState(asked, 'ep', 'delivered')
    rig.behaves('ep', hanging.behaviour)
    await sendMany(rig, 'ep', RUNNING + 20)
    await rig.untilRequests('ep', 1 + RUNNING)
    assert.equal(await rig.engine.dispatcher.resend(asked.id, 'ep'), true)
    hanging.release(1)
    const requests = await rig.untilRequests('ep', 2 + RUNNING)
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
