/** emit: what it does, by example. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../pipeline/reply.ts'
import type { ResponseView } from '../../pipeline/response.ts'
import {
  type HeldDeps,
  answer,
  configError,
  createPolicy,
  exchange,
  onResponse,
  policyDeps,
  sentUpstream,
  values,
} from '../../../test/support/policy.ts'
import { emit } from './emit.ts'

const ADDED = { event: 'cart.item_added' }

/** What the events of these deps say. */
const events = (deps: HeldDeps): unknown[] =>
  deps.emissions.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()))

/** Lets an answer to `POST /cart/add?coupon=X` pass. */
async function pass(
  config: object,
  res: ResponseView,
  deps = policyDeps(),
): Promise<{ reply: Reply | null; deps: HeldDeps }> {
  const x = exchange('POST', '/cart/add?coupon=X')
  x.consumer = { name: 'mobile-app' }
  x.requestId = 'req_1'
  x.params = { cart: '7' }
  return { reply: await onResponse(createPolicy(emit, { ...ADDED, ...config }, deps), x, res), deps }
}

/** The `data` of the one event that an answer becomes. */
async function dataOf(config: object, body: string | null): Promise<unknown> {
  const { reply, deps } = await pass(config, answer(200, [], body))
  assert.equal(reply, null)
  const [event, ...more] = events(deps)
  assert.deepEqual(more, [])
  assert.ok(typeof event === 'object' && event !== null && 'data' in event)
  return event.data
}

describe('emit', () => {
  it('stores the answer’s JSON as an event, in the form that Standard Webhooks recommends', async () => {
    const { reply, deps } = await pass({}, answer(201, [], '{"sku":"A-1","quantity":2}'))
    assert.equal(reply, null, 'the answer goes on')
    assert.deepEqual(
      deps.emissions.map(({ eventType, to }) => ({ eventType, to })),
      [{ eventType: 'cart.item_added', to: null }],
    )
    assert.deepEqual(events(deps), [
      { type: 'cart.item_added', timestamp: '2026-01-02T03:04:05.000Z', data: { sku: 'A-1', quantity: 2 } },
    ])
  })

  it('hands the answer’s JSON on to the letter: no number is rounded', async () => {
    const json = '{"id":9007199254740993,"price":1.0, "e":1E400}'
    const { deps } = await pass({}, answer(200, [], json))
    assert.ok(Buffer.from(deps.emissions[0]!.payload).toString().endsWith(`,"data":${json}}`))
  })

  it('leaves the answer as it is', async () => {
    const res = answer(200, ['Content-Type', 'application/json'], '{"sku":"A-1"}')
    await pass({ payload: '{"other": 1}' }, res)
    assert.equal(Buffer.from(res.body!).toString(), '{"sku":"A-1"}')
    assert.equal(res.status, 200)
  })

  it('is for the consumer it names', async () => {
    const { deps } = await pass({ to: 'partner' }, answer(200, [], '{}'))
    assert.equal(deps.emissions[0]!.to, 'partner')
  })

  it('makes nothing of answers that are no success, nor of our own', async () => {
    for (const status of [199, 300, 304, 404, 500])
      assert.deepEqual((await pass({}, answer(status, [], '{}'))).deps.emissions, [])
    assert.deepEqual((await pass({}, answer(200, [], '{}', false))).deps.emissions, [])
  })

  it('says `{}` for an answer that is not JSON or has no body', async () => {
    assert.deepEqual(await dataOf({}, '<p>thanks</p>'), {})
    assert.deepEqual(await dataOf({}, ''), {})
    assert.deepEqual(await dataOf({}, null), {})
    assert.deepEqual(await dataOf({}, '[1,2]'), [1, 2], 'any JSON will do')
  })

  it('reads answers up to a bound, and asks for them uncompressed', async () => {
    assert.deepEqual(createPolicy(emit, ADDED).responseBody, { bytesMax: 1_048_576 })
    assert.deepEqual(createPolicy(emit, { ...ADDED, bytesMax: 10 }).responseBody, { bytesMax: 10 })
    const out = await sentUpstream(createPolicy(emit, ADDED), exchange('POST', '/', ['Accept-Encoding', 'gzip, br']))
    assert.deepEqual(values(out, 'Accept-Encoding'), ['identity'])
  })
})

describe('emit: payload', () => {
  it('is a JSONata expression over the exchange', async () => {
    const payload = `{
      "item": response.body.sku, "status": response.status, "by": consumer, "via": request.method & " " & request.path,
      "coupon": request.query.coupon, "cart": request.params.cart, "request": request.id
    }`
    assert.deepEqual(await dataOf({ payload }, '{"sku":"A-1"}'), {
      item: 'A-1',
      status: 200,
      by: 'mobile-app',
      via: 'POST /cart/add',
      coupon: 'X',
      cart: '7',
      request: 'req_1',
    })
  })

  it('sees null for a body that is not JSON, and says `{}` where it finds nothing', async () => {
    assert.deepEqual(await dataOf({ payload: '{"body": response.body}' }, 'thanks'), { body: null })
    assert.deepEqual(await dataOf({ payload: 'response.body.missing' }, '{"sku":"A-1"}'), {})
  })

  it('that cannot be read is a configuration error', () => {
    assert.match(configError(emit, { ...ADDED, payload: '{"a": ' })!, /payload: is not a JSONata expression: \S+/)
  })

  it('that fails is seen: the client gets a refusal that names the error but none of the data', async () => {
    const { reply, deps } = await pass({ payload: '$number(response.body.sku)' }, answer(200, [], '{"sku":"secret"}'))
    assert.equal(reply?.status, 500)
    assert.equal(reply.code, 'policy-failed')
    assert.match(String(reply.body), /cart\.item_added could not be made: D3030/)
    assert.doesNotMatch(String(reply.body), /secret/)
    assert.deepEqual(deps.emissions, [])
  })

  it('that does not end is stopped', async () => {
    const { reply } = await pass({ payload: '($f := function($n) { $f($n + 1) + 1 }; $f(0))' }, answer(200, [], '{}'))
    assert.equal(reply?.code, 'policy-failed')
  })
})

describe('emit: when it cannot', () => {
  it('refuses the answer if the event is not stored: no 2xx without its event', async () => {
    const deps = policyDeps({ emit: () => Promise.reject(new Error('disk full')) })
    const { reply } = await pass({}, answer(200, [], '{}'), deps)
    assert.equal(reply?.status, 503)
    assert.equal(reply.code, 'store-unavailable')
    assert.doesNotMatch(String(reply.body), /disk full/)
  })

  it('waits for the store before it lets the answer go on', async () => {
    const order: string[] = []
    const deps = policyDeps({
      emit: async () => {
        await new Promise(setImmediate)
        order.push('stored')
      },
    })
    await pass({}, answer(200, [], '{}'), deps)
    order.push('answered')
    assert.deepEqual(order, ['stored', 'answered'])
  })

  it('refuses an answer that comes compressed all the same', async () => {
    const { reply, deps } = await pass({}, answer(200, ['Content-Encoding', 'gzip'], 'bytes'))
    assert.equal(reply?.code, 'policy-failed')
    assert.deepEqual(deps.emissions, [])
    const bodiless = await pass({}, answer(200, ['Content-Encoding', 'gzip']))
    assert.equal(bodiless.deps.emissions.length, 1, 'there is nothing to decode in an answer to HEAD')
  })
})
