/** dispatcher: receivers that struggle, ask for patience, are paced or gone, before a real receiver. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PostRig, respond } from '../../test/support/unit/post-rig.ts'
import type { RecordedRequest } from '../selftest/recording-upstream.ts'
import type { Message } from '../model/webhook.ts'

const sendMany = (rig: PostRig, endpointId: string, count: number): Promise<Message[]> =>
  Promise.all(Array.from({ length: count }, () => rig.send([endpointId])))

/** Answers with a status and a Retry-After. */
const patience = (status: number, retryAfter: string) => (request: RecordedRequest) =>
  respond(request, status, `Retry-After: ${retryAfter}\r\n`)

describe('a receiver that asks for patience', () => {
  for (const status of [429, 503])
    it(`with ${status} is left alone for everything that waits, which is given back and comes later`, async (t) => {
      const rig = await PostRig.start(t)
      await rig.endpoint('ep', patience(status, '30'))
      await rig.endpoint('other')
      const first = await rig.send(['ep'])
      await rig.untilState(first, 'ep', 'pending')
      assert.deepEqual(rig.pauses, [['ep', 30_000]])
      assert.equal(rig.engine.dispatcher.hasRoomFor('ep'), false)
      const both = await rig.send(['ep', 'other'])
      await rig.untilState(both, 'other', 'delivered')
      rig.engine.dispatcher.start()
      rig.behaves('ep', 204)
      rig.advance(20_000)
      rig.engine.dispatcher.wake()
      await rig.untilState(await rig.send(['other']), 'other', 'delivered')
      assert.equal(rig.requestsTo('ep').length, 1)
      assert.equal(await rig.stateOf(both, 'ep'), 'pending')
      rig.advance(10_001)
      for (const message of [first, both]) await rig.untilState(message, 'ep', 'delivered')
    })

  it('is left alone by the engines that hear of it from another', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep')
    rig.engine.dispatcher.start()
    rig.engine.dispatcher.pause('ep', 5_000)
    const message = await rig.send(['ep'])
    rig.advance(4_999)
    await rig.passes()
    assert.equal(rig.requestsTo('ep').length, 0)
    rig.advance(2)
    await rig.untilState(message, 'ep', 'delivered')
  })

  it('is asked by hand all the same', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep')
    rig.engine.dispatcher.pause('ep', 5_000)
    const message = await rig.send(['ep'])
    assert.equal(await rig.engine.dispatcher.resend(message.id, 'ep'), true)
    await rig.untilState(message, 'ep', 'delivered')
  })

  it('with a date, or absurdly, is given what is sensible', async (t) => {
    const rig = await PostRig.start(t)
    const at = new Date(Math.ceil(rig.clock.now() / 1_000) * 1_000 + 60_000).toUTCString()
    await rig.endpoint('date', patience(429, at))
    await rig.endpoint('ever', patience(429, '999999999'))
    await rig.endpoint('never', patience(429, 'soon'))
    for (const id of ['date', 'ever', 'never']) await rig.untilState(await rig.send([id]), id, 'pending')
    const asked = new Map(rig.pauses)
    assert.ok(asked.get('date')! > 58_000 && asked.get('date')! <= 61_000, String(asked.get('date')))
    assert.equal(asked.get('ever'), 24 * 3_600_000)
    assert.equal(asked.has('never'), false)
  })
})

describe('a receiver that fails again and again', () => {
  it('is left alone, its queue kept and nothing used up; then probed, and served slowly at first', async (t) => {
    const rig = await PostRig.start(t)
    rig.breaker = { failures: 3, openMs: 10_000, openMsMax: 60_000 }
    rig.engine.dispatcher.start()
    await rig.endpoint('ep', 500)
    const failed = []
    for (let i = 0; i < 3; i++) {
      failed.push(await rig.send(['ep']))
      await rig.untilState(failed[i]!, 'ep', 'pending')
    }
    const kept = await sendMany(rig, 'ep', 50)
    await rig.passes()
    assert.equal(rig.requestsTo('ep').length, 3)
    rig.advance(10_001)
    await rig.untilRequests('ep', 4)
    await rig.passes()
    assert.equal(rig.requestsTo('ep').length, 4, 'one probe, and another pause')
    rig.behaves('ep', 204)
    rig.advance(20_001)
    for (const message of [...kept, ...failed]) await rig.untilState(message, 'ep', 'delivered')
    const attempts = await rig.store.listAttempts({ limit: 100, ok: false })
    assert.equal(attempts.length, 4)
  })

  it('is asked at once when its endpoint has been changed, and what waits is held or cancelled when it is disabled', async (t) => {
    const rig = await PostRig.start(t)
    rig.breaker = { failures: 1, openMs: 10_000, openMsMax: 60_000 }
    rig.engine.dispatcher.start()
    const endpoint = await rig.endpoint('ep', 500)
    const failed = await rig.send(['ep'])
    await rig.untilState(failed, 'ep', 'pending')
    const waiting = await rig.send(['ep'])
    await rig.passes()
    assert.equal(await rig.stateOf(waiting, 'ep'), 'pending')
    rig.behaves('ep', 204)
    rig.engine.dispatcher.changed(['ep', 'unknown'])
    await rig.untilState(waiting, 'ep', 'delivered')

    rig.engine.dispatcher.pause('ep', 60_000)
    const late = await rig.send(['ep'])
    await rig.put({ ...endpoint, disabled: true })
    rig.engine.dispatcher.changed(['ep'])
    await rig.untilState(late, 'ep', 'held')
  })

  it('holds up nobody else', async (t) => {
    const rig = await PostRig.start(t)
    rig.breaker = { failures: 1, openMs: 10_000, openMsMax: 60_000 }
    await rig.endpoint('bad', 500)
    await rig.endpoint('good')
    await rig.untilState(await rig.send(['bad']), 'bad', 'pending')
    const messages = await Promise.all(Array.from({ length: 100 }, () => rig.send(['bad', 'good'])))
    for (const message of messages) await rig.untilState(message, 'good', 'delivered')
    assert.equal(rig.requestsTo('bad').length, 1)
  })
})

describe('a paced receiver', () => {
  it('gets its attempts evenly, and another is not paced with it', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('slow', 204, { ratePerSecondMax: 2 })
    await rig.endpoint('quick')
    const slow = await sendMany(rig, 'slow', 4)
    for (const message of await sendMany(rig, 'quick', 50)) await rig.untilState(message, 'quick', 'delivered')
    await rig.passes()
    assert.equal(rig.requestsTo('slow').length, 1)
    for (let count = 2; count <= 4; count++) {
      rig.advance(499)
      await rig.passes()
      assert.equal(rig.requestsTo('slow').length, count - 1)
      rig.advance(1)
      await rig.untilRequests('slow', count)
    }
    for (const message of slow) await rig.untilState(message, 'slow', 'delivered')
  })
})

describe('a quick receiver that is paced', () => {
  it('gets what it wants of a second, not one a tick', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep', 204, { ratePerSecondMax: 1_000 })
    await sendMany(rig, 'ep', 60)
    await rig.untilRequests('ep', 20)
    for (let count = 40; count <= 60; count += 20) {
      rig.advance(20)
      await rig.untilRequests('ep', count)
    }
    await rig.untilCount('delivered', 60)
  })
})

describe('a message that is too old', () => {
  it('is attempted no more', async (t) => {
    const rig = await PostRig.start(t)
    rig.retries = { ...rig.retries, expireMs: 60_000 }
    await rig.endpoint('ep', 500)
    const message = await rig.send(['ep']) // again after 10 s, and after 60 s
    await rig.untilState(message, 'ep', 'pending')
    rig.engine.dispatcher.start()
    rig.advance(10_001)
    rig.engine.dispatcher.wake()
    await rig.untilState(message, 'ep', 'exhausted')
    assert.equal(rig.requestsTo('ep').length, 2)
  })

  it('is attempted once more when somebody replays it', async (t) => {
    const rig = await PostRig.start(t)
    rig.retries = { ...rig.retries, expireMs: 60_000 }
    await rig.endpoint('ep', 500)
    const message = await rig.send(['ep'])
    await rig.untilState(message, 'ep', 'pending')
    rig.engine.dispatcher.start()
    rig.advance(60_001)
    await rig.untilState(message, 'ep', 'exhausted')
    rig.advance(86_400_000)
    rig.behaves('ep', 204)
    assert.equal(await rig.store.requeue(message.id, 'ep', rig.clock.now()), true)
    rig.engine.dispatcher.wake()
    await rig.untilState(message, 'ep', 'delivered')
    assert.equal(rig.requestsTo('ep').length, 2)
  })

  it('is not attempted when it is found late', async (t) => {
    const rig = await PostRig.start(t)
    rig.retries = { ...rig.retries, expireMs: 60_000 }
    await rig.endpoint('ep', 500)
    const message = await rig.send(['ep'])
    await rig.untilState(message, 'ep', 'pending')
    rig.advance(60_001)
    rig.engine.dispatcher.start()
    await rig.untilState(message, 'ep', 'exhausted')
    assert.equal(rig.requestsTo('ep').length, 1)
    const [last] = await rig.store.listAttempts({ limit: 1, messageId: message.id })
    assert.equal(last!.failure, 'expired')
  })
})

describe('a receiver that is gone', () => {
  it('ends the delivery: no schedule brings it back', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep', 410)
    const message = await rig.send(['ep'])
    await rig.untilState(message, 'ep', 'exhausted')
    assert.deepEqual(
      rig.settlements.map((one) => [one.attempt.status, one.attempt.failure]),
      [[410, 'gone']],
    )
  })
})
