/** filter: what passes, what does not, what is no filter; and that no payload makes it throw. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { compileFilter } from './filter.ts'

const ORDER = {
  order: { id: 'o-1', total: 120, tags: ['new', 'eu'], paidAt: '2026-01-31', note: null },
  type: 'order.paid',
}

function passes(filter: unknown, payload: unknown = ORDER): boolean {
  const compiled = compileFilter(filter)
  assert.ok(typeof compiled === 'function', JSON.stringify(compiled))
  return compiled(payload)
}

describe('a filter', () => {
  for (const [filter, expected] of [
    [null, true],
    [{}, true],
    [{ type: 'order.paid' }, true],
    [{ type: 'order.sent' }, false],
    [{ order: { id: 'o-1', total: { $gte: 100, $lt: 200 } } }, true],
    [{ order: { total: { $gt: 120 } } }, false],
    [{ order: { total: { $lte: 120 } } }, true],
    [{ order: { total: { $gt: '1' } } }, false],
    [{ order: { paidAt: { $gt: '2026-01-01' } } }, true],
    [{ order: { note: null } }, true],
    [{ order: { note: { $exists: true } } }, true],
    [{ order: { gone: { $exists: false } } }, true],
    [{ order: { gone: null } }, false],
    [{ order: { id: { $in: ['o-1', 'o-2'] } } }, true],
    [{ order: { id: { $nin: ['o-1'] } } }, false],
    [{ order: { id: { $neq: 'o-2' } } }, true],
    [{ order: { tags: { $contains: 'eu' } } }, true],
    [{ order: { id: { $startsWith: 'o-' } } }, true],
    [{ order: { id: { $endsWith: '-2' } } }, false],
    [{ order: { id: { $contains: '-' } } }, true],
    [{ $or: [{ type: 'x' }, { order: { total: 120 } }] }, true],
    [{ $and: [{ type: 'order.paid' }, { $not: { order: { total: 120 } } }] }, false],
    [{ constructor: { name: 'Object' } }, false],
    [{ order: { tags: { 0: 'new' } } }, true],
  ] as const) {
    it(`${JSON.stringify(filter)} ${expected ? 'lets it through' : 'does not'}`, () => {
      assert.equal(passes(filter), expected)
    })
  }

  for (const [filter, path] of [
    ['order.paid', []],
    [[], []],
    [{ a: [1] }, ['a']],
    [{ a: { $regex: '^(a+)+$' } }, ['a', '$regex']],
    [{ a: { $in: 'x' } }, ['a', '$in']],
    [{ a: { $in: [] } }, ['a', '$in']],
    [{ a: { $in: [{}] } }, ['a', '$in', 0]],
    [{ a: { $gt: null } }, ['a', '$gt']],
    [{ a: { $exists: 1 } }, ['a', '$exists']],
    [{ $or: [{ b: { $eq: {} } }] }, ['$or', 0, 'b', '$eq']],
    [{ a: { $in: Array.from({ length: 101 }, (_, n) => n) } }, ['a', '$in']],
  ] as const) {
    it(`is not ${JSON.stringify(filter).slice(0, 60)}: it says where`, () => {
      const fault = compileFilter(filter)
      assert.ok(typeof fault !== 'function')
      assert.deepEqual(fault.path, path)
    })
  }

  it('has bounds of depth and size', () => {
    let deep: unknown = 1
    for (let n = 0; n < 20; n++) deep = { a: deep }
    assert.ok(typeof compileFilter(deep) !== 'function')
    const wide = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, n]))
    assert.ok(typeof compileFilter(wide) !== 'function')
  })

  it('never throws, and $not is the opposite, whatever the payload', () => {
    const filters = fc.constantFrom<unknown>(
      { a: { b: 1 } },
      { a: { $gt: 1 } },
      { a: { $contains: 'x' } },
      { $or: [{ a: 'x' }, { length: 1 }] },
      { a: { $startsWith: 'x' } },
    )
    fc.assert(
      fc.property(filters, fc.jsonValue(), (filter, payload) => {
        assert.equal(passes({ $not: filter }, payload), !passes(filter, payload))
      }),
    )
  })
})
