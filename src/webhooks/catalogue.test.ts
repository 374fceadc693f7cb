/** catalogue: which messages may be published, when that counts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventType } from '../model/webhook.ts'
import { Catalogue } from './catalogue.ts'

const blank = { description: '', archived: false, deprecated: false, groupName: null, featureFlags: [] }
const type = (name: string, schema: unknown = null, fields: Partial<EventType> = {}): EventType => {
  return { name, ...blank, schema, createdAt: 0, updatedAt: 0, ...fields }
}

const ORDER = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'integer' },
    parts: { type: 'array', items: { type: 'object', properties: { 'a/b': { type: 'string' } } } },
  },
  additionalProperties: false,
}

function catalogue(rules: Partial<Catalogue['rules']>, ...types: EventType[]): Catalogue {
  const made = new Catalogue()
  made.rules = { ...made.rules, ...rules }
  made.apply({ eventTypes: types })
  return made
}

test('nothing is asked unless it is said', () => {
  const all = catalogue({}, type('order', ORDER), type('old', null, { archived: true }))
  for (const name of ['order', 'old', 'unknown']) assert.equal(all.fault(name, '{"x":'), null)
})

test('types that are unknown or archived are refused when that is said', () => {
  const known = catalogue({ unknownEvents: 'refuse' }, type('order', ORDER), type('old', null, { archived: true }))
  assert.equal(known.fault('order', '{}'), null)
  assert.deepEqual([known.fault('old', '{}')?.field, known.fault('unknown', '{}')?.field], ['eventType', 'eventType'])
  known.apply({ removedEventTypes: ['order'], eventTypes: [type('old')] })
  assert.deepEqual([known.fault('order', '{}')?.field, known.fault('old', '{}')], ['eventType', null])
  known.replace([])
  assert.equal(known.fault('old', '{}')?.field, 'eventType')
})

test('payloads that break their schema are refused with the place', () => {
  const strict = catalogue({ invalidPayloads: 'refuse' }, type('order', ORDER), type('free'))
  const place = (payload: string) => {
    const fault = strict.fault('order', payload)
    return fault && [fault.field, ...fault.path].join('.')
  }
  assert.equal(place('{"id":1,"parts":[{"a/b":"x"}]}'), null)
  assert.equal(place('{"id":"1"}'), 'payload.id')
  assert.equal(place('{}'), 'payload.id')
  assert.equal(place('{"id":1,"more":true}'), 'payload.more')
  assert.equal(place('{"id":1,"parts":[{},{"a/b":2}]}'), 'payload.parts.1.a/b')
  assert.equal(place('[]'), 'payload')
  assert.equal(place('<xml/>'), 'payload')
  assert.equal(strict.fault('free', '<xml/>'), null)
  assert.equal(strict.fault('unknown', '{'), null)
})

test('the newest version counts, older drafts are read, and what is no schema lets nothing through', () => {
  const versions = { 1: { type: 'string' }, 2: ORDER, 10: { type: 'array' } }
  const draft = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'same',
    definitions: { a: { type: 'null' } },
    $ref: '#/definitions/a',
  }
  const all = catalogue(
    { invalidPayloads: 'refuse' },
    type('versions', versions),
    type('draft', draft),
    type('other', { ...draft, type: 'null' }),
    type('never', false),
    type('broken', { type: 'no such type' }),
  )
  const verdicts = ['versions', 'draft', 'other', 'never', 'broken'].map((name) => [
    all.fault(name, '[]') === null,
    all.fault(name, 'null') === null,
  ])
  assert.deepEqual(verdicts, [
    [true, false],
    [false, true],
    [false, true],
    [false, false],
    [false, false],
  ])
  all.apply({ eventTypes: [type('broken', { type: 'null' })] })
  assert.equal(all.fault('broken', 'null'), null)
})
