/** rate-limit: what it does, by example. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Counters } from '../../counters/port.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import type { Policy } from '../../pipeline/policy.ts'
import type { Lines } from '../../../test/support/policy.ts'
import {
  answer,
  configError,
  createPolicy,
  exchange,
  onRequest,
  onResponse,
  policyDeps,
  replyLines,
  values,
} from '../../../test/support/policy.ts'
import { networkOf } from '../../base/networks.ts'
import { rateLimit } from './rate-limit.ts'

/** Statuses of `times` requests like this one; 200 for those that are let through. */
async function statuses(
  policy: Policy,
  times: number,
  make: () => Exchange = () => exchange('GET', '/'),
): Promise<number[]> {
  const out: number[] = []
  for (let i = 0; i < times; i++) out.push((await onRequest(policy, make()))?.status ?? 200)
  return out
}

/** Makes requests from this address, with this credential. */
function from(address: string, consumer: string | null = null, lines: Lines = []): () => Exchange {
  return () => {
    const x = exchange('GET', '/', lines, address)
    x.consumer = consumer === null ? null : { name: consumer }
    return x
  }
}

/** What the client reads about its limits on an answer that these policies let through. */
async function standing(...policies: Policy[]): Promise<string[]> {
  const x = exchange('GET', '/')
  for (const policy of policies) assert.equal(await onRequest(policy, x), null)
  const res = answer(200)
  for (const policy of policies.toReversed()) await onResponse(policy, x, res)
  return [...res.headers.entries()].map(([name, value]) => `${name}: ${value}`)
}

describe('rate-limit', () => {
  it('lets `limit` requests through at once and refuses the next', async () => {
    const policy = createPolicy(rateLimit, { limit: 3, per: '1m' })
    assert.deepEqual(await statuses(policy, 5), [200, 200, 200, 429, 429])
  })

  it('refills evenly: a third of the minute is one of three', async () => {
    const deps = policyDeps()
    const policy = createPolicy(rateLimit, { limit: 3, per: '1m' }, deps)
    await statuses(policy, 3)
    deps.clock.advance(19_999)
    assert.deepEqual(await statuses(policy, 1), [429])
    deps.clock.advance(1)
    assert.deepEqual(await statuses(policy, 2), [200, 429])
    deps.clock.advance(3_600_000)
    assert.deepEqual(await statuses(policy, 4), [200, 200, 200, 429])
  })

  it('with `burst`, bounds how many come at once', async () => {
    const deps = policyDeps()
    const policy = createPolicy(rateLimit, { limit: 60, per: '1m', burst: 2 }, deps)
    assert.deepEqual(await statuses(policy, 3), [200, 200, 429])
    deps.clock.advance(1000)
    assert.deepEqual(await statuses(policy, 2), [200, 429])
  })

  it('tells on every answer what the limit is and where the client stands', async () => {
    const deps = policyDeps()
    const policy = createPolicy(rateLimit, { limit: 100, per: '1m' }, deps)
    assert.deepEqual(await standing(policy), [
      'RateLimit-Policy: "default";q=100;w=60',
      'RateLimit: "default";r=99;t=1',
    ])
    assert.deepEqual(await standing(policy), [
      'RateLimit-Policy: "default";q=100;w=60',
      'RateLimit: "default";r=98;t=2',
    ])
  })

  it('refuses with when to come back, in whole seconds, rounded up', async () => {
    const policy = createPolicy(rateLimit, { limit: 4, per: '10s' })
    await statuses(policy, 4)
    const reply = (await onRequest(policy, exchange('GET', '/')))!
    assert.equal(reply.code, 'rate-limited')
    assert.deepEqual(replyLines(reply), [
      'Content-Type: application/problem+json',
      'Retry-After: 3',
      'RateLimit-Policy: "default";q=4;w=10',
      'RateLimit: "default";r=0;t=3',
    ])
  })

  it('says nothing of a window that is no whole number of seconds', async () => {
    const policy = createPolicy(rateLimit, { limit: 10, per: '500ms' })
    assert.deepEqual(await standing(policy), ['RateLimit-Policy: "default";q=10', 'RateLimit: "default";r=9;t=1'])
  })

  it('shares the headers with other limits on the same request', async () => {
    const deps = policyDeps()
    const second = createPolicy(
      rateLimit,
      { limit: 5, per: '1s', name: 'second' },
      { ...deps, place: 'global/0/rate-limit' },
    )
    const hour = createPolicy(rateLimit, { limit: 2, per: '1h', name: 'hour' }, deps)
    assert.deepEqual(await standing(second, hour), [
      'RateLimit-Policy: "hour";q=2;w=3600',
      'RateLimit: "second";r=4;t=1, "hour";r=1;t=1800',
      'RateLimit-Policy: "second";q=5;w=1',
    ])
    await standing(second, hour)
    const x = exchange('GET', '/')
    await onRequest(second, x)
    const reply = (await onRequest(hour, x))!
    assert.ok(replyLines(reply).includes('RateLimit: "second";r=2;t=1, "hour";r=0;t=1800'))
    const refused = answer(429, [], null, false)
    await onResponse(second, x, refused)
    assert.deepEqual(values(refused.headers, 'RateLimit'), [], 'the refusal says it all already')
  })

  it('waits for counters that answer later, and only for those', async () => {
    const remote: Counters = {
      take: async () => ({ allowed: false, remaining: 0, resetMs: 60_000, retryAfterMs: 1 }),
    }
    const policy = createPolicy(rateLimit, { limit: 1, per: '1m' }, { ...policyDeps(), counters: remote })
    assert.deepEqual(await statuses(policy, 1), [429])
    const verdict = createPolicy(rateLimit, { limit: 1, per: '1m' }).request!(exchange('GET', '/'))
    assert.equal(verdict instanceof Promise, false)
  })
})

describe('rate-limit: by', () => {
  it('consumer: counts whoever the credential says, wherever they come from', async () => {
    const policy = createPolicy(rateLimit, { limit: 1, per: '1m' })
    assert.deepEqual(await statuses(policy, 1, from('192.0.2.1', 'shop')), [200])
    assert.deepEqual(await statuses(policy, 1, from('192.0.2.2', 'shop')), [429])
    assert.deepEqual(await statuses(policy, 1, from('192.0.2.1', 'bank')), [200])
  })

  it('consumer: counts addresses where nobody has shown a credential', async () => {
    const policy = createPolicy(rateLimit, { limit: 1, per: '1m' })
    assert.deepEqual(await statuses(policy, 2, from('192.0.2.1')), [200, 429])
    assert.deepEqual(await statuses(policy, 1, from('192.0.2.2')), [200])
    assert.deepEqual(await statuses(policy, 1, from('192.0.2.3', '192.0.2.1')), [200], 'a name is not an address')
  })

  it('ip: counts addresses, of IPv6 the /64', async () => {
    const policy = createPolicy(rateLimit, { limit: 1, per: '1m', by: 'ip' })
    assert.deepEqual(await statuses(policy, 1, from('2001:db8:1:2::1', 'shop')), [200])
    assert.deepEqual(await statuses(policy, 1, from('2001:db8:1:2:ffff::9', 'bank')), [429])
    assert.deepEqual(await statuses(policy, 1, from('2001:db8:1:3::1', 'shop')), [200])
  })

  it('header: counts who sends the same value, and addresses where the header is missing', async () => {
    const policy = createPolicy(rateLimit, { limit: 1, per: '1m', by: { header: 'X-Tenant' } })
    assert.deepEqual(await statuses(policy, 1, from('192.0.2.1', null, ['x-tenant', 'a'])), [200])
    assert.deepEqual(await statuses(policy, 1, from('192.0.2.2', null, ['X-Tenant', 'a'])), [429])
    assert.deepEqual(await statuses(policy, 1, from('192.0.2.2', null, ['X-Tenant', 'b'])), [200])
    assert.deepEqual(await statuses(policy, 2, from('192.0.2.2')), [200, 429])
  })

  it('finds the /64 in every spelling', () => {
    assert.equal(networkOf('203.0.113.9'), '203.0.113.9')
    assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2')
    assert.equal(networkOf('2001:db8::1'), '2001:db8:0:0')
    assert.equal(networkOf('2001:db8::'), '2001:db8:0:0')
    assert.equal(networkOf('::1'), '0:0:0:0')
    assert.equal(networkOf('1::4:5:6:7:8'), '1:0:0:4')
    assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0')
  })
})

describe('rate-limit: configuration', () => {
  it('needs a limit and a time', () => {
    assert.match(configError(rateLimit, {})!, /limit: .*; per: /)
    for (const per of ['1', 'minute', '0s', '-1s', '1.5s', '1w']) {
      assert.match(configError(rateLimit, { limit: 1, per })!, /per: must be a duration/, per)
    }
    for (const limit of [0, -1, 1.5, '10']) assert.match(configError(rateLimit, { limit, per: '1s' })!, /limit: /)
  })

  it('takes nothing it does not know', () => {
    assert.match(configError(rateLimit, { limit: 1, per: '1s', window: '1s' })!, /window/)
    assert.match(configError(rateLimit, { limit: 1, per: '1s', by: 'cookie' })!, /by: /)
  })
})
