/** Recovering, replaying and counting in tasks, through the unmodified Svix clients. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BackgroundTaskStatus, BackgroundTaskType, MessageStatus, Ordering, StatusCodeClass, type Svix } from 'svix'
import { openHost, refused } from '../test-host.ts'

const URL = 'https://partner.example/hooks'
const LONG_AGO = new Date(0)

async function finished(svix: Svix, id: string) {
  for (;;) {
    const task = await svix.backgroundTask.get(id)
    if (task.status !== BackgroundTaskStatus.Running) return task
  }
}

test('recover sends again what failed since then, and only that', async (t) => {
  let woken = 0
  const { svix, svix1, attempt, store } = await openHost(t, { wake: () => woken++ })
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const endpoint = await svix.endpoint.create('shop', { url: URL, uid: 'main' })
  const publish = async (answer: { status: number; state: 'exhausted' | 'delivered' }) => {
    const { id, timestamp } = await svix.message.create('shop', { eventType: 'a', payload: {} })
    await attempt(id, endpoint.id, { ...answer, response: '' })
    return { id, timestamp }
  }
  await publish({ status: 500, state: 'exhausted' })
  const first = await publish({ status: 500, state: 'exhausted' })
  await publish({ status: 200, state: 'delivered' })
  const last = await publish({ status: 404, state: 'exhausted' })

  const started = await svix.endpoint.recover('shop', 'main', { since: first.timestamp })
  assert.match(started.id, /^qtask_/)
  assert.equal(started.task, BackgroundTaskType.EndpointRecover)
  assert.ok(started.updatedAt instanceof Date)
  const task = await finished(svix, started.id)
  assert.deepEqual([task.status, task.data], ['finished', { messagesSent: 2 }])
  assert.ok(woken > 0)
  const due = await store.claim('test', 10, Date.UTC(2027, 0), [])
  assert.deepEqual(due.map(({ message }) => message.id).toSorted(), [first.id, last.id])

  const again = await svix1.endpoint.recover('shop', 'main', { since: LONG_AGO, until: first.timestamp })
  assert.deepEqual((await finished(svix, again.id)).data, { messagesSent: 1 })
})

test('replay-missing gives an endpoint what it never had; bulk-replay what a filter chooses', async (t) => {
  const { svix, attempt } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const old = await svix.endpoint.create('shop', { url: URL, uid: 'old' })
  for (const [eventType, status] of [
    ['a', 200],
    ['b', 500],
    ['a', 500],
  ] as const) {
    const { id } = await svix.message.create('shop', { eventType, payload: {} })
    await attempt(id, old.id, { status, response: '', state: status === 200 ? 'delivered' : 'exhausted' })
  }
  await svix.endpoint.create('shop', { url: URL, uid: 'new', eventTypes: ['a'] })
  const missing = await svix.endpoint.replayMissing('shop', 'new', { since: LONG_AGO })
  assert.deepEqual((await finished(svix, missing.id)).data, { messagesSent: 2 })
  assert.equal(missing.task, BackgroundTaskType.EndpointReplay)
  assert.equal((await svix.messageAttempt.listAttemptedMessages('shop', 'new')).data.length, 2)

  const replayed = async (filter: Omit<Parameters<typeof svix.endpoint.bulkReplay>[2], 'since'>) => {
    const { id } = await svix.endpoint.bulkReplay('shop', 'old', { since: LONG_AGO, ...filter })
    return (await finished(svix, id)).data.messagesSent
  }
  assert.equal(await replayed({ statusCodeClass: StatusCodeClass.Code5xx, eventTypes: ['a'] }), 1)
  assert.equal(await replayed({ status: MessageStatus.Success }), 1)
  assert.equal(await replayed({}), 1, 'the others wait already')
})

test('how the deliveries of an endpoint stand', async (t) => {
  const { svix, attempt } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const endpoint = await svix.endpoint.create('shop', { url: URL })
  const ids = []
  for (let i = 0; i < 4; i++) ids.push(await svix.message.create('shop', { eventType: 'a', payload: {} }))
  await attempt(ids[0]!.id, endpoint.id, { status: 200, response: '' })
  await attempt(ids[1]!.id, endpoint.id, { status: 500, response: '', state: 'exhausted' })
  const all = { success: 1, fail: 1, pending: 2, sending: 0, canceled: 0 }
  assert.deepEqual(await svix.endpoint.getStats('shop', endpoint.id), all)
  const since = { ...all, success: 0, fail: 0 }
  assert.deepEqual(await svix.endpoint.getStats('shop', endpoint.id, { since: ids[2]!.timestamp }), since)
})

test('statistics are tasks with a result', async (t) => {
  const { svix, svix1 } = await openHost(t)
  const shop = await svix.application.create({ name: 'Shop', uid: 'shop' })
  const bare = await svix.application.create({ name: 'Bare' })
  await svix.operationalWebhook.endpoint.create({ url: URL })
  await svix.endpoint.create('shop', { url: URL, eventTypes: ['b', 'a'] })
  await svix.endpoint.create('shop', { url: URL })
  await svix.message.create('shop', { eventType: 'a', payload: {} })
  const window = { since: LONG_AGO, until: new Date(Date.UTC(2027, 0)) }
  const started = await svix.statistics.aggregateAppStats({ ...window, appIds: ['shop', 'nobody'] })
  assert.deepEqual([started.task, started.unresolvedAppIds], ['application.stats', ['nobody']])
  assert.deepEqual((await finished(svix, started.id)).data, {
    appStats: [{ appId: shop.id, appUid: 'shop', messageDestinations: 2 }],
  })
  const everybody = await svix1.statistics.aggregateAppStats(window)
  assert.equal((await finished(svix, everybody.id)).data.appStats.length, 2)
  await refused(svix.statistics.aggregateAppStats({ ...window, appIds: ['nobody'] }), 422)

  const types = await svix.statistics.aggregateEventTypes()
  assert.deepEqual((await finished(svix, types.id)).data, {
    event_types: [
      { appId: shop.id, explicitlySubscribedEventTypes: ['a', 'b'], hasCatchAllEndpoint: true },
      { appId: bare.id, explicitlySubscribedEventTypes: [], hasCatchAllEndpoint: false },
    ],
  })
})

test('tasks are listed and filtered; what cannot be started is refused', async (t) => {
  const { svix, svix1 } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  await svix.endpoint.create('shop', { url: URL, uid: 'main' })
  const recover = await svix.endpoint.recover('shop', 'main', { since: LONG_AGO })
  const replay = await svix.endpoint.replayMissing('shop', 'main', { since: LONG_AGO })
  for (const { id } of [recover, replay]) await finished(svix, id)
  const ids = async (options: Parameters<typeof svix.backgroundTask.list>[0]) =>
    (await svix.backgroundTask.list(options)).data.map(({ id }) => id)
  assert.deepEqual(await ids({}), [replay.id, recover.id])
  assert.deepEqual(await ids({ order: Ordering.Ascending, limit: 1 }), [recover.id])
  assert.deepEqual(await ids({ task: BackgroundTaskType.EndpointReplay }), [replay.id])
  assert.deepEqual(await ids({ task: BackgroundTaskType.MessageBroadcast }), [])
  assert.deepEqual(await ids({ status: BackgroundTaskStatus.Running }), [])
  assert.equal((await svix1.backgroundTask.listByEndpoint()).data.length, 2)
  await refused(svix.backgroundTask.get('qtask_none'), 404, 'not_found')

  await refused(svix.endpoint.recover('shop', 'none', { since: LONG_AGO }), 404, 'not_found')
  const backwards = svix.endpoint.recover('shop', 'main', { since: new Date(2), until: new Date(1) })
  assert.deepEqual((await refused(backwards, 422)).detail[0]?.loc, ['body', 'until'])
  await svix.endpoint.patch('shop', 'main', { disabled: true })
  await refused(svix.endpoint.recover('shop', 'main', { since: LONG_AGO }), 409, 'conflict')
})
