/** reply: answers of our own. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PROBLEMS } from '../base/problem.ts'
import { json, refuse } from './reply.ts'

describe('reply', () => {
  it('refuses in words that programs and people read', () => {
    const { status, headers, body, code } = refuse(PROBLEMS.addressNotAllowed, 'Not from here.', ['X-One', '1'])
    assert.deepEqual([status, code], [403, 'address-not-allowed'])
    assert.deepEqual(headers, ['Content-Type', 'application/problem+json', 'X-One', '1'])
    assert.equal(JSON.parse(String(body)).detail, 'Not from here.')
    assert.deepEqual(refuse(PROBLEMS.addressNotAllowed).headers, ['Content-Type', 'application/problem+json'])
  })

  it('writes JSON', () => {
    assert.deepEqual(json(201, { a: 1 }, 'made'), {
      status: 201,
      headers: ['Content-Type', 'application/json'],
      body: '{"a":1}',
      code: 'made',
    })
  })
})
