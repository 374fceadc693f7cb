/** hand-over: what is stored is what was received, without what was meant for us alone. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { RawClient } from '../../selftest/raw-client.ts'
import { GatewayRig, policyType, routeOf } from '../../../test/support/unit/gateway-rig.ts'
import { PROBLEMS } from '../../base/problem.ts'
import type { TargetSpec } from '../../model/gateway.ts'
import type { Policy } from '../../pipeline/policy.ts'
import { type Reply, json, refuse } from '../../pipeline/reply.ts'
import type { TakenIn } from './hand-over.ts'

const TARGETS: readonly TargetSpec[] = [
  { kind: 'ingest', source: 'stripe' },
  { kind: 'durable', service: 'orders' },
  { kind: 'publish', event: 'a.b', to: 'app' },
]

/** A store that keeps what it is given and answers as it is told. */
function storing(reply: () => Promise<Reply> = () => Promise.resolve(json(202, { id: 'msg_1' }, 'stored'))) {
  const taken: TakenIn[] = []
  const store = (one: TakenIn) => {
    taken.push(one)
    return reply()
  }
  return { taken, store }
}

const durable = (rest: { policies?: readonly string[]; bodyBytesMax?: number } = {}) =>
  routeOf('orders', { path: '/orders/*' }, { target: TARGETS[1]!, ...rest })

/** What we say about the client ourselves. */
const OURS = [
  'X-Forwarded-For: 127.0.0.1',
  'X-Forwarded-Proto: http',
  'X-Forwarded-Host: a',
  'Forwarded: for=127.0.0.1;host="a";proto=http',
  'Via: 1.1 rig',
]

/** Name, value, name, value … as `Name: value`. */
function linesOf(headers: readonly string[]): string[] {
  return headers.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${headers[i + 1]!}`] : []))
}

describe('handOver', () => {
  for (const target of TARGETS) {
    it(`gives a request to ${target.kind} whole and answers what comes back`, async (t) => {
      const { taken, store } = storing()
      const rig = await GatewayRig.start(t, { routes: [routeOf('in', {}, { target })], store })
      const body = '{"a":"\\u00e9\r\n"}\n\0'
      const got = await rig.ask('POST /x/../y?q=%20', ['X-Two: 1', 'x-two: 2', 'Content-Type: a/b'], body)
      assert.deepEqual([got.status, got.body.toString()], [202, '{"id":"msg_1"}'])
      assert.equal(taken.length, 1)
      const { method, target: path, headers } = taken[0]!.received
      assert.deepEqual([method, path], ['POST', '/y?q=%20'])
      assert.deepEqual(linesOf(headers), [
        'Host: a',
        'X-Two: 1',
        'x-two: 2',
        'Content-Type: a/b',
        `Content-Length: ${body.length}`,
        ...OURS,
      ])
      assert.equal(Buffer.from(taken[0]!.body).toString('latin1'), body)
      assert.equal(taken[0]!.routeName, 'in')
      assert.deepEqual(rig.finished, [{ reason: 'stored', status: 202, route: 'in', tries: 0 }])
    })
  }

  it('keeps no line that was for this hop, and believes nobody about who they are', async (t) => {
    const { taken, store } = storing()
    const rig = await GatewayRig.start(t, { routes: [durable()], store })
    const client = await RawClient.connect(rig.port)
    const lines = [
      'Connection: X-Secret, keep-alive',
      'X-Secret: 1',
      'Keep-Alive: 5',
      'TE: trailers',
      'Trailer: X',
      'Upgrade: h2c',
      'Proxy-Authorization: b',
      'Transfer-Encoding: chunked',
      'Expect: 100-continue',
      'X_Under: 1',
      'X-Forwarded-For: 6.6.6.6',
      'X-Real-IP: 6.6.6.6',
      'Forwarded: for=6.6.6.6',
      'Authorization: kept',
      'Cookie: kept',
    ]
    await client.send(`POST /orders/1 HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\n\r\n2\r\nhi\r\n0\r\n\r\n`)
    assert.equal((await client.finalResponse()).status, 202)
    assert.deepEqual(linesOf(taken[0]!.received.headers), ['Host: a', 'Authorization: kept', 'Cookie: kept', ...OURS])
    assert.equal(Buffer.from(taken[0]!.body).toString(), 'hi')
    client.close()
  })

  it('lets policies edit what is stored, as they would what is sent', async (t) => {
    const { taken, store } = storing()
    const edits: Policy = {
      upstreamRequest: async (_x, out) => {
        out.set('X-Edited', 'yes')
        out.remove('content-length')
      },
    }
    const rig = await GatewayRig.start(t, {
      types: [policyType('edits', edits)],
      routes: [durable({ policies: ['edits'] })],
      store,
    })
    await rig.ask('POST /orders/1', [], 'hi')
    const { headers } = taken[0]!.received
    assert.equal(headers[headers.indexOf('X-Edited') + 1], 'yes')
    assert.ok(!headers.includes('Content-Length'))
  })

  it('stores nothing when a policy has the last word', async (t) => {
    const { taken, store } = storing()
    const refuses: Policy = { upstreamRequest: () => refuse(PROBLEMS.rateLimited) }
    const rig = await GatewayRig.start(t, {
      types: [policyType('refuses', refuses)],
      routes: [durable({ policies: ['refuses'] })],
      store,
    })
    assert.equal((await rig.ask('POST /orders/1', [], 'hi')).status, 429)
    assert.deepEqual(taken, [])
  })

  it('uses the body that a policy has read already', async (t) => {
    const { taken, store } = storing()
    const reads: Policy = { requestBody: { bytesMax: 10 }, request: () => {} }
    const rig = await GatewayRig.start(t, {
      types: [policyType('reads', reads)],
      routes: [durable({ policies: ['reads'] })],
      store,
    })
    assert.equal((await rig.ask('POST /orders/1', [], 'hi')).status, 202)
    assert.equal(Buffer.from(taken[0]!.body).toString(), 'hi')
  })

  it('stores nothing of a body above the route’s bound', async (t) => {
    const { taken, store } = storing()
    const rig = await GatewayRig.start(t, { routes: [durable({ bodyBytesMax: 3 })], store })
    assert.equal((await rig.ask('POST /orders/1', [], 'four')).status, 413)
    assert.equal((await rig.ask('POST /orders/1', [], 'two')).status, 202)
    assert.equal(taken.length, 1)
  })

  it('stores nothing of a body that never comes whole', async (t) => {
    const { taken, store } = storing()
    const rig = await GatewayRig.start(t, { routes: [durable()], store })
    const client = await RawClient.connect(rig.port)
    await client.send('POST /orders/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe')
    await turn()
    client.reset()
    await rig.untilFinished(1)
    await turn()
    assert.deepEqual(taken, [])
    assert.equal(rig.finished[0]!.reason, 'client-abort')
  })

  it('answers 500 and tells the log when the store throws', async (t) => {
    const { store } = storing(() => Promise.reject(new Error('disk on fire')))
    const rig = await GatewayRig.start(t, { routes: [durable()], store })
    const got = await rig.ask('POST /orders/1', [], 'hi')
    assert.equal(got.status, 500)
    assert.ok(!got.body.includes('fire'))
    assert.deepEqual(
      rig.logged.map((line) => line.level),
      ['error'],
    )
  })

  it('says nothing to a client that has gone while it was stored', async (t) => {
    const answers: (() => void)[] = []
    const { taken, store } = storing(
      () => new Promise((resolve) => answers.push(() => resolve(json(202, {}, 'stored')))),
    )
    const rig = await GatewayRig.start(t, { routes: [durable()], store })
    const client = await RawClient.connect(rig.port)
    await client.send('POST /orders/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi')
    while (taken.length === 0) await turn()
    client.reset()
    await rig.untilFinished(1)
    answers[0]!()
    await turn()
    assert.deepEqual(rig.finished, [{ reason: 'client-abort', status: 499, route: 'orders', tries: 0 }])
  })
})
