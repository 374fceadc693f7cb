/** read-body: policies that ask for a whole body get it whole, or the client hears why not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { RawClient } from '../selftest/raw-client.ts'
import { GatewayRig, type Written, policyType, routeOf } from '../../test/support/unit/gateway-rig.ts'
import type { Policy } from '../pipeline/policy.ts'

/** A route with policies that note the bodies they are shown. */
function reading(bounds: readonly number[], bodyBytesMax = 0) {
  const bodies: string[] = []
  const types = bounds.map((bytesMax, i) => {
    const policy: Policy = {
      requestBody: { bytesMax },
      request: ({ requestBody }) => void bodies.push(Buffer.from(requestBody!).toString('latin1')),
    }
    return policyType(`reads-${i}`, policy)
  })
  const routes = [routeOf('all', {}, { policies: types.map((type) => type.name), bodyBytesMax })]
  return { bodies, written: { types, routes } satisfies Written }
}

const post = (framing: string) => `POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`
const chunked = post('Transfer-Encoding: chunked')

describe('a body that a policy asks for', () => {
  for (const [name, pieces, want] of [
    ['with a length', [`${post('Content-Length: 5')}he`, 'llo'], 'hello'],
    ['in chunks', [chunked, '2\r\nhe\r', '\n3;x\r\nllo\r\n0', '\r\n\r\n'], 'hello'],
    ['of no bytes', [post('Content-Length: 0')], ''],
    ['of none at all', ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'], ''],
    ['of no chunks', [chunked, '0\r\n\r\n'], ''],
  ] as const) {
    it(`is there whole: ${name}`, async (t) => {
      const { bodies, written } = reading([100, 200])
      const rig = await GatewayRig.start(t, written)
      const client = await RawClient.connect(rig.port)
      await client.send(...pieces)
      assert.equal((await client.response()).status, 200)
      assert.deepEqual(bodies, [want, want])
      client.close()
    })
  }

  for (const [name, bounds, bodyBytesMax, limit] of [
    ['of the policy', [10], 0, 10],
    ['of the policy that bears least', [20, 10, 30], 0, 10],
    ['of the route', [20], 10, 10],
    ['of the policy, below the route’s', [10], 20, 10],
  ] as const) {
    it(`is refused above the bound ${name}, before any of it is read`, async (t) => {
      const { bodies, written } = reading(bounds, bodyBytesMax)
      const rig = await GatewayRig.start(t, written)
      const client = await RawClient.connect(rig.port)
      await client.send(`${post(`Content-Length: ${limit + 1}`)}x`)
      const got = await client.response()
      assert.equal(got.status, 413)
      assert.equal(JSON.parse(got.body.toString()).detail, `The limit is ${limit} bytes.`)
      assert.equal((await client.closed()).rest, '')
      assert.deepEqual(bodies, [])
      client.close()
    })

    it(`is refused above the bound ${name}, as soon as its chunks pass it`, async (t) => {
      const { bodies, written } = reading(bounds, bodyBytesMax)
      const rig = await GatewayRig.start(t, written)
      const client = await RawClient.connect(rig.port)
      await client.send(`${chunked}${limit.toString(16)}\r\n${'x'.repeat(limit)}\r\n1\r\nx`)
      assert.equal((await client.response()).status, 413)
      assert.deepEqual(bodies, [])
      client.close()
    })
  }

  it('is not refused at the bound', async (t) => {
    const { bodies, written } = reading([10])
    const rig = await GatewayRig.start(t, written)
    assert.equal((await rig.ask('POST /', [], 'x'.repeat(10))).status, 200)
    assert.deepEqual(bodies, ['x'.repeat(10)])
  })

  it('is asked for, when the client waits to be asked', async (t) => {
    const { bodies, written } = reading([10])
    const rig = await GatewayRig.start(t, written)
    const client = await RawClient.connect(rig.port)
    await client.send(post('Content-Length: 2\r\nExpect: 100-continue'))
    assert.equal((await client.response()).status, 100)
    await client.send('hi')
    assert.equal((await client.response()).status, 200)
    assert.deepEqual(bodies, ['hi'])
    client.close()
  })

  it('is refused with 400 when its framing breaks', async (t) => {
    const { bodies, written } = reading([10])
    const rig = await GatewayRig.start(t, written)
    const client = await RawClient.connect(rig.port)
    await client.send(`${chunked}2\r\nhey`)
    const got = await client.response()
    assert.deepEqual([got.status, JSON.parse(got.body.toString()).code], [400, 'malformed-request'])
    assert.deepEqual(bodies, [])
    client.close()
  })

  it('that never comes whole ends the exchange once', async (t) => {
    const { written } = reading([10])
    const rig = await GatewayRig.start(t, written)
    const client = await RawClient.connect(rig.port)
    await client.send(`${post('Content-Length: 5')}he`)
    await turn()
    client.reset()
    await rig.untilFinished(1)
    await turn()
    assert.deepEqual(rig.finished, [{ reason: 'client-abort', status: 499, route: 'all', tries: 0 }])
  })

  it('too slow to come is refused with 408', async (t) => {
    const { written } = reading([10])
    const rig = await GatewayRig.start(t, written)
    const client = await RawClient.connect(rig.port)
    // The 100 says that the body is being read.
    await client.send(post('Content-Length: 5\r\nExpect: 100-continue'))
    assert.equal((await client.response()).status, 100)
    rig.clock.advance(60_100)
    const got = await client.response()
    assert.deepEqual([got.status, JSON.parse(got.body.toString()).code], [408, 'body-timeout'])
    client.close()
  })
})
