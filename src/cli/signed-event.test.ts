/** Tests that every provider's events are verified by the engine that receives them, with the type and id they were given. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prepareKeys } from '../signatures/keys.ts'
import { github } from '../signatures/providers/github.ts'
import { PROVIDERS } from '../signatures/providers/index.ts'
import { plainRequest } from '../signatures/request.ts'
import { verify } from '../signatures/verify.ts'
import { signedEvent } from './signed-event.ts'

const NOW_MS = Date.UTC(2026, 0, 31)
/** Text, hex and base64 at once. */
const SECRET = 'abcdef0123456789abcdef0123456789'

for (const scheme of PROVIDERS) {
  test(`${scheme.id}: type and id arrive`, () => {
    const { headers, body } = signedEvent(scheme, SECRET, { eventType: 'paid', id: 'evt_1', timestampMs: NOW_MS })
    const verdict = verify(scheme, plainRequest(headers, body), prepareKeys(scheme, [SECRET]), NOW_MS)
    assert.deepEqual(verdict, { ok: true, keyIndex: 0, eventId: 'evt_1', eventType: 'paid' })
  })
}

test('a body of one’s own is sent as it is', () => {
  const body = Buffer.from(' {"type" : "mine"}\n')
  assert.equal(signedEvent(github, SECRET, { eventType: 'push', id: '1', body, timestampMs: NOW_MS }).body, body)
})

test('an action follows the event where the provider has actions', () => {
  const event = { eventType: 'issues.opened', id: '1', timestampMs: NOW_MS }
  const { headers, body } = signedEvent(github, SECRET, event)
  assert.equal(headers['x-github-event'], 'issues')
  const verdict = verify(github, plainRequest(headers, body), prepareKeys(github, [SECRET]), NOW_MS)
  assert.equal(verdict.ok && verdict.eventType, 'issues.opened')
})
