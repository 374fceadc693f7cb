/** key-auth: what it does, by example. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reply } from '../../pipeline/reply.ts'
import type { Lines } from '../../../test/support/policy.ts'
import {
  configError,
  createPolicy,
  exchange,
  onRequest,
  policyDeps,
  replyLines,
  sentUpstream,
  values,
} from '../../../test/support/policy.ts'
import { keyAuth } from './key-auth.ts'

const deps = policyDeps({ consumers: { 'k-mobile': 'mobile-app', 'k-&+ü': 'odd-key' } })

/** Who the policy takes the sender for; or the status and code it is refused with. */
async function who(config: unknown, target: string, lines: Lines = []): Promise<string> {
  const x = exchange('GET', target, lines)
  const reply = await onRequest(createPolicy(keyAuth, config, deps), x)
  if (reply === null) return x.consumer!.name
  assert.equal(x.consumer, null)
  return `${reply.status} ${reply.code}`
}

/** How a request without a key is refused. */
async function refusal(config: unknown): Promise<Reply> {
  const reply = await onRequest(createPolicy(keyAuth, config, deps), exchange('GET', '/'))
  assert.ok(reply)
  return reply
}

/** What of a request that was let in goes upstream. */
async function upstream(config: unknown, target: string, lines: Lines) {
  const policy = createPolicy(keyAuth, config, deps)
  const x = exchange('GET', target, lines)
  assert.equal(await onRequest(policy, x), null)
  return { x, out: await sentUpstream(policy, x) }
}

/** The query as it goes on, `api_key` being the parameter that may carry a key. */
async function rest(target: string, hide = true): Promise<string> {
  const { x } = await upstream({ query: 'api_key', hide }, target, ['X-API-Key', 'k-mobile'])
  return x.query
}

const MISSING = '401 credential-missing'
const INVALID = '401 credential-invalid'

describe('key-auth', () => {
  it('knows a consumer by the key in X-API-Key', async () => {
    assert.equal(await who({}, '/', ['X-API-Key', 'k-mobile']), 'mobile-app')
    assert.equal(await who({}, '/', ['x-api-key', 'k-mobile']), 'mobile-app')
  })

  it('refuses who sends none, a wrong one, or two', async () => {
    assert.equal(await who({}, '/'), MISSING)
    assert.equal(await who({}, '/', ['X-API-Key', '']), MISSING)
    assert.equal(await who({}, '/', ['X-API-Key', 'guess']), INVALID)
    assert.equal(await who({}, '/', ['X-API-Key', 'k-mobile', 'X-API-Key', 'k-mobile']), INVALID)
  })

  it('says how to come in', async () => {
    assert.deepEqual(replyLines(await refusal({})), [
      'Content-Type: application/problem+json',
      'WWW-Authenticate: ApiKey header="X-API-Key"',
    ])
    assert.ok(replyLines(await refusal({ bearer: true })).includes('WWW-Authenticate: Bearer'))
  })

  it('tells the upstream who it is, and not the key', async () => {
    const { out } = await upstream({}, '/', ['X-API-Key', 'k-mobile', 'Accept', '*/*'])
    assert.deepEqual(values(out, 'X-Consumer-Name'), ['mobile-app'])
    assert.deepEqual(values(out, 'X-API-Key'), [])
    assert.deepEqual(values(out, 'Accept'), ['*/*'])
  })

  it('never passes on a name that the client gave itself', async () => {
    const { out } = await upstream({}, '/', [
      'X-API-Key',
      'k-mobile',
      'X-Consumer-Name',
      'admin',
      'x-consumer-name',
      'root',
    ])
    assert.deepEqual(values(out, 'X-Consumer-Name'), ['mobile-app'])
  })

  it('with `hide: false` passes the key on', async () => {
    const { out } = await upstream({ hide: false }, '/', ['X-API-Key', 'k-mobile'])
    assert.deepEqual(values(out, 'X-API-Key'), ['k-mobile'])
  })

  it('uses the header it is told to', async () => {
    assert.equal(await who({ header: 'X-Shop-Key' }, '/', ['X-Shop-Key', 'k-mobile']), 'mobile-app')
    assert.equal(await who({ header: 'X-Shop-Key' }, '/', ['X-API-Key', 'k-mobile']), MISSING)
    assert.match(configError(keyAuth, { header: 'Content-Length' })!, /header: belongs to the connection/)
  })
})

describe('key-auth: bearer', () => {
  const config = { bearer: true }

  it('takes the key from Authorization too, when told to', async () => {
    assert.equal(await who({}, '/', ['Authorization', 'Bearer k-mobile']), MISSING)
    assert.equal(await who(config, '/', ['Authorization', 'Bearer k-mobile']), 'mobile-app')
    assert.equal(await who(config, '/', ['authorization', 'bearer  k-mobile']), 'mobile-app')
    assert.equal(await who(config, '/', ['X-API-Key', 'k-mobile']), 'mobile-app')
  })

  it('does not take other schemes for it', async () => {
    assert.equal(await who(config, '/', ['Authorization', 'Basic k-mobile']), MISSING)
    assert.equal(await who(config, '/', ['Authorization', 'Bearer']), MISSING)
    assert.equal(
      await who(config, '/', ['Authorization', 'Bearer k-mobile', 'Authorization', 'Bearer k-mobile']),
      INVALID,
    )
  })

  it('hides the key there, but no token that was not the key', async () => {
    const asKey = await upstream(config, '/', ['Authorization', 'Bearer k-mobile'])
    assert.deepEqual(values(asKey.out, 'Authorization'), [])
    const beside = await upstream(config, '/', ['X-API-Key', 'k-mobile', 'Authorization', 'Bearer for-the-upstream'])
    assert.deepEqual(values(beside.out, 'Authorization'), ['Bearer for-the-upstream'])
  })
})

describe('key-auth: query', () => {
  const config = { query: 'api_key' }

  it('takes the key from a query parameter, when told to', async () => {
    assert.equal(await who({}, '/?api_key=k-mobile'), MISSING)
    assert.equal(await who(config, '/?a=1&api_key=k-mobile'), 'mobile-app')
    assert.equal(await who(config, '/?api%5Fkey=k-%26%2B%C3%BC'), 'odd-key')
    assert.equal(await who(config, '/?api_key=%zz'), INVALID)
    assert.equal(await who(config, '/?api_key=k-mobile&api_key=k-mobile'), INVALID)
    assert.equal(await who(config, '/?api_key'), MISSING)
    assert.equal(await who(config, '/'), MISSING)
  })

  it('hides the key from the upstream and the log, and leaves the rest of the query as it was', async () => {
    assert.equal(await rest('/?api_key=k-mobile'), '')
    assert.equal(await rest('/?a=%20+b&api_key=k-mobile&&c'), '?a=%20+b&&c')
    assert.equal(await rest('/?api%5fkey=k-mobile&a=1'), '?a=1')
    assert.equal(await rest('/?a=1'), '?a=1')
    assert.equal(await rest('/?api_key=k-mobile', false), '?api_key=k-mobile')
  })
})
