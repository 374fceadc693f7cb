/** Importing event types from OpenAPI documents, through the unmodified Svix client. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { openHost, refused } from '../test-host.ts'
import { eventTypesOf } from './openapi-webhooks.ts'
import { Refusal } from './refusal.ts'

const SPEC = {
  openapi: '3.1.0',
  components: {
    schemas: {
      Order: {
        type: 'object',
        properties: { id: { type: 'integer' }, parts: { type: 'array', items: { $ref: '#/components/schemas/Part' } } },
      },
      Part: { type: 'object', properties: { of: { $ref: '#/components/schemas/Part' } } },
      Unused: { type: 'string' },
    },
    requestBodies: { Sent: { content: { 'application/vnd.shop+json': { schema: { type: 'object' } } } } },
  },
  webhooks: {
    'order.paid': {
      post: {
        description: 'An order is paid',
        'x-svix-group-name': 'orders',
        'x-svix-feature-flags': ['beta'],
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } } },
      },
    },
    sent: {
      post: { operationId: 'order.sent', deprecated: true, requestBody: { $ref: '#/components/requestBodies/Sent' } },
    },
    bare: { post: {} },
  },
}

test('what a document describes becomes event types, each with a schema that stands alone', async (t) => {
  const { svix, changes } = await openHost(t)
  await svix.eventType.create({ name: 'old', description: '' })
  await svix.eventType.create({ name: 'bare', description: '', archived: true })
  const dry = await svix.eventType.importOpenapi({ spec: SPEC, dryRun: true })
  assert.deepEqual(dry.data.modified, [])
  assert.deepEqual(
    dry.data.toModify?.map(({ name }) => name),
    ['order.paid', 'order.sent', 'bare'],
  )
  await refused(svix.eventType.get('order.paid'), 404)

  const done = await svix.eventType.importOpenapi({ spec: SPEC })
  assert.deepEqual(done.data.modified, ['order.paid', 'order.sent', 'bare'])
  assert.equal(changes.at(-1)?.eventTypes?.length, 3)
  const paid = await svix.eventType.get('order.paid')
  assert.deepEqual(
    [paid.description, paid.groupName, paid.featureFlags, paid.deprecated, paid.archived],
    ['An order is paid', 'orders', ['beta'], false, false],
  )
  const Part = { type: 'object', properties: { of: { $ref: '#/$defs/Part' } } }
  const Order = {
    type: 'object',
    properties: { id: { type: 'integer' }, parts: { type: 'array', items: { $ref: '#/$defs/Part' } } },
  }
  assert.deepEqual(paid.schemas, { $ref: '#/$defs/Order', $defs: { Order, Part } })
  assert.deepEqual((await svix.eventType.get('order.sent')).schemas, { type: 'object' })
  assert.equal((await svix.eventType.get('bare')).archived, false, 'brought back')
  assert.deepEqual((await svix.eventType.importOpenapi({ spec: SPEC })).data.modified, [], 'nothing has changed')

  const all = await svix.eventType.importOpenapi({ spec: SPEC, replaceAll: true })
  assert.deepEqual(all.data.modified, ['old'])
  assert.equal((await svix.eventType.get('old')).archived, true)
})

test('a document may be text, JSON or YAML, and of the time before `webhooks`', async (t) => {
  const { svix } = await openHost(t)
  const yaml = 'openapi: 3.0.3\nx-webhooks:\n  user.signup:\n    post:\n      summary: Somebody came\n'
  assert.deepEqual((await svix.eventType.importOpenapi({ specRaw: yaml })).data.modified, ['user.signup'])
  assert.equal((await svix.eventType.get('user.signup')).description, 'Somebody came')
  assert.equal((await svix.eventType.importOpenapi({ specRaw: JSON.stringify(SPEC) })).data.modified.length, 3)
})

test('what cannot be imported is 422, says why, and changes nothing', async (t) => {
  const { svix } = await openHost(t)
  const schemaOf = (schema: unknown) => ({
    webhooks: { a: { post: { requestBody: { content: { 'application/json': { schema } } } } } },
  })
  for (const [input, why] of [
    [{}, /Either/],
    [{ spec: {}, specRaw: '{}' }, /Either/],
    [{ spec: {} }, /neither `webhooks`/],
    [{ specRaw: '{' }, /neither JSON nor YAML/],
    [{ specRaw: '- a' }, /not an object/],
    [{ spec: { webhooks: { 'no spaces': { post: {} } } } }, /cannot be the name/],
    [{ spec: { webhooks: { a: { post: { operationId: '-a' } } } } }, /cannot be the name/],
    [{ spec: schemaOf({ $ref: 'other.json#/a' }) }, /not followed/],
    [{ spec: schemaOf({ $ref: '#/components/schemas/None' }) }, /not in it/],
    [{ spec: { webhooks: { a: { $ref: '#/webhooks/a' } } } }, /circle/],
    [{ spec: { webhooks: { a: { post: 'x' } } } }, /something else/],
  ] as const) {
    const [fault] = (await refused(svix.eventType.importOpenapi(input), 422)).detail
    assert.match(fault!.msg, why, JSON.stringify(input))
  }
  assert.deepEqual((await svix.eventType.list()).data, [])
})

test('whatever a document is, it is read or refused', () => {
  const strange = fc.object({
    key: fc.constantFrom(
      'webhooks',
      'x-webhooks',
      'post',
      '$ref',
      'requestBody',
      'content',
      'application/json',
      'schema',
      'a',
    ),
    values: [fc.string(), fc.constant('#/webhooks/a'), fc.constant('#/'), fc.integer(), fc.constant(null)],
  })
  fc.assert(
    fc.property(strange, (spec) => {
      try {
        for (const { name } of eventTypesOf(spec, 'spec')) assert.notEqual(name, '')
      } catch (error) {
        assert.ok(error instanceof Refusal, String(error))
      }
    }),
    { numRuns: 500 },
  )
})
