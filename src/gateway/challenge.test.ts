/** challenge: live tokens are answered, everything else is the routes'. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { challengeReply } from './challenge.ts'

const tokens = new Map([['t0k-en', 't0k-en.thumbprint']])
const reply = (method: string, path: string) => challengeReply(tokens, method, path)

test('a live token is answered with its text', () => {
  const answered = reply('GET', '/.well-known/acme-challenge/t0k-en')!
  assert.deepEqual([answered.status, answered.body, answered.code], [200, 't0k-en.thumbprint', 'acme-challenge'])
  assert.ok(reply('HEAD', '/.well-known/acme-challenge/t0k-en'))
})

test('everything else is not', () => {
  assert.equal(reply('GET', '/.well-known/acme-challenge/'), null)
  assert.equal(reply('GET', '/.well-known/acme-challenge/t0k-en/'), null)
  assert.equal(reply('GET', '/.well-known/acme-challenge/other'), null)
  assert.equal(reply('GET', '/t0k-en'), null)
  assert.equal(reply('POST', '/.well-known/acme-challenge/t0k-en'), null)
})
