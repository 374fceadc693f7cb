/** compile: policies as written become the order they act in. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { policyDeps } from '../../test/support/policy.ts'
import { type WrittenPolicy, compilePipeline } from './compile.ts'
import { type Policy, type PolicyType, definePolicy } from './policy.ts'
import { STAGES, type Stage } from './stages.ts'

/** A policy of this name at this stage, as written. */
function written(name: string, stage: Stage, policy: Policy = {}, scope: 'global' | 'route' = 'route'): WrittenPolicy {
  const type: PolicyType<unknown> = definePolicy({ name, stage, create: () => policy })
  return { type, config: null, scope }
}

const compile = (policies: readonly WrittenPolicy[]) => compilePipeline(policies, 'cart', () => policyDeps())
const acts: Policy = { request() {}, upstreamRequest() {}, response() {}, finish() {} }

describe('compilePipeline', () => {
  it('orders by stage, then as written; answers run it backwards', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STAGES), { maxLength: 12 }), (stages) => {
        const policies = stages.map((stage, i) => written(String(i), stage, { ...acts }))
        const { order, request, upstreamRequest, response, finish } = compile(policies)
        const places = order.map(({ name, stage }) => STAGES.indexOf(stage) * 100 + Number(name))
        assert.deepEqual(
          places,
          places.toSorted((a, b) => a - b),
        )
        assert.equal(order.length, stages.length)
        if (stages.length === 0)
          return assert.deepEqual([request, upstreamRequest, response, finish], Array(4).fill(null))
        const all = order.map((one) => one.policy)
        assert.deepEqual(
          request!.map((step) => step.policy),
          all,
        )
        assert.deepEqual(
          request!.map((step) => step.place),
          [...all.keys()],
        )
        assert.deepEqual(response, request!.toReversed())
        assert.deepEqual([upstreamRequest, finish], [all, all])
      }),
    )
  })

  it('lists a policy at the moments it acts in and no others', () => {
    const { order, request, upstreamRequest, response, finish } = compile([
      written('asks', 'guard', { request() {} }),
      written('answers', 'transform', { response() {} }),
      written('nothing', 'cache'),
    ])
    assert.deepEqual(
      order.map((one) => one.name),
      ['asks', 'answers', 'nothing'],
    )
    assert.deepEqual([request!.length, response!.length], [1, 1])
    assert.equal(response![0]!.place, 1)
    assert.deepEqual([upstreamRequest, finish], [null, null])
  })

  for (const [bounds, max] of [
    [[], 0],
    [[null], 0],
    [[10], 10],
    [[10, null, 5, 20], 5],
  ] as const) {
    it(`takes ${max} as the bound of bodies for needs of ${JSON.stringify(bounds)}`, () => {
      const needs = bounds.map((bytesMax) => (bytesMax === null ? null : { bytesMax }))
      const asked = compile(needs.map((need) => written('p', 'guard', need === null ? {} : { requestBody: need })))
      assert.deepEqual([asked.requestBodyMax, asked.responseBodyMax], [max, 0])
      const answered = compile(needs.map((need) => written('p', 'guard', need === null ? {} : { responseBody: need })))
      assert.deepEqual([answered.requestBodyMax, answered.responseBodyMax], [0, max])
    })
  }

  it('makes each policy with its own configuration, at a place that is the same at the next compiling', () => {
    const made: { config: unknown; place: string }[] = []
    const type: PolicyType<unknown> = definePolicy({
      name: 'limit',
      stage: 'limit',
      create(config, { place }) {
        made.push({ config, place })
        return {}
      },
    })
    const uses: WrittenPolicy[] = [
      { type, config: 'a', scope: 'global' },
      { type, config: 'b', scope: 'route' },
      { type, config: 'c', scope: 'route' },
    ]
    const again = () => compilePipeline(uses, 'cart', (place) => ({ ...policyDeps(), place }))
    again()
    const first = made.splice(0)
    again()
    assert.deepEqual(made, first)
    assert.deepEqual(
      first.map((one) => one.config),
      ['a', 'b', 'c'],
    )
    assert.equal(new Set(first.map((one) => one.place)).size, 3)
    // A global policy's place does not name the route: its counters are shared by all.
    assert.doesNotMatch(first[0]!.place, /cart/)
    assert.match(first[1]!.place, /cart/)
  })

  it('keeps a policy’s place when others come before it, in its own list or the other', () => {
    const type = (name: string): PolicyType<unknown> => definePolicy({ name, stage: 'limit', create: () => ({}) })
    const placesOf = (...uses: readonly (readonly [name: string, scope: WrittenPolicy['scope']])[]) => {
      const places: string[] = []
      const written = uses.map(([name, scope]) => ({ type: type(name), config: null, scope }))
      compilePipeline(written, 'cart', (place) => {
        places.push(place)
        return policyDeps()
      })
      return places
    }
    assert.deepEqual(placesOf(['limit', 'route']), ['route/cart/0/limit'])
    assert.deepEqual(placesOf(['limit', 'global'], ['other', 'route'], ['limit', 'route'], ['limit', 'route']), [
      'global/0/limit',
      'route/cart/0/other',
      'route/cart/0/limit',
      'route/cart/1/limit',
    ])
  })
})
