/** deliver: what an attempt sends, and the settlement of every way it can end. */
import assert from 'node:assert/strict'
import { type TestContext, describe, it } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { valuesOf, written } from '../selftest/raw-message.ts'
import { EVENT, PostRig, TIMEOUT_MS, respond } from '../../test/support/unit/post-rig.ts'
import type { Message } from '../model/webhook.ts'
import { newEndpoint } from '../store/conformance/subject.ts'
import type { ClaimedDelivery, Settlement } from '../store/port.ts'
import { deliver } from './deliver.ts'
import { serviceEndpointId } from './directory.ts'
import { USUAL_TLS } from '../wire/upstream-tls.ts'

function claimed(endpointId: string, fields: Partial<Message> = {}, attempts = 0): ClaimedDelivery {
  const details = { tags: null, deliverAt: null, expiresAt: null, expunged: false }
  const message: Message = { ...EVENT, ...details, id: 'msg_1', createdAt: 1_700_000_000_000, ...fields }
  return {
    delivery: { id: 'dlv_1', messageId: message.id, endpointId, state: 'delivering', attempts, nextAt: null },
    message,
    before: { state: 'pending', nextAt: 1_700_000_000_000 },
  }
}

/** Delivers, and checks that it says so once. */
async function attempt(
  rig: PostRig,
  one: ClaimedDelivery,
  trigger: 'scheduled' | 'manual' = 'scheduled',
): Promise<Settlement> {
  const settlements: Settlement[] = []
  const settlement = await new Promise<Settlement>((resolve) => {
    deliver(one, trigger, rig.deliverDeps(), (end) => {
      settlements.push(end)
      resolve(end)
    })
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(settlements.length, 1)
  return settlement
}

/** A service `orders` of one instance: the receiver. */
function withService(rig: PostRig): void {
  const timeouts = { connectMs: 0, firstByteMs: 0, idleMs: 0, streamMs: 0, totalMs: 0 }
  rig.services.update({
    orders: {
      name: 'orders',
      protocol: 'http/1.1',
      tls: USUAL_TLS,
      proxyProtocol: null,
      instances: [{ url: rig.receiver.url, weight: 1 }],
      timeouts,
    },
  })
}

async function rigWith(t: TestContext, ...args: Parameters<PostRig['endpoint']>): Promise<PostRig> {
  const rig = await PostRig.start(t)
  await rig.endpoint(...args)
  return rig
}

describe('an attempt to an endpoint', () => {
  it('is a signed POST of the payload, byte for byte', async (t) => {
    const rig = await rigWith(t, 'ep')
    const payload = Buffer.from('{"a":"é\\u00e9",\r\n "n":12345678901234567890}\n\n')
    const { attempt: made, state } = await attempt(rig, claimed('ep', { payload }))
    assert.equal(state, 'delivered')
    const [request] = rig.requestsTo('ep')
    assert.equal(request!.start, 'POST /ep HTTP/1.1')
    assert.ok(request!.body.equals(payload))
    const headers = Object.fromEntries(request!.lines.map(([name, value]) => [name.toLowerCase(), value]))
    assert.deepEqual(Object.keys(headers).toSorted(), [
      'content-length',
      'content-type',
      'host',
      'user-agent',
      'webhook-id',
      'webhook-signature',
      'webhook-timestamp',
    ])
    assert.equal(headers['host'], `127.0.0.1:${rig.receiver.port}`)
    assert.equal(headers['webhook-timestamp'], String(Math.floor(rig.clock.now() / 1_000)))
    const signed = new Webhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw').sign(
      'msg_1',
      new Date(rig.clock.now()),
      payload.toString(),
    )
    assert.equal(headers['webhook-signature'], signed)
    const { id, ...rest } = made
    assert.match(id, /^atmpt_/)
    assert.deepEqual(rest, {
      deliveryId: 'dlv_1',
      messageId: 'msg_1',
      endpointId: 'ep',
      url: `${rig.receiver.url}/ep`,
      status: 204,
      ok: true,
      failure: null,
      response: '',
      latencyMs: 0,
      trigger: 'scheduled',
      startedAt: rig.clock.now(),
    })
  })

  it('brings the endpoint’s own headers, which outweigh ours', async (t) => {
    const rig = await rigWith(t, 'ep', 204, { headers: { 'X-Team': 'blue', 'user-AGENT': 'Shop/1' } })
    await attempt(rig, claimed('ep'))
    const [request] = rig.requestsTo('ep')
    assert.deepEqual([valuesOf(request!, 'x-team'), valuesOf(request!, 'user-agent')], [['blue'], ['Shop/1']])
  })

  it('keeps path and query of the URL', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep', 204, { url: `${rig.receiver.url}/a/b?c=d%20e#f` })
    await attempt(rig, claimed('ep'))
    assert.equal(rig.receiver.requests[0]!.target, '/a/b?c=d%20e')
  })

  it('keeps the first kilobytes of the answer, and how long it took', async (t) => {
    const rig = await rigWith(t, 'ep', (request) => {
      rig.clock.advance(321)
      respond(request, 500, 'Retry-After: 1\r\n', 'x'.repeat(10_000))
    })
    const { attempt: made, state, nextAt } = await attempt(rig, claimed('ep'), 'manual')
    assert.deepEqual([made.response, made.latencyMs, made.trigger], ['x'.repeat(4_096), 321, 'manual'])
    assert.deepEqual([made.status, made.failure, state, nextAt], [500, 'status', 'pending', 1_700_000_000_000])
  })

  it('takes Retry-After of 429 to heart', async (t) => {
    const rig = await rigWith(t, 'ep', (request) => respond(request, 429, 'Retry-After: 3600\r\n'))
    assert.equal((await attempt(rig, claimed('ep'))).nextAt, rig.clock.now() + 3_600_000)
  })

  it('does not follow a redirect', async (t) => {
    const rig = await rigWith(t, 'ep', (request) =>
      respond(request, 302, `Location: ${rig.receiver.url}/elsewhere\r\n`),
    )
    const { attempt: made, state } = await attempt(rig, claimed('ep'))
    assert.deepEqual([made.status, made.failure, state], [302, 'redirect', 'pending'])
    assert.equal(rig.receiver.requests.length, 1)
  })

  it('is the last when the schedule is used up', async (t) => {
    const rig = await rigWith(t, 'ep', 500)
    const { state, nextAt } = await attempt(rig, claimed('ep', {}, 2))
    assert.deepEqual([state, nextAt], ['exhausted', null])
  })

  it('ends when its time is over, whatever it waits for', async (t) => {
    const rig = await rigWith(t, 'ep', ({ connection }) => connection.socket.write('HTTP/1.1 200 OK\r\nX: '))
    const ending = attempt(rig, claimed('ep'))
    await rig.untilRequests('ep', 1)
    rig.clock.advance(TIMEOUT_MS)
    const { attempt: made, state } = await ending
    assert.deepEqual([made.status, made.failure, state], [0, 'total-timeout', 'pending'])
    assert.ok(made.latencyMs >= TIMEOUT_MS)
  })
})

describe('an attempt that sends nothing', () => {
  it('of a message whose payload is gone is the last, and says so', async (t) => {
    const rig = await rigWith(t, 'ep', 204)
    const gone = claimed('ep', { payload: new Uint8Array(0), expunged: true })
    for (const trigger of ['scheduled', 'manual'] as const) {
      const { attempt: made, state } = await attempt(rig, gone, trigger)
      assert.deepEqual([state, made.failure, made.status], ['cancelled', 'payload-expunged', 0])
    }
  })

  for (const [name, endpointId, fields, trigger, want] of [
    ['to an endpoint that is deleted', 'ep_gone', {}, 'scheduled', ['cancelled', 'endpoint-deleted', false]],
    ['to one that is deleted, by hand', 'ep_gone', {}, 'manual', ['cancelled', 'endpoint-deleted', false]],
    ['to an endpoint that is disabled', 'ep', { disabled: true }, 'scheduled', ['held', 'endpoint-disabled', false]],
    [
      'to a service that is not there',
      serviceEndpointId('none', '/'),
      {},
      'scheduled',
      ['pending', 'no-service', true],
    ],
    [
      'with a header that cannot be written',
      'ep',
      { headers: { X: 'a\r\nEvil: b' } },
      'scheduled',
      ['pending', 'unsendable', true],
    ],
  ] as const) {
    it(`${name} says ${want[1]}`, async (t) => {
      const rig = await rigWith(t, 'ep', 204, fields)
      const { attempt: made, state, nextAt } = await attempt(rig, claimed(endpointId), trigger)
      assert.deepEqual([state, made.failure, nextAt !== null], want)
      assert.deepEqual([made.status, made.ok, made.response], [0, false, ''])
      assert.equal(rig.receiver.connections.length, 0)
    })
  }

  for (const [name, url] of [
    ['an address that is not public', 'http://127.0.0.1:PORT/'],
    ['the same in another notation', 'http://[::ffff:7f00:1]:PORT/'],
    ['a name that means it', 'http://localhost:PORT/'],
  ] as const) {
    it(`to ${name} is over at once, and connects to nobody`, async (t) => {
      const rig = await PostRig.start(t)
      rig.guard.update([])
      await rig.endpoint('ep', 204, { url: url.replace('PORT', String(rig.receiver.port)) })
      const { attempt: made, state } = await attempt(rig, claimed('ep'))
      assert.deepEqual([state, made.failure, made.response], ['exhausted', 'blocked-address', ''])
      assert.equal(rig.receiver.connections.length, 0)
    })
  }

  it('to a port where nobody listens is tried again', async (t) => {
    const rig = await PostRig.start(t)
    const { url } = rig.receiver
    await rig.receiver.close()
    await rig.put(newEndpoint({ id: 'ep', url }))
    const { attempt: made, state } = await attempt(rig, claimed('ep'))
    assert.deepEqual([state, made.failure, made.status], ['pending', 'connect-refused', 0])
  })
})

describe('an attempt to a service', () => {
  const received = {
    method: 'PUT',
    target: '/orders/import?dry=1',
    headers: ['Host', 'shop.example', 'Content-Type', 'text/csv', 'X-One', '1', 'x-one', '2', 'Content-Length', '999'],
  }

  it('is what was received, at the path it was received at', async (t) => {
    const rig = await PostRig.start(t)
    withService(rig)
    const payload = Buffer.from([0, 13, 10, 255])
    const { attempt: made } = await attempt(rig, claimed(serviceEndpointId('orders', ''), { received, payload }, 4))
    assert.equal(made.url, `${rig.receiver.url}/orders/import?dry=1`)
    const [request] = rig.receiver.requests
    assert.equal(request!.start, 'PUT /orders/import?dry=1 HTTP/1.1')
    assert.ok(request!.body.equals(payload))
    assert.deepEqual(written(request!.lines), [
      'Host: shop.example',
      'Content-Type: text/csv',
      'X-One: 1',
      'x-one: 2',
      'Content-Length: 4',
      'Postern-Message-Id: msg_1',
      'Postern-Attempt: 5',
    ])
  })

  it('is a POST to the path that is configured', async (t) => {
    const rig = await PostRig.start(t)
    withService(rig)
    await attempt(rig, claimed(serviceEndpointId('orders', '/events?x'), { received }))
    assert.equal(rig.receiver.requests[0]!.start, 'POST /events?x HTTP/1.1')
  })

  it('is not kept from a private address: the operator named it', async (t) => {
    const rig = await PostRig.start(t)
    rig.guard.update([])
    withService(rig)
    assert.equal((await attempt(rig, claimed(serviceEndpointId('orders', '/')))).state, 'delivered')
    assert.deepEqual(valuesOf(rig.receiver.requests[0]!, 'content-type'), ['application/json'])
  })

  it('goes to the service as it is now, when it is there again', async (t) => {
    const rig = await PostRig.start(t)
    rig.engine.dispatcher.start()
    const id = serviceEndpointId('orders', '/')
    const message = await rig.send([id])
    await rig.untilState(message, id, 'pending')
    withService(rig)
    rig.clock.advance(10_000)
    rig.engine.dispatcher.wake()
    await rig.untilState(message, id, 'delivered')
    assert.equal(rig.receiver.requests.length, 1)
  })
})
