/** Which event it is: read after verification, from headers and from bodies of every kind. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { identifyEvent } from './event.ts'
import { prepareKeys } from './keys.ts'
import { github } from './providers/github.ts'
import { stripe } from './providers/stripe.ts'
import { plainRequest, type SignedRequest } from './request.ts'
import type { Scheme } from './scheme.ts'
import { verify } from './verify.ts'

const NONE = { eventId: null, eventType: null }

const of = (body: string | Uint8Array) => identifyEvent(stripe, plainRequest({}, body))
const githubType = (headers: Record<string, string>, body: string) =>
  identifyEvent(github, plainRequest(headers, body)).eventType

describe('identifyEvent', () => {
  it('reads text from the JSON body', () => {
    assert.deepEqual(of('{"id":"evt_1","type":"a.b"}'), { eventId: 'evt_1', eventType: 'a.b' })
    assert.deepEqual(of('\ufeff{"id":"evt_1","type":"a.b"}\r\n'), { eventId: 'evt_1', eventType: 'a.b' })
  })

  it('gives nulls for what is not there, not text, or not JSON', () => {
    for (const body of ['', '{', 'payload=%7B%7D', 'null', '"id"', '[]', '{"id":1,"type":{}}', '{"id":"","type":null}'])
      assert.deepEqual(of(body), NONE, body)
    assert.deepEqual(of(Buffer.from('{"id":"\xff","type":"not UTF-8"}', 'latin1')), NONE)
    assert.deepEqual(of('['.repeat(100_000)), NONE)
  })

  it('follows a path, tries the fields in turn, and never reads what an object inherits', () => {
    const scheme: Scheme = {
      ...stripe,
      eventId: [
        { from: 'header', name: 'x-id' },
        { from: 'body', name: 'data.id' },
      ],
      eventType: [{ from: 'body', name: 'constructor.name' }],
    }
    const eventId = (headers: Record<string, string | string[]>) =>
      identifyEvent(scheme, plainRequest(headers, '{"data":{"id":"deep"}}')).eventId
    assert.equal(eventId({ 'x-id': 'first' }), 'first')
    assert.equal(eventId({}), 'deep')
    assert.equal(eventId({ 'x-id': '' }), 'deep')
    assert.equal(eventId({ 'x-id': ['one', 'two'] }), 'deep')
    assert.equal(identifyEvent(scheme, plainRequest({}, '{"data":{"id":"deep"}}')).eventType, null)
  })

  it('joins an action to the type only when both are there', () => {
    assert.equal(githubType({ 'x-github-event': 'issues' }, '{"action":"opened"}'), 'issues.opened')
    assert.equal(githubType({ 'x-github-event': 'push' }, '{"ref":"refs/heads/main"}'), 'push')
    assert.equal(githubType({ 'x-github-event': 'push' }, 'payload=%7B%22action%22%3A%22x%22%7D'), 'push')
    assert.equal(githubType({}, '{"action":"opened"}'), null)
  })

  it('is not asked before the signature has matched', () => {
    const asked: string[] = []
    const watched: SignedRequest = {
      header: (name) => {
        asked.push(name)
        return ['sha256=00']
      },
      body: Buffer.from('{}'),
    }
    assert.deepEqual(verify(github, watched, prepareKeys(github, ['secret']), 0), { ok: false, reason: 'mismatch' })
    assert.deepEqual(asked, ['x-hub-signature-256'])
  })
})
