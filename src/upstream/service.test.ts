/** service: instances take turns by their weights, and keep their place over reloads. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { HeldClock } from '../../test/support/policy.ts'
import type { Service } from '../model/gateway.ts'
import { Deadlines } from '../wire/deadlines.ts'
import { Pools } from '../wire/pool.ts'
import { USUAL_TLS } from '../wire/upstream-tls.ts'
import { type LiveService, Services } from './service.ts'

const deadlines = new Deadlines(new HeldClock())
const pools = new Pools(deadlines)
after(() => {
  pools.close()
  deadlines.close()
})

const TIMEOUTS = { connectMs: 1, firstByteMs: 2, idleMs: 3, streamMs: 5, totalMs: 4 }

/** Instances are called a, b, c … */
function spec(name: string, weights: Readonly<Record<string, number>>): Service {
  const instances = Object.entries(weights).map(([host, weight]) => ({ url: `http://${host}:80`, weight }))
  return { name, protocol: 'http/1.1', tls: USUAL_TLS, proxyProtocol: null, instances, timeouts: TIMEOUTS }
}

function servicesOf(...specs: readonly Service[]): Services {
  const services = new Services(pools)
  services.update(Object.fromEntries(specs.map((one) => [one.name, one])))
  return services
}

const picks = (service: LiveService, count: number): string =>
  Array.from({ length: count }, () => new URL(service.pick()!.url).hostname).join('')

describe('LiveService', () => {
  it('picks each instance exactly as often as its weight says, round after round', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), (weights) => {
        const named = Object.fromEntries(weights.map((weight, i) => [String.fromCharCode(97 + i), weight]))
        const service = servicesOf(spec('up', named)).get('up')!
        const total = weights.reduce((sum, weight) => sum + weight, 0)
        for (let round = 0; round < 3; round++) {
          const picked = picks(service, total)
          for (const [host, weight] of Object.entries(named)) assert.equal(picked.split(host).length - 1, weight)
        }
      }),
    )
  })

  for (const [weights, order] of [
    [{ a: 3, b: 1 }, 'aabaaaba'],
    [{ a: 5, b: 1, c: 1 }, 'aabacaaaabacaa'],
    [{ a: 1, b: 1 }, 'abab'],
    [{ a: 7 }, 'aaa'],
  ] as const) {
    it(`spreads ${JSON.stringify(weights)} as ${order}`, () => {
      assert.equal(picks(servicesOf(spec('up', weights)).get('up')!, order.length), order)
    })
  }

  it('picks nobody when it has nobody', () => {
    assert.equal(servicesOf(spec('up', {})).get('up')!.pick(), null)
  })
})

describe('Services', () => {
  it('know a service by its name', () => {
    const services = servicesOf(spec('one', { a: 1 }), spec('two', { b: 1 }))
    assert.equal(services.get('one')!.name, 'one')
    assert.equal(services.get('three'), null)
    assert.equal(services.get('__proto__'), null)
    const [instance] = services.get('two')!.instances
    assert.deepEqual([instance!.url, instance!.name], ['http://b:80', 'b'])
  })

  it('keep the place in the round of what has not changed', () => {
    const services = servicesOf(spec('up', { a: 3, b: 1 }))
    const service = services.get('up')!
    assert.equal(picks(service, 2), 'aa')
    services.update({ up: spec('up', { a: 3, b: 1 }), more: spec('more', { c: 1 }) })
    assert.equal(services.get('up'), service)
    assert.equal(picks(service, 2), 'ba')
  })

  it('keep the connections of an instance whatever else changes about it', () => {
    const services = servicesOf(spec('up', { a: 1, b: 1 }))
    const service = services.get('up')!
    const [a, b] = service.instances
    services.update({ up: { ...spec('up', { a: 1, b: 2, c: 1 }), timeouts: { ...TIMEOUTS, totalMs: 9 } } })
    assert.equal(service.timeouts.totalMs, 9)
    assert.equal(service.instances[0], a)
    assert.equal(service.instances[1]!.pool, b!.pool)
    assert.deepEqual(
      service.instances.map((one) => one.weight),
      [1, 2, 1],
    )
  })

  it('share connections between services that name the same instance, but not its place in the round', () => {
    const services = servicesOf(spec('one', { a: 2, b: 1 }), spec('two', { a: 2, b: 1 }))
    const [one, two] = [services.get('one')!, services.get('two')!]
    assert.equal(one.instances[0]!.pool, two.instances[0]!.pool)
    assert.equal(picks(one, 3), 'aba')
    assert.equal(picks(two, 3), 'aba')
  })

  it('forget a service that is no longer written, and begin afresh when it is again', () => {
    const services = servicesOf(spec('up', { a: 3, b: 1 }))
    const before = services.get('up')!
    before.pick()
    services.update({})
    assert.equal(services.get('up'), null)
    services.update({ up: spec('up', { a: 3, b: 1 }) })
    assert.notEqual(services.get('up'), before)
    assert.equal(picks(services.get('up')!, 4), 'aaba')
  })

  it('let go of connections that nobody asks for any more, and of no others', () => {
    const services = servicesOf(spec('one', { a: 1, b: 1 }), spec('two', { b: 1 }))
    const retired: string[] = []
    for (const { url, pool } of services.get('one')!.instances) pool.retire = () => void retired.push(url)
    const { pool: shared } = services.get('two')!.instances[0]!
    services.update({ two: spec('two', { b: 1 }) })
    assert.deepEqual(retired, ['http://a:80'])
    assert.equal(services.get('two')!.instances[0]!.pool, shared)
    const asked = { ...spec('two', { b: 1 }), proxyProtocol: 'v2' } as const
    services.update({ two: asked })
    assert.deepEqual(retired, ['http://a:80', 'http://b:80'])
    assert.notEqual(services.get('two')!.instances[0]!.pool, shared)
  })

  it('pick by the new weights from the next pick on', () => {
    const services = servicesOf(spec('up', { a: 1, b: 1 }))
    const service = services.get('up')!
    services.update({ up: spec('up', { a: 4, b: 1 }) })
    assert.equal(picks(service, 5).split('a').length - 1, 4)
    services.update({ up: spec('up', { b: 1 }) })
    assert.equal(picks(service, 3), 'bbb')
  })
})
