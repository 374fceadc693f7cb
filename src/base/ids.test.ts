/** ids: they sort by time, and no two are the same. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { idFloor, newId } from './ids.ts'

/** Until the year 8888. */
const moment = fc.integer({ min: 0, max: 62 ** 8 - 1 })

describe('newId', () => {
  it('is a prefix and 27 letters and digits', () => {
    fc.assert(
      fc.property(fc.constantFrom('msg_', 'ep_', ''), moment, (prefix, ms) => {
        const id = newId(prefix, ms)
        assert.ok(id.startsWith(prefix))
        assert.match(id.slice(prefix.length), /^[0-9A-Za-z]{27}$/)
      }),
    )
  })

  it('sorts by time as bytes do', () => {
    fc.assert(
      fc.property(fc.uniqueArray(moment, { minLength: 2 }), (moments) => {
        const ids = moments.map((ms) => ({ ms, id: newId('msg_', ms) }))
        const byId = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)))
        assert.deepEqual(
          byId,
          ids.toSorted((a, b) => a.ms - b.ms),
        )
      }),
    )
  })

  it('is never the same twice, not within a millisecond either', () => {
    const ids = new Set<string>()
    for (let i = 0; i < 50_000; i++) ids.add(newId('', 1_700_000_000_000 + (i % 3)))
    assert.equal(ids.size, 50_000)
  })

  it('sorts behind the floor of its time and before that of the next', () => {
    fc.assert(
      fc.property(moment, moment, (ms, other) => {
        const id = newId('msg_', ms)
        assert.equal(id > idFloor('msg_', other), ms >= other)
        assert.ok(id > idFloor('msg_', -1) && idFloor('msg_', Number.MAX_VALUE) > 'msg_y')
      }),
    )
  })

  it('uses every letter and digit about as often', () => {
    const counts = new Map<string, number>()
    for (let i = 0; i < 5_000; i++) {
      for (const c of newId('', 1).slice(8)) counts.set(c, (counts.get(c) ?? 0) + 1)
    }
    assert.equal(counts.size, 62)
    // 95 000 characters, 1 532 of each; a byte modulo 62 favours the first eight by a quarter.
    for (const [c, count] of counts) assert.ok(count > 1_200 && count < 2_300, `${c}: ${count}`)
  })
})
