/** via: a request is known again by the name that was put into it, and by nothing that looks like it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exchange } from '../../test/support/policy.ts'
import { hasPassed } from './via.ts'

const headOf = (lines: readonly string[]) => exchange('GET', '/', lines).head

describe('hasPassed', () => {
  for (const value of ['1.1 us', '1.0 US', '1.1 a, HTTP/2 us (Postern), 1.1 b', '1.1 a,1.1\tus', '2 us'])
    it(`knows itself in ${value}`, () => assert.equal(hasPassed(headOf(['Via', value]), 'us'), true))

  for (const value of ['', '1.1 a', 'us', '1.1 us2', '1.1 a (us)', '1.1 a (1.1 us)', 'us 1.1'])
    it(`does not in ${value}`, () => assert.equal(hasPassed(headOf(['Via', value]), 'us'), false))

  it('looks at every line', () => {
    assert.equal(hasPassed(headOf(['Via', '1.1 a', 'X', 'y', 'via', '1.1 us']), 'us'), true)
  })
})
