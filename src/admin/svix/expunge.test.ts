/** Deleting content, sending examples and asking whether anybody listens, through the unmodified Svix clients. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BackgroundTaskStatus } from 'svix'
import { openHost, refused } from '../test-host.ts'

const URL = 'https://partner.example/hooks'
const GONE = { expired: true }

test('a payload is deleted by id or event id, several at once, or all; then it is not resent', async (t) => {
  const asked: string[] = []
  const { svix } = await openHost(t, { resend: async (id) => asked.push(id) > 0 })
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  await svix.application.create({ name: 'Other', uid: 'other' })
  await svix.endpoint.create('shop', { url: URL, uid: 'main' })
  const ids = []
  for (let i = 0; i < 4; i++) {
    ids.push((await svix.message.create('shop', { eventType: 'a', eventId: `e-${i}`, payload: { i } })).id)
  }
  const strange = await svix.message.create('other', { eventType: 'a', payload: {} })
  const payloads = async () => {
    const page = await svix.message.list('shop', { withContent: true })
    return page.data.map(({ payload }) => payload).toReversed()
  }
  await svix.message.expungeContent('shop', 'e-0')
  await svix.message.expungeContent('shop', ids[0]!)
  await refused(svix.message.expungeContent('shop', strange.id), 404, 'not_found')
  assert.deepEqual(await payloads(), [GONE, { i: 1 }, { i: 2 }, { i: 3 }])
  const bulk = await svix.message.bulkExpungeContent('shop', { ids: [ids[1]!, 'e-2', 'none', strange.id] })
  assert.deepEqual(bulk.results, {
    [ids[1]!]: 'expunged',
    'e-2': 'expunged',
    none: 'not-found',
    [strange.id]: 'not-found',
  })
  assert.deepEqual(await payloads(), [GONE, GONE, GONE, { i: 3 }])
  await refused(svix.messageAttempt.resend('shop', ids[0]!, 'main'), 409, 'conflict')
  await svix.messageAttempt.resend('shop', ids[3]!, 'main')
  assert.deepEqual(asked, [ids[3]!])

  const { id } = await svix.message.expungeAllContents('shop')
  for (;;) {
    const task = await svix.backgroundTask.get(id)
    if (task.status === BackgroundTaskStatus.Running) continue
    assert.deepEqual(task.data, { messagesPurged: 1 })
    break
  }
  assert.deepEqual(await payloads(), [GONE, GONE, GONE, GONE])
})

test('what an endpoint answered is deleted', async (t) => {
  const { svix, attempt } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const endpoint = await svix.endpoint.create('shop', { url: URL })
  const message = await svix.message.create('shop', { eventType: 'a', payload: {} })
  const id = await attempt(message.id, endpoint.id, { status: 200, response: 'secret' })
  const other = await svix.message.create('shop', { eventType: 'a', payload: {} })
  await refused(svix.messageAttempt.expungeContent('shop', other.id, id), 404, 'not_found')
  await svix.messageAttempt.expungeContent('shop', message.id, id)
  assert.equal((await svix.messageAttempt.get('shop', message.id, id)).response, '')
})

test('an example goes to one endpoint: as the schema gives it, or as it describes it', async (t) => {
  const { svix, svix1, store } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const endpoint = await svix.endpoint.create('shop', { url: URL, uid: 'main' })
  await svix.endpoint.create('shop', { url: URL, uid: 'other' })
  const order = {
    type: 'object',
    properties: { id: { type: 'integer', minimum: 7 }, parts: { type: 'array', items: { enum: ['a', 'b'] } } },
  }
  for (const [name, schemas] of [
    ['given', { ...order, examples: [{ id: 1 }, { id: 2 }] }],
    ['versions', { 1: { type: 'string' }, 2: { ...order, example: { id: 3 } } }],
    [
      'described',
      {
        $ref: '#/$defs/Order',
        $defs: {
          Order: {
            allOf: [
              order,
              { properties: { self: { $ref: '#/$defs/Order' }, at: { type: 'string', format: 'date-time' } } },
            ],
          },
        },
      },
    ],
    ['text', { type: 'string' }],
    ['none', null],
  ] as const) {
    await svix.eventType.create({ name, description: '', schemas })
  }
  const sent = async (eventType: string, exampleIndex?: number) =>
    (
      await svix.endpoint.sendExample('shop', 'main', {
        eventType,
        ...(exampleIndex === undefined ? {} : { exampleIndex }),
      })
    ).payload
  assert.deepEqual(await sent('given'), { id: 1 })
  assert.deepEqual(await sent('given', 1), { id: 2 })
  assert.deepEqual(await sent('given', 9), { id: 1 })
  assert.deepEqual(await sent('versions'), { id: 3 })
  const described = await sent('described')
  assert.deepEqual([described.id, described.parts, described.at], [7, ['a'], '2026-01-31T12:00:00Z'])
  assert.deepEqual(await sent('svix.ping'), { success: true })
  const last = await svix1.endpoint.sendExample('shop', 'main', { eventType: 'given' })
  const deliveries = await store.listDeliveries(last.id)
  assert.deepEqual(
    deliveries.map(({ endpointId, state }) => [endpointId, state]),
    [[endpoint.id, 'pending']],
  )
  for (const eventType of ['text', 'none', 'unknown']) {
    const [fault] = (await refused(svix.endpoint.sendExample('shop', 'main', { eventType }), 422)).detail
    assert.deepEqual(fault?.loc, ['body', 'eventType'])
  }
})

test('whether anybody listens is told without sending', async (t) => {
  const { svix } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const active = async (eventType: string, channels?: string[]) =>
    (await svix.message.precheck('shop', { eventType, ...(channels === undefined ? {} : { channels }) })).active
  assert.equal(await active('a'), false)
  await svix.endpoint.create('shop', { url: URL, eventTypes: ['a'], channels: ['eu'] })
  await svix.endpoint.create('shop', { url: URL, disabled: true })
  assert.deepEqual([await active('a'), await active('a', ['eu']), await active('b', ['eu'])], [false, true, false])
})

test('tags, times and keys: from publishing to every list', async (t) => {
  const { svix, svix1, attempt, clock } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const endpoint = await svix.endpoint.create('shop', { url: URL, uid: 'main' })
  const deliverAt = new Date(clock.now() + 3_600_000)
  const first = await svix.message.create('shop', { eventType: 'a', payload: {}, tags: ['x', 'y'], deliverAt })
  assert.deepEqual([first.tags, first.deliverAt], [['x', 'y'], deliverAt])
  const second = await svix1.message.create('shop', { eventType: 'a', payload: {}, tags: ['y'] })
  for (const { id } of [first, second]) await attempt(id, endpoint.id, { status: 200, response: '' })
  const tag = { tag: 'x' }
  assert.deepEqual((await svix.message.list('shop', tag)).data.map(idOf), [first.id])
  assert.deepEqual(
    (await svix.messageAttempt.listByEndpoint('shop', 'main', tag)).data.map(({ msgId }) => msgId),
    [first.id],
  )
  assert.deepEqual((await svix.messageAttempt.listAttemptedMessages('shop', 'main', tag)).data.map(idOf), [first.id])
  assert.equal((await svix.messageAttempt.listByMsg('shop', second.id, tag)).data.length, 0)

  const body = { eventType: 'a', eventId: 'e', payload: { n: 1 } }
  const key = { idempotencyKey: 'k' }
  const made = await svix.message.create('shop', body, { ...key, withContent: true })
  assert.deepEqual(await svix.message.create('shop', body, { ...key, withContent: true }), made)
  await refused(svix.message.create('shop', { ...body, payload: { n: 2 } }, key), 409, 'idempotency_key_reused')
  await refused(svix.message.create('shop', body), 409, 'conflict')
  clock.advance(24 * 3_600_000)
  await refused(svix.message.create('shop', body, key), 409, 'conflict')
})

const idOf = ({ id }: { id: string }): string => id
