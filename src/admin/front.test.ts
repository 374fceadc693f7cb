/** The admin front: what publishing answers when there is nothing to publish to, or nothing to keep it in. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { HeldClock } from '../../test/support/policy.ts'
import { GatewayRig } from '../../test/support/unit/gateway-rig.ts'
import { Deadlines } from '../wire/deadlines.ts'
import { Pools } from '../wire/pool.ts'
import { adminFront } from './front.ts'
import type { Publish } from './svix/publish.ts'

async function publishTo(t: TestContext, app: string, publish: Publish) {
  const rig = await GatewayRig.start(t, {})
  const deadlines = new Deadlines(new HeldClock())
  t.after(() => deadlines.close())
  const pools = new Pools(deadlines)
  rig.gateway.snapshot = adminFront({ url: 'http://127.0.0.1:9', token: 'secret', pools, publish, via: 'rig' })
  const { status, body } = await rig.ask(`POST /api/v1/app/${app}/msg`, ['Authorization: Bearer secret'], '{}')
  return { status, body: JSON.parse(body.toString()) }
}

test('an application whose name cannot be decoded is not there', async (t) => {
  for (const app of ['%FF', '%E4%B8']) {
    const { status, body } = await publishTo(t, app, () => assert.fail('nobody is asked'))
    assert.deepEqual([status, body.code], [404, 'not_found'], app)
  }
})

test('what the store cannot keep is answered in the API’s own shape, without the reason', async (t) => {
  const { status, body } = await publishTo(t, 'partner', () => Promise.reject(new Error('disk full')))
  assert.equal(status, 503)
  assert.deepEqual(body, { code: 'store_unavailable', detail: 'The message could not be stored. Try again.' })
})
