/** Event types through the unmodified Svix client. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHost, refused } from '../test-host.ts'

test('create, get, update, patch, archive, bring back, expunge', async (t) => {
  const { svix, changes } = await openHost(t)
  const schemas = { 1: { type: 'object', properties: { id: { type: 'integer' } } } }
  const made = await svix.eventType.create({ name: 'order.paid', description: 'An order is paid', schemas })
  assert.equal(made.archived, false)
  assert.deepEqual(made.schemas, schemas)
  assert.ok(made.createdAt instanceof Date && !Number.isNaN(made.createdAt.getTime()))
  await refused(svix.eventType.create({ name: 'order.paid', description: '' }), 409, 'event_type_exists')

  const patched = await svix.eventType.patch('order.paid', { description: 'Paid' })
  assert.deepEqual([patched.description, patched.schemas], ['Paid', schemas])
  const replaced = await svix.eventType.upsert('order.paid', { description: 'Again' })
  assert.deepEqual([replaced.description, replaced.schemas], ['Again', null])
  assert.equal((await svix.eventType.upsert('order.sent', { description: 'New' })).name, 'order.sent')

  await svix.eventType.delete('order.paid')
  assert.equal((await svix.eventType.get('order.paid')).archived, true)
  assert.deepEqual((await svix.eventType.list()).data.map(nameOf), ['order.sent'])
  const everything = (await svix.eventType.list({ includeArchived: true })).data.map(nameOf)
  assert.deepEqual(everything.toSorted(), ['order.paid', 'order.sent'])
  assert.equal((await svix.eventType.create({ name: 'order.paid', description: 'Back' })).archived, false)

  await svix.eventType.delete('order.paid', { expunge: true })
  await refused(svix.eventType.get('order.paid'), 404, 'not_found')
  assert.deepEqual(changes.at(-1), { removedEventTypes: ['order.paid'] })
})

test('lists page by name and leave schemas out unless asked', async (t) => {
  const { svix } = await openHost(t)
  const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => `order.${letter}`)
  for (const name of names) await svix.eventType.create({ name, description: name, schemas: { 1: {} } })
  const found: string[] = []
  let iterator: string | null = null
  for (;;) {
    const page = await svix.eventType.list({ limit: 2, iterator })
    assert.ok(page.data.every(({ schemas }) => schemas === null))
    found.push(...page.data.map(nameOf))
    iterator = page.iterator
    if (page.done) break
  }
  assert.deepEqual(found, names)
  assert.deepEqual((await svix.eventType.list({ withContent: true })).data[0]?.schemas, { 1: {} })
})

test('names are names', async (t) => {
  const { svix } = await openHost(t)
  await refused(svix.eventType.create({ name: 'order paid', description: '' }), 422)
  await refused(svix.eventType.create({ name: '-order', description: '' }), 422)
  await refused(svix.eventType.upsert('order/paid', { description: '' }), 422)
})

test('what a catalogue shows is kept: group, feature flags, deprecation', async (t) => {
  const { svix, svix1 } = await openHost(t)
  const shown = { groupName: 'orders', featureFlags: ['beta', 'new'], deprecated: true }
  const made = await svix.eventType.create({ name: 'order.paid', description: '', ...shown })
  assert.deepEqual([made.groupName, made.featureFlags, made.deprecated], ['orders', ['beta', 'new'], true])
  assert.equal(made.featureFlag, 'beta')
  const changed = await svix1.eventType.patch('order.paid', { deprecated: false, groupName: null })
  assert.deepEqual([changed.groupName, changed.featureFlags, changed.deprecated], [null, ['beta', 'new'], false])
  assert.deepEqual((await svix.eventType.upsert('order.paid', { description: '' })).featureFlags, [])
})

test('messages are held to event types and schemas when that is asked, and told where they break them', async (t) => {
  const { svix, catalogue } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const schemas = {
    type: 'object',
    required: ['id'],
    properties: { parts: { type: 'array', items: { type: 'string' } } },
  }
  await svix.eventType.create({ name: 'order.paid', description: '', schemas })
  await svix.eventType.create({ name: 'old', description: '', archived: true })
  const publish = (eventType: string, payload: unknown) => svix.message.create('shop', { eventType, payload })
  await publish('unknown', {})
  await publish('order.paid', {})

  catalogue.rules = { unknownEvents: 'refuse', invalidPayloads: 'refuse' }
  for (const [eventType, payload, loc] of [
    ['unknown', {}, ['body', 'eventType']],
    ['old', {}, ['body', 'eventType']],
    ['order.paid', {}, ['body', 'payload', 'id']],
    ['order.paid', { id: 1, parts: ['a', 2] }, ['body', 'payload', 'parts', '1']],
  ] as const) {
    const [fault] = (await refused(publish(eventType, payload), 422)).detail
    assert.deepEqual([fault?.loc, fault?.type], [loc, 'value_error.schema'])
  }
  await publish('order.paid', { id: 1, parts: ['a'] })
  await svix.eventType.patch('order.paid', { schemas: { type: 'object' } })
  await publish('order.paid', {})
  await svix.eventType.delete('order.paid', { expunge: true })
  await refused(publish('order.paid', {}), 422)
})

test('what is no JSON Schema is refused', async (t) => {
  const { svix } = await openHost(t)
  for (const schemas of [{ type: 'no such type' }, { 1: { $ref: '#/nowhere' } }, 'text', { 2: 3 }]) {
    const [fault] = (await refused(svix.eventType.create({ name: 'a', description: '', schemas }), 422)).detail
    assert.deepEqual(fault?.loc, ['body', 'schemas'], JSON.stringify(schemas))
  }
})

const nameOf = ({ name }: { name: string }): string => name
