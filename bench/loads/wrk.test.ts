/** What the load tool says is read right. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSummary } from './wrk.ts'

test('the summary is found among what wrk prints itself', () => {
  const summary = { requests: 10, seconds: 1.5, p50Ms: 1.2, p99Ms: 3.4, refused: 1, broken: 2 }
  assert.deepEqual(parseSummary(`Running 2s test\nsummary ${JSON.stringify(summary)}\n`), summary)
})

test('no summary is an error that shows what wrk said', () => {
  assert.throws(() => parseSummary('unable to connect'), /unable to connect/)
})
