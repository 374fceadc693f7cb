/** cors: what it does, by example. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../pipeline/reply.ts'
import type { Lines } from '../../../test/support/policy.ts'
import {
  answer,
  configError,
  createPolicy,
  exchange,
  onRequest,
  onResponse,
  replyLines,
  values,
} from '../../../test/support/policy.ts'
import { cors } from './cors.ts'

const SHOP = { origins: ['https://shop.example'] }

/** The answer to a preflight request from `origin`. */
async function preflight(config: unknown, origin: string, more: Lines = []): Promise<Reply> {
  const lines = ['Origin', origin, 'Access-Control-Request-Method', 'PUT', ...more]
  const reply = await onRequest(createPolicy(cors, config), exchange('OPTIONS', '/cart', lines))
  assert.ok(reply)
  return reply
}

/** What a browser at `origin` is told about an answer; by field, joined when it is told twice. */
async function told(
  config: unknown,
  origin: string | null,
  upstream: Lines = [],
  status = 200,
): Promise<Record<string, string>> {
  const policy = createPolicy(cors, config)
  const x = exchange('GET', '/cart', origin === null ? [] : ['Origin', origin])
  assert.equal(await onRequest(policy, x), null)
  const res = answer(status, upstream)
  await onResponse(policy, x, res)
  const fields = [
    'Access-Control-Allow-Origin',
    'Access-Control-Allow-Credentials',
    'Access-Control-Expose-Headers',
    'Vary',
  ]
  return Object.fromEntries(
    fields.map((name) => [name, values(res.headers, name).join(' + ')]).filter(([, value]) => value !== ''),
  )
}

async function allowed(pattern: string, origin: string): Promise<boolean> {
  return 'Access-Control-Allow-Origin' in (await told({ origins: [pattern] }, origin))
}

describe('cors: preflight', () => {
  it('is answered with what is allowed, before anything asks for a credential', async () => {
    const reply = await preflight(
      { ...SHOP, methods: ['GET', 'PUT'], headers: ['X-Api-Key'], maxAge: '1h' },
      'https://shop.example',
    )
    assert.equal(cors.stage, 'observe')
    assert.equal(reply.status, 204)
    assert.deepEqual(replyLines(reply), [
      'Vary: Origin',
      'Access-Control-Allow-Origin: https://shop.example',
      'Access-Control-Allow-Methods: GET, PUT',
      'Access-Control-Allow-Headers: X-Api-Key',
      'Access-Control-Max-Age: 3600',
    ])
  })

  it('from an origin that is not allowed gets an answer that allows nothing', async () => {
    const reply = await preflight({ ...SHOP, headers: ['X-Api-Key'] }, 'https://evil.example')
    assert.equal(reply.status, 204)
    assert.deepEqual(replyLines(reply), ['Vary: Origin'])
  })

  it('is granted the headers it asks for, unless the configuration names them', async () => {
    const reply = await preflight(SHOP, 'https://shop.example', ['Access-Control-Request-Headers', 'x-one,x-two'])
    assert.ok(replyLines(reply).includes('Access-Control-Allow-Headers: x-one,x-two'))
    assert.ok(replyLines(reply).includes('Vary: Origin, Access-Control-Request-Headers'))
  })

  it('is only what a browser sends: an OPTIONS request of another kind goes to the upstream', async () => {
    const policy = createPolicy(cors, SHOP)
    assert.equal(await onRequest(policy, exchange('OPTIONS', '/cart')), null)
    assert.equal(await onRequest(policy, exchange('OPTIONS', '/cart', ['Origin', 'https://shop.example'])), null)
    assert.equal(await onRequest(policy, exchange('GET', '/cart', ['Origin', 'https://shop.example'])), null)
  })
})

describe('cors: answers', () => {
  it('say who may read them, refusals and errors too', async () => {
    for (const status of [200, 401, 404, 429, 502]) {
      assert.deepEqual(await told(SHOP, 'https://shop.example', [], status), {
        'Access-Control-Allow-Origin': 'https://shop.example',
        Vary: 'Origin',
      })
    }
  })

  it('say nothing to other origins, and nothing at all when no browser asks', async () => {
    assert.deepEqual(await told(SHOP, 'https://evil.example'), { Vary: 'Origin' })
    assert.deepEqual(await told(SHOP, null), { Vary: 'Origin' }, 'caches must still know')
    assert.deepEqual(await told({ origins: ['*'] }, null), {})
  })

  it('say `*` when every origin may read them', async () => {
    assert.deepEqual(await told({ origins: ['*'] }, 'https://anyone.example'), { 'Access-Control-Allow-Origin': '*' })
  })

  it('take the place of what the upstream says about CORS', async () => {
    const upstream = [
      'Access-Control-Allow-Origin',
      '*',
      'access-control-allow-credentials',
      'true',
      'Vary',
      'Accept-Encoding',
    ]
    assert.deepEqual(await told(SHOP, 'https://shop.example', upstream), {
      'Access-Control-Allow-Origin': 'https://shop.example',
      Vary: 'Accept-Encoding + Origin',
    })
    assert.deepEqual(await told(SHOP, 'https://evil.example', upstream), { Vary: 'Accept-Encoding + Origin' })
  })

  it('name what scripts may read, and allow credentials when told to', async () => {
    assert.deepEqual(
      await told({ ...SHOP, expose: ['X-Total', 'X-Page'], credentials: true }, 'https://shop.example'),
      {
        'Access-Control-Allow-Origin': 'https://shop.example',
        'Access-Control-Allow-Credentials': 'true',
        'Access-Control-Expose-Headers': 'X-Total, X-Page',
        Vary: 'Origin',
      },
    )
  })
})

describe('cors: origins', () => {
  it('exact ones match as they are, port included', async () => {
    assert.ok(await allowed('http://localhost:3000', 'http://localhost:3000'))
    assert.ok(!(await allowed('http://localhost:3000', 'http://localhost:3001')))
    assert.ok(!(await allowed('https://shop.example', 'http://shop.example')))
    assert.ok(!(await allowed('https://shop.example', 'https://shop.example.evil.example')))
  })

  it('`*.` is any subdomain, but not the domain itself nor its look-alikes', async () => {
    assert.ok(await allowed('https://*.shop.example', 'https://www.shop.example'))
    assert.ok(await allowed('https://*.shop.example', 'https://a.b.shop.example'))
    for (const origin of [
      'https://shop.example',
      'https://evilshop.example',
      'https://www.shop.example:8443',
      'http://www.shop.example',
      'https://evil.example/.shop.example',
      'https://.shop.example',
      'null',
    ]) {
      assert.ok(!(await allowed('https://*.shop.example', origin)), origin)
    }
  })

  it('that no browser would ever send are configuration errors', () => {
    for (const origin of [
      'shop.example',
      'https://shop.example/',
      'https://Shop.example',
      'https://*',
      'https://a.*.example',
      'null',
    ]) {
      assert.match(configError(cors, { origins: [origin] })!, /origins\.0: must be an origin/, origin)
    }
    assert.match(configError(cors, { origins: [] })!, /origins/)
  })

  it('`*` with credentials is a configuration error: it would let every site act as its visitor', () => {
    assert.match(configError(cors, { origins: ['*'], credentials: true })!, /credentials: cannot be true/)
    assert.match(configError(cors, { ...SHOP, expose: ['*'], credentials: true })!, /credentials: cannot be true/)
  })
})
