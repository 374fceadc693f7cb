/** directory: who is called for what, through every change the admin server can tell of. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type Consumer, type Endpoint, OPERATIONAL_CONSUMER, wants } from '../model/webhook.ts'
import { newConsumer, newEndpoint } from '../store/conformance/subject.ts'
import { Directory, serviceEndpointId, serviceOf } from './directory.ts'

const consumer = (id: string, uid: string | null = null): Consumer => newConsumer({ id, uid })
const endpoint = (id: string, fields: Partial<Endpoint> = {}): Endpoint => newEndpoint({ id, ...fields })
const idsOf = (found: readonly { readonly endpoint: Endpoint }[]) => found.map((one) => one.endpoint.id).toSorted()

describe('Directory', () => {
  it('finds a consumer by id and by uid, the uid it has now', () => {
    const directory = new Directory()
    directory.apply({ consumers: [consumer('app_1', 'shop')] })
    assert.equal(directory.consumerByIdOrUid('app_1')!.id, 'app_1')
    assert.equal(directory.consumerByIdOrUid('shop')!.id, 'app_1')
    directory.apply({ consumers: [consumer('app_1', 'store')] })
    assert.equal(directory.consumerByIdOrUid('shop'), null)
    assert.equal(directory.consumerByIdOrUid('store')!.id, 'app_1')
    directory.apply({ consumers: [consumer('app_1')] })
    assert.equal(directory.consumerByIdOrUid('store'), null)
    directory.apply({ consumers: [consumer('app_2', 'shop')] })
    assert.equal(directory.consumerByIdOrUid('shop')!.id, 'app_2')
    directory.apply({ removedConsumers: ['app_1'] })
    assert.equal(directory.consumerByIdOrUid('app_1'), null)
    assert.equal(directory.consumerByIdOrUid('shop')!.id, 'app_2')
    assert.equal(directory.consumerByIdOrUid(''), null)
  })

  it('publishes to the operational consumer for nobody, nor events of everybody', () => {
    const directory = new Directory()
    directory.apply({ consumers: [consumer(OPERATIONAL_CONSUMER)] })
    directory.apply({ endpoints: [endpoint('ep_1', { consumerId: OPERATIONAL_CONSUMER })] })
    assert.equal(directory.consumerByIdOrUid(OPERATIONAL_CONSUMER), null)
    assert.deepEqual([...directory.consumersWanting('a')], [])
    assert.deepEqual(idsOf(directory.wanting(OPERATIONAL_CONSUMER, 'a', null)), ['ep_1'])
  })

  it('takes a URL apart as it will be called', () => {
    const directory = new Directory()
    directory.apply({ endpoints: [endpoint('ep_1', { url: 'https://Hooks.Example:8443/a%20b/../c?d=e#f' })] })
    const { origin, host, target } = directory.endpoint('ep_1')!
    assert.deepEqual([origin, host, target], ['https://hooks.example:8443', 'hooks.example:8443', '/c?d=e'])
  })

  it('takes a change of an endpoint whole: URL and what it wants', () => {
    const directory = new Directory()
    directory.apply({ endpoints: [endpoint('ep_1', { eventTypes: ['a'] })] })
    directory.apply({ endpoints: [endpoint('ep_1', { url: 'http://new.example/x', eventTypes: ['b'] })] })
    assert.equal(directory.endpoint('ep_1')!.origin, 'http://new.example')
    assert.deepEqual(idsOf(directory.wanting('app_1', 'a', null)), [])
    assert.deepEqual(idsOf(directory.wanting('app_1', 'b', null)), ['ep_1'])
  })

  for (const [name, fields, eventType, channels, found] of [
    ['everything', {}, 'a', null, true],
    ['a type', { eventTypes: ['a', 'b'] }, 'b', null, true],
    ['another type', { eventTypes: ['a'] }, 'b', null, false],
    ['no type', { eventTypes: [] }, 'a', null, false],
    ['a type that begins alike', { eventTypes: ['a'] }, 'a.b', null, false],
    ['a channel', { channels: ['x', 'y'] }, 'a', ['z', 'y'], true],
    ['another channel', { channels: ['x'] }, 'a', ['y'], false],
    ['a channel, of a message without one', { channels: ['x'] }, 'a', null, false],
    ['any channel', { channels: null }, 'a', ['x'], true],
    ['a type and a channel', { eventTypes: ['a'], channels: ['x'] }, 'a', ['x'], true],
    ['a type, on another channel', { eventTypes: ['a'], channels: ['x'] }, 'a', ['y'], false],
    ['everything, though it is disabled: its delivery is held', { disabled: true }, 'a', null, true],
  ] satisfies [string, Partial<Endpoint>, string, readonly string[] | null, boolean][]) {
    it(`${found ? 'calls' : 'does not call'} an endpoint that wants ${name}`, () => {
      const directory = new Directory()
      directory.apply({ endpoints: [endpoint('ep_1', fields)] })
      assert.deepEqual(idsOf(directory.wanting('app_1', eventType, channels)), found ? ['ep_1'] : [])
      assert.deepEqual(directory.wanting('app_2', eventType, channels), [])
    })
  }

  it('knows every consumer with an endpoint that wants an event', () => {
    const directory = new Directory()
    directory.apply({
      consumers: [consumer('app_1'), consumer('app_2'), consumer('app_3'), consumer('app_4')],
      endpoints: [
        endpoint('ep_1'),
        endpoint('ep_2', { consumerId: 'app_2', eventTypes: ['a'] }),
        endpoint('ep_3', { consumerId: 'app_3', eventTypes: ['d'] }),
        endpoint('ep_4', { consumerId: 'app_2', eventTypes: ['a', 'b'] }),
      ],
    })
    const wanting = (type: string) => [...directory.consumersWanting(type)].map((one) => one.id)
    assert.deepEqual(wanting('a'), ['app_1', 'app_2'])
    assert.deepEqual(wanting('b'), ['app_1', 'app_2'])
    assert.deepEqual(wanting('c'), ['app_1'])
  })

  it('forgets with a consumer its endpoints', () => {
    const directory = new Directory()
    directory.apply({
      consumers: [consumer('app_1'), consumer('app_2')],
      endpoints: [endpoint('ep_1'), endpoint('ep_2'), endpoint('ep_3', { consumerId: 'app_2' })],
    })
    directory.apply({ removedConsumers: ['app_1'] })
    assert.deepEqual([directory.endpoint('ep_1'), directory.endpoint('ep_2')], [null, null])
    assert.deepEqual(directory.wanting('app_1', 'a', null), [])
    assert.equal(directory.endpoint('ep_3')!.endpoint.consumerId, 'app_2')
  })

  it('takes the removal of what it does not know', () => {
    new Directory().apply({ removedConsumers: ['app_1'], removedEndpoints: ['ep_1'] })
  })

  it('says what a plain list says, whatever has changed', () => {
    const fields = fc.record({
      eventTypes: fc.constantFrom(null, ['a'], ['b'], ['a', 'b']),
      disabled: fc.boolean(),
    })
    const change = fc.oneof(
      { weight: 3, arbitrary: fc.record({ put: fc.integer({ min: 1, max: 4 }), fields }) },
      fc.record({ remove: fc.integer({ min: 1, max: 4 }) }),
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const directory = new Directory()
        const model = new Map<string, Endpoint>()
        for (const one of changes) {
          if ('put' in one) {
            // An endpoint stays its consumer's: the store refuses anything else.
            const id = `ep_${one.put}`
            const consumerId = `app_${(one.put % 2) + 1}`
            const put = endpoint(id, { ...one.fields, consumerId })
            model.set(id, put)
            directory.apply({ endpoints: [put] })
          } else {
            model.delete(`ep_${one.remove}`)
            directory.apply({ removedEndpoints: [`ep_${one.remove}`] })
          }
          for (const consumerId of ['app_1', 'app_2']) {
            for (const type of ['a', 'b']) {
              const want = [...model.values()].filter((ep) => {
                return ep.consumerId === consumerId && wants(ep, type, null)
              })
              assert.deepEqual(idsOf(directory.wanting(consumerId, type, null)), want.map((ep) => ep.id).toSorted())
            }
          }
          for (const id of ['ep_1', 'ep_2', 'ep_3', 'ep_4']) {
            assert.equal(directory.endpoint(id)?.endpoint, model.get(id))
          }
        }
      }),
    )
  })
})

describe('an endpoint that is a service', () => {
  for (const [service, path] of [
    ['payments', '/stripe-events'],
    ['payments', ''],
    ['payments', '/a:b?c=d:e'],
    ['pay.ments-2_', '/'],
  ] as const) {
    it(`is ${service}${path}`, () => {
      assert.deepEqual(serviceOf(serviceEndpointId(service, path)), { service, path })
    })
  }

  it('is no other id', () => {
    for (const id of ['ep_1', '', 'services:a:/b']) assert.equal(serviceOf(id), null)
  })
})
