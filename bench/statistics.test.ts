/** Medians, percentiles and ratios. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, medianRatio, percentile } from './statistics.ts'

test('median of odd, even and no values', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([10, 9, 1, 2]), 5.5)
  assert.ok(Number.isNaN(median([])))
})

test('percentile is the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  assert.equal(percentile(hundred, 50), 50)
  assert.equal(percentile(hundred, 99), 99)
  assert.equal(percentile([7], 99), 7)
  assert.ok(Number.isNaN(percentile([], 50)))
})

test('ratios are taken round by round', () => {
  // A machine that halves its speed in the second round changes no ratio.
  assert.equal(medianRatio([30, 60, 31], [20, 40, 20]), 1.5)
})
