/** Conformance: what is kept of endpoints that fail. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { START, newConsumer, newEndpoint, openFresh } from './subject.ts'
import type { Subject } from './subject.ts'

export function healthConforms(subject: Subject): void {
  describe('health', () => {
    test('disables an endpoint without a word about the rest of it', async (t) => {
      const store = (await openFresh(subject, t)).client()
      await store.putConsumer(newConsumer({ id: 'app_1' }))
      const endpoint = newEndpoint({ id: 'ep_1', description: 'as somebody has just written' })
      await store.putEndpoint(endpoint)
      assert.equal(await store.disableEndpoint('app_1', 'ep_1', START + 7), true)
      assert.deepEqual(await store.getEndpoint('app_1', 'ep_1'), { ...endpoint, disabled: true, updatedAt: START + 7 })
      assert.equal(await store.disableEndpoint('app_1', 'ep_1', START + 8), false)
      assert.equal(await store.disableEndpoint('app_2', 'ep_1', START + 8), false)
    })

    test('is kept of endpoints that fail, until they are well or gone', async (t) => {
      const store = (await openFresh(subject, t)).client()
      await store.putConsumer(newConsumer({ id: 'app_1' }))
      for (const id of ['ep_1', 'ep_2']) await store.putEndpoint(newEndpoint({ id }))
      assert.deepEqual(await store.allHealth(), [])
      const [one, two] = ['ep_1', 'ep_2'].map((endpointId) => ({ endpointId, failingSince: START, warned: 0 }))
      for (const health of [one!, two!, { ...two!, warned: 2 }]) await store.putHealth(health)
      assert.deepEqual(await store.allHealth(), [one, { ...two, warned: 2 }])
      await store.deleteHealth('ep_1')
      await store.deleteHealth('ep_1')
      assert.equal((await store.allHealth()).length, 1)
      await store.deleteEndpoint('app_1', 'ep_2')
      await store.putHealth(two!)
      assert.deepEqual(await store.allHealth(), [])
    })
  })
}
