/** Conformance: tokens open as long as they are said to, and answers are remembered as long as they are said to. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AccessToken } from '../../model/access.ts'
import { StoreConflict } from '../port.ts'
import { START, newConsumer, openFresh } from './subject.ts'
import type { Subject } from './subject.ts'

export function accessConforms(subject: Subject): void {
  describe('tokens', () => {
    test('are found until they expire, end by session or all together, and go with their consumer', async (t) => {
      const store = (await openFresh(subject, t)).client()
      const [one, other] = [newConsumer(), newConsumer()]
      for (const consumer of [one, other]) await store.putConsumer(consumer)
      const make = async (digest: string, fields: Partial<AccessToken> = {}) => {
        const times = { createdAt: START, expiresAt: START + 100 }
        const token = { digest, consumerId: one.id, sessionId: null, capabilities: [], ...times, ...fields }
        await store.putToken(token)
        return token
      }
      const token = await make('a', { sessionId: 's', capabilities: ['view', 'create-attempts'] })
      assert.deepEqual(await store.getToken('a', START + 99), token)
      assert.equal(await store.getToken('a', START + 100), null)
      assert.equal(await store.getToken('none', START), null)
      await assert.rejects(make('x', { consumerId: 'app_none' }), StoreConflict)

      for (const digest of ['b', 'c']) await make(digest, { sessionId: digest })
      await make('d', { consumerId: other.id, sessionId: 'b' })
      assert.equal(await store.expireTokens(one.id, ['b', 'c', 'z'], START + 50), 2)
      assert.equal(await store.expireTokens(one.id, ['b'], START + 60), 0, 'never later than it was')
      const left = async (nowMs: number) => {
        const found = await Promise.all(['a', 'b', 'c', 'd'].map((digest) => store.getToken(digest, nowMs)))
        return found.flatMap((one) => one?.digest ?? [])
      }
      assert.deepEqual(await left(START + 50), ['a', 'd'])
      assert.equal(await store.deleteToken('a'), true)
      assert.equal(await store.deleteToken('a'), false)
      assert.equal(await store.expireTokens(other.id, null, START + 1), 1)
      assert.deepEqual(await left(START), ['b', 'c', 'd'])
      await store.deleteConsumer(one.id)
      assert.deepEqual(await left(START), ['d'])
      await make('e', { consumerId: other.id, createdAt: START + 1 })
      assert.deepEqual(await left(START), [], 'what has expired is forgotten')
    })
  })

  test('the first answer to a request is kept, until it is too old', async (t) => {
    const store = (await openFresh(subject, t)).client()
    const answer = { key: 'k', request: 'r', status: 201, body: '{"é":1}', createdAt: START }
    await store.keepAnswer(answer, START)
    await store.keepAnswer({ ...answer, body: '{}' }, START)
    assert.deepEqual(await store.getAnswer('k', START), answer)
    assert.equal(await store.getAnswer('other', START), null)
    assert.equal(await store.getAnswer('k', START + 1), null)
    await store.keepAnswer({ ...answer, key: 'new', createdAt: START + 9 }, START + 1)
    assert.equal(await store.getAnswer('k', 0), null)
  })
}
