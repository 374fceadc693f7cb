/** Deliveries that fail: tried again as scheduled, recorded as they went, given up when the schedule is used up, resent by hand. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { MessageStatus, StatusCodeClass } from 'svix'
import { startPostern } from '../support/postern.ts'
import { Admin, type Stats, eventually } from './support/admin.ts'
import { Partners, verified } from './support/partners.ts'
import { Receiver, type Taken, closedPort } from './support/receiver.ts'

/** Delays before the second and the third attempt, give or take a fifth. */
const SCHEDULE_MS = [200, 400] as const
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
egress: { allow: [127.0.0.0/8] }
delivery: { schedule: [${SCHEDULE_MS.map((ms) => `${ms}ms`).join(', ')}], timeout: 2s }
`)
const admin = await Admin.of(postern)
const { svix } = admin
const receiver = await Receiver.start()
const partners = new Partners(admin, receiver)
after(async () => {
  await receiver.close()
  await postern.stop()
})

test('a failed delivery is tried again as scheduled, under the same id, until it succeeds', async () => {
  const { name, inbox, secret } = await partners.next()
  inbox.script = (nth) => (nth < 2 ? { status: 500, body: 'not now' } : { body: 'at last' })
  const id = await partners.publish(name)
  const requests = await inbox.until(3)
  const attempts = await admin.settled(id, 'delivered')
  assert.deepEqual(
    attempts.map(({ status, ok, failure, trigger }) => ({ status, ok, failure, trigger })),
    [
      { status: 500, ok: false, failure: 'status', trigger: 'scheduled' },
      { status: 500, ok: false, failure: 'status', trigger: 'scheduled' },
      { status: 200, ok: true, failure: null, trigger: 'scheduled' },
    ],
  )
  for (const request of requests) {
    assert.equal(request.headers['webhook-id'], id)
    assert.deepEqual(verified(secret, request), { n: 1 })
  }
  const started = attempts.map(({ startedAt }) => Date.parse(startedAt))
  SCHEDULE_MS.forEach((ms, i) => {
    const waited = started[i + 1]! - started[i]!
    // Jitter takes at most a fifth; a millisecond is lost to rounding.
    assert.ok(waited >= ms * 0.8 - 1, `attempt ${i + 2} came after ${waited} ms`)
  })
  const bodies = (await svix.messageAttempt.listByMsg(name, id, { withContent: true })).data.map((one) => one.response)
  assert.deepEqual(bodies, ['at last', 'not now', 'not now'])
})

test('Retry-After is waited for, and the attempt after it has a time and a signature of its own', async () => {
  const { name, inbox, secret } = await partners.next()
  inbox.script = (nth) => (nth === 0 ? { status: 503, headers: { 'Retry-After': '1' } } : {})
  const id = await partners.publish(name)
  const [first, second] = await inbox.until(2)
  assert.equal(first!.headers['webhook-id'], second!.headers['webhook-id'])
  verified(secret, second!)
  const secondOf = ({ headers }: Taken): number => Number(headers['webhook-timestamp'])
  assert.ok(secondOf(second!) > secondOf(first!))
  assert.notEqual(first!.headers['webhook-signature'], second!.headers['webhook-signature'])
  assert.equal((await admin.settled(id, 'delivered')).length, 2)
})

test('of a large answer the first 4 KB are kept', async () => {
  const { name, inbox } = await partners.next()
  inbox.script = () => ({ status: 200, body: 'a'.repeat(4_000) + 'b'.repeat(1_000_000) })
  const id = await partners.publish(name)
  await admin.settled(id, 'delivered')
  const [attempt] = (await svix.messageAttempt.listByMsg(name, id, { withContent: true })).data
  assert.equal(attempt!.response, 'a'.repeat(4_000) + 'b'.repeat(96))
})

test('a redirect is a failure and is not followed', async () => {
  const { name, inbox } = await partners.next()
  const elsewhere = receiver.at(`/${name}/elsewhere`)
  inbox.script = () => ({ status: 302, headers: { Location: elsewhere.url } })
  const id = await partners.publish(name)
  const attempts = await admin.settled(id, 'exhausted')
  assert.deepEqual(
    attempts.map(({ status, failure }) => [status, failure]),
    [
      [302, 'redirect'],
      [302, 'redirect'],
      [302, 'redirect'],
    ],
  )
  assert.equal(elsewhere.taken.length, 0)
})

test('when the schedule is used up the delivery is exhausted; a resend by hand delivers it', async () => {
  const { name, inbox, endpointId, secret } = await partners.next()
  inbox.script = () => ({ status: 500 })
  const id = await partners.publish(name)
  assert.equal((await admin.settled(id, 'exhausted')).length, 1 + SCHEDULE_MS.length)
  const [given] = (await svix.messageAttempt.listAttemptedDestinations(name, id)).data
  assert.deepEqual([given!.statusText, given!.nextAttempt], ['fail', null])

  inbox.script = () => ({})
  await svix.messageAttempt.resend(name, id, endpointId)
  const attempts = await admin.settled(id, 'delivered')
  assert.deepEqual(
    attempts.map(({ ok, trigger }) => `${trigger} ${ok}`),
    ['scheduled false', 'scheduled false', 'scheduled false', 'manual true'],
  )
  const requests = await inbox.until(4)
  assert.equal(requests[3]!.headers['webhook-id'], id)
  verified(secret, requests[3]!)
})

test('while an attempt is under way there is no second one: a resend is refused', async () => {
  const { name, inbox, endpointId } = await partners.next()
  const { promise: answer, resolve } = Promise.withResolvers<object>()
  inbox.script = () => answer
  const id = await partners.publish(name)
  await inbox.until(1)
  await assert.rejects(svix.messageAttempt.resend(name, id, endpointId), { code: 409 })
  resolve({})
  assert.equal((await admin.settled(id, 'delivered')).length, 1)
  assert.equal(inbox.taken.length, 1)
})

/** Makes a delivery due now, and gives the answer's status. */
async function replay(messageId: string, endpointId: string): Promise<number> {
  const answer = await admin.fetch('/admin/v1/deliveries/replay', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ messageId, endpointId }),
  })
  return answer.status
}

test('what waits when its endpoint is disabled is held, not tried, and can be replayed when it is enabled', async () => {
  const { name, inbox, endpointId } = await partners.next()
  inbox.script = (nth) => (nth === 0 ? { status: 500 } : {})
  const id = await partners.publish(name)
  await inbox.until(1)
  await svix.endpoint.patch(name, endpointId, { disabled: true })
  await admin.settled(id, 'held')
  await svix.endpoint.patch(name, endpointId, { disabled: false })
  assert.equal(await replay(id, endpointId), 202)
  await admin.settled(id, 'delivered')
  assert.equal(inbox.taken.length, 2)
})

test('replays in a crowd are all delivered, whatever the dispatcher is doing when they come', async () => {
  const { name, inbox, endpointId } = await partners.next()
  const ids = await Promise.all(Array.from({ length: 10 }, (_, n) => partners.publish(name, { n })))
  for (let round = 1; round <= 60; round++) {
    await inbox.until(ids.length * round)
    // A delivery whose attempt is not recorded yet cannot be replayed, and says so.
    const again = async (id: string): Promise<unknown> =>
      eventually(
        () => replay(id, endpointId),
        (status) => status === 202,
        `${id} is replayed`,
      )
    await Promise.all(ids.map(again))
  }
  await inbox.until(ids.length * 61)
})

test('a receiver that never answers is given up at the timeout, and the attempt says so', async () => {
  const { name, inbox, endpointId } = await partners.next()
  inbox.script = (nth) => (nth === 0 ? null : {})
  const id = await partners.publish(name)
  const [silent, answered] = await admin.settled(id, 'delivered')
  assert.deepEqual([silent!.status, silent!.ok], [0, false])
  assert.match(silent!.failure!, /timeout$/)
  // Deadlines are looked at every 50 ms.
  assert.ok(silent!.latencyMs >= 1_900, `given up after ${silent!.latencyMs} ms`)
  assert.equal(answered!.ok, true)
  const failed = await svix.messageAttempt.listByEndpoint(name, endpointId, {
    statusCodeClass: StatusCodeClass.CodeNone,
  })
  assert.deepEqual([failed.data.length, failed.data[0]?.responseStatusCode], [1, 0])
})

test('a refused connection is recorded as one', async () => {
  const { name, inbox } = await partners.next({ url: `http://127.0.0.1:${await closedPort()}/` })
  const attempts = await admin.settled(await partners.publish(name), 'exhausted')
  assert.deepEqual(
    attempts.map(({ status, failure }) => [status, failure]),
    [
      [0, 'connect-refused'],
      [0, 'connect-refused'],
      [0, 'connect-refused'],
    ],
  )
  assert.equal(inbox.taken.length, 0)
})

test('an endpoint that hangs delays nobody else', async () => {
  const { name, inbox: good } = await partners.next()
  const hanging = receiver.at(`/${name}/hanging`, () => null)
  const { id: hangingId } = await svix.endpoint.create(name, { url: hanging.url })
  const messages = 200
  await Promise.all(Array.from({ length: messages }, (_, n) => partners.publish(name, { n })))
  await good.until(messages)
  assert.ok(hanging.taken.length > 0, 'the hanging one is being called')
  const reached = await svix.messageAttempt.listAttemptedMessages(name, hangingId, { status: MessageStatus.Success })
  assert.deepEqual(reached.data, [], 'the hanging one has answered nothing')
  await svix.endpoint.delete(name, hangingId)
})

test('deleting an endpoint cancels all that waits for it, however much that is', async () => {
  const { name, inbox, endpointId } = await partners.next()
  inbox.script = () => null
  const isQuiet = ({ deliveries }: Stats): boolean => deliveries['pending'] === 0 && deliveries['delivering'] === 0
  const before = await eventually(() => admin.stats(), isQuiet, 'nothing of earlier tests is under way')
  const messages = 1_000
  let published = 0
  const publisher = async (): Promise<void> => {
    while (published++ < messages) {
      const body = '{"eventType":"order.paid","payload":{}}'
      const answer = await admin.fetch(`/api/v1/app/${name}/msg?with_content=false`, { method: 'POST', body })
      assert.equal(answer.status, 202, await answer.text())
    }
  }
  await Promise.all(Array.from({ length: 32 }, publisher))
  await svix.endpoint.delete(name, endpointId)
  const after = await eventually(() => admin.stats(), isQuiet, 'nothing waits any more')
  assert.equal(after.deliveries['cancelled'], before.deliveries['cancelled']! + messages)
})
