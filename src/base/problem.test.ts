/** problem: the catalogue is stable and its bodies are what RFC 9457 asks for. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PROBLEMS, problemBody } from './problem.ts'

describe('the catalogue', () => {
  it('has a code for each problem, all different, and a sentence', () => {
    const problems = Object.entries(PROBLEMS)
    assert.equal(new Set(problems.map(([, { code }]) => code)).size, problems.length)
    for (const [name, { code, status, title }] of problems) {
      assert.equal(
        code.replace(/-(\w)/g, (_, c: string) => c.toUpperCase()),
        name,
      )
      assert.ok(status >= 400 && status < 600)
      assert.match(title, /^[A-Z].*\.$/)
    }
  })
})

describe('problemBody', () => {
  it('says type, title, status and code', () => {
    assert.deepEqual(JSON.parse(problemBody(PROBLEMS.rateLimited)), {
      type: 'urn:postern:problem:rate-limited',
      title: 'Too many requests.',
      status: 429,
      code: 'rate-limited',
    })
  })

  it('carries a detail and whatever else there is to say', () => {
    const body = JSON.parse(problemBody(PROBLEMS.configInvalid, 'a "quoted"\n detail', { issues: [1] }))
    assert.deepEqual([body.detail, body.issues, body.status], ['a "quoted"\n detail', [1], 422])
  })
})
