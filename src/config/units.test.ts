/** Durations and sizes: every unit, and what only looks like one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DURATION_MS_MAX, parseDuration, parseSize } from './units.ts'

test('durations', () => {
  const known = { '0': 0, '0s': 0, '500ms': 500, '5s': 5000, '1m': 60_000, '2h': 7_200_000, '1d': 86_400_000 }
  for (const [text, ms] of Object.entries(known)) assert.equal(parseDuration(text), ms, text)
  assert.equal(parseDuration(`${DURATION_MS_MAX}ms`), DURATION_MS_MAX)
  for (const text of ['', '5', '5 s', '-5s', '1.5s', '5S', '1h30m', '25d', '99999999999999999999s', '5s\n'])
    assert.equal(parseDuration(text), undefined, JSON.stringify(text))
})

test('sizes', () => {
  const known = {
    '0': 0,
    '512': 512,
    '512B': 512,
    '10kB': 10_000,
    '10KB': 10_000,
    '10KiB': 10_240,
    '1MB': 1e6,
    '1GiB': 2 ** 30,
  }
  for (const [text, bytes] of Object.entries(known)) assert.equal(parseSize(text), bytes, text)
  for (const text of ['', '10M', '10mb', '10 KiB', '-1', '1.5MB', '1e3', '99999999999GiB'])
    assert.equal(parseSize(text), undefined, text)
})
