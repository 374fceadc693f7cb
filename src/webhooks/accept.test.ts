/** accept: what is resolved is stored, once; what is rejected is not, and nobody hears of it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EVENT, PostRig, wrapping } from '../../test/support/unit/post-rig.ts'

describe('accept', () => {
  it('has stored the message and its deliveries when it resolves', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep_1')
    const payload = Buffer.from('{"n":12345678901234567890}\n')
    const message = await rig.send(['ep_1', 'ep_2'], { payload, channels: ['eu'], eventId: 'order-7' })
    const stored = await rig.store.getMessage('app_1', message.id)
    assert.ok(Buffer.from(stored!.payload).equals(payload))
    assert.deepEqual([stored!.eventType, stored!.channels, stored!.eventId], ['cart.item_added', ['eu'], 'order-7'])
    assert.equal(stored!.createdAt, rig.clock.now())
    const endpoints = (await rig.store.listDeliveries(message.id)).map((one) => one.endpointId)
    assert.deepEqual(endpoints.toSorted(), ['ep_1', 'ep_2'])
    await rig.untilState(message, 'ep_1', 'delivered')
  })

  it('keeps a message that nobody is to have', async (t) => {
    const rig = await PostRig.start(t)
    const message = await rig.send([])
    assert.equal((await rig.store.getMessage('app_1', message.id))!.id, message.id)
    assert.deepEqual(await rig.store.listDeliveries(message.id), [])
  })

  it('takes an event id once in its scope, and delivers it once, however many come at once', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep')
    const event = { ...EVENT, eventId: 'order-7', to: ['ep'] }
    const all = await Promise.all(Array.from({ length: 50 }, () => rig.engine.accept(event)))
    const first = all.filter((one) => one.ok)
    assert.equal(first.length, 1)
    assert.deepEqual(
      new Set(all.flatMap((one) => (one.ok ? [] : [one.existingId]))),
      new Set(first.map((one) => one.message.id)),
    )
    await rig.untilCount('delivered', 1)
    assert.equal(rig.requestsTo('ep').length, 1)
    // Another's event may have the same id.
    assert.equal((await rig.engine.accept({ ...event, consumerId: null, origin: 'source:stripe', to: [] })).ok, true)
  })

  it('has accepted nothing when the store says no', async (t) => {
    let full = true
    const failing = wrapping('append', (store) => (lessee, messages) => {
      return full ? Promise.reject(new Error('disk full')) : store.append(lessee, messages)
    })
    const rig = await PostRig.start(t, failing)
    await rig.endpoint('ep')
    await assert.rejects(rig.send(['ep'], { eventId: 'order-7' }), /disk full/)
    assert.equal((await rig.store.stats()).messages, 0)
    full = false
    const message = await rig.send(['ep'], { eventId: 'order-7' })
    await rig.untilState(message, 'ep', 'delivered')
    assert.equal(rig.requestsTo('ep').length, 1)
  })
})
