/** gateway: what it counts of exchanges, refusals and connections that never made a request. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RawClient } from '../selftest/raw-client.ts'
import { GatewayRig, routeOf } from '../../test/support/unit/gateway-rig.ts'

describe('Gateway', () => {
  it('counts exchanges by route, those without a route as well', async (t) => {
    const rig = await GatewayRig.start(t, { routes: [routeOf('a', { path: '/a' }), routeOf('b', { path: '/b' })] })
    for (const path of ['/a', '/a', '/b', '/c', '/%2f']) await rig.ask(`GET ${path}`)
    const counts = [...rig.gateway.routeMetrics].map(([name, { count, byClass }]) => [name, count, byClass])
    assert.deepEqual(counts, [
      ['a', 2, [0, 0, 2, 0, 0, 0]],
      ['b', 1, [0, 0, 1, 0, 0, 0]],
      ['', 2, [0, 0, 0, 0, 2, 0]],
    ])
  })

  it('counts refused bytes by what was wrong with them, and not as exchanges', async (t) => {
    const rig = await GatewayRig.start(t, { routes: [] })
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', 'nonsense\n', '\0', 'GET / HTTP/1.1\r\n\r\n']) {
      const client = await RawClient.connect(rig.port)
      await client.send(bytes)
      assert.equal((await client.response()).status, 400)
      client.close()
    }
    assert.deepEqual(Object.fromEntries(rig.gateway.refusals), { 'invalid-host': 2, 'malformed-request': 2 })
    assert.equal(rig.gateway.routeMetrics.size, 0)
    assert.deepEqual(rig.finished, [])
  })

  it('measures durations by the clock it was given', async (t) => {
    const rig = await GatewayRig.start(t, {
      routes: [routeOf('slow', {}, { policies: ['waits'] })],
      types: [{ name: 'waits', stage: 'guard', create: () => ({ request: () => rig.clock.advance(1_500) }) }],
    })
    await rig.ask('GET /')
    assert.equal(rig.gateway.routeMetrics.get('slow')!.sumMs, 1_500)
  })
})
