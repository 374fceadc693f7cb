/** ip-restriction: what it does, by example. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configError, createPolicy, exchange, onRequest } from '../../../test/support/policy.ts'
import { ipRestriction } from './ip-restriction.ts'

/** Status and code of the refusal, or null. */
async function refusal(config: { allow?: string[]; deny?: string[] }, clientAddress: string): Promise<string | null> {
  const reply = await onRequest(createPolicy(ipRestriction, config), exchange('GET', '/', [], clientAddress))
  return reply && `${reply.status} ${reply.code}`
}

const REFUSED = '403 address-not-allowed'

describe('ip-restriction', () => {
  it('with `allow`, lets in only who is named', async () => {
    const config = { allow: ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'] }
    assert.equal(await refusal(config, '10.200.3.4'), null)
    assert.equal(await refusal(config, '192.0.2.7'), null)
    assert.equal(await refusal(config, '192.0.2.8'), REFUSED)
    assert.equal(await refusal(config, '2001:db8:ffff::1'), null)
    assert.equal(await refusal(config, '2001:db9::1'), REFUSED)
  })

  it('with `deny`, keeps out only who is named', async () => {
    const config = { deny: ['203.0.113.0/24', '::1'] }
    assert.equal(await refusal(config, '203.0.113.9'), REFUSED)
    assert.equal(await refusal(config, '::1'), REFUSED)
    assert.equal(await refusal(config, '203.0.114.9'), null)
  })

  it('with both, `deny` wins', async () => {
    const config = { allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] }
    assert.equal(await refusal(config, '10.2.0.1'), null)
    assert.equal(await refusal(config, '10.1.0.1'), REFUSED)
  })

  it('takes an IPv4 address and its IPv6-mapped form for the same, on both sides', async () => {
    assert.equal(await refusal({ deny: ['10.0.0.0/8'] }, '::ffff:10.1.2.3'), REFUSED)
    for (const mapped of ['::ffff:10.0.0.0/104', '::FFFF:a00:0/104', '0:0:0:0:0:ffff:10.0.0.0/104']) {
      assert.equal(await refusal({ deny: [mapped] }, '10.1.2.3'), REFUSED, mapped)
      assert.equal(await refusal({ deny: [mapped] }, '11.1.2.3'), null, mapped)
    }
  })

  it('does not let in an address that it cannot read', async () => {
    assert.equal(await refusal({ allow: ['0.0.0.0/0', '::/0'] }, 'unknown'), REFUSED)
  })

  it('asks for lists that can be read', () => {
    for (const text of ['10.0.0.0/33', '10.0.0/8', '2001:db8::/129', 'localhost', '10.0.0.1-10.0.0.9', '']) {
      assert.match(configError(ipRestriction, { allow: [text] })!, /allow\.0: must be an address or a network/, text)
    }
    assert.match(configError(ipRestriction, {})!, /needs `allow` or `deny`/)
  })
})
