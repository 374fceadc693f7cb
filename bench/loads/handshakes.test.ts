/** What openssl s_time says is read right. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHandshakes } from './handshakes.ts'

test('the count of the whole time is taken, not that of CPU time', () => {
  const output = '***\n\n812 connections in 0.35s; 2320.00 connections/user sec, bytes read 0\n'
  assert.equal(parseHandshakes(`${output}812 connections in 3 real seconds, 0 bytes read per connection\n`), 812)
})

test('no count is an error that shows what was said', () => {
  assert.throws(() => parseHandshakes('connect: Connection refused'), /refused/)
})
