/** request-id: what it does, by example. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  answer,
  configError,
  createPolicy,
  exchange,
  onRequest,
  onResponse,
  sentUpstream,
  values,
} from '../../../test/support/policy.ts'
import { requestId } from './request-id.ts'

/** The id of a request with these header lines, where incoming ids are trusted. */
async function kept(...lines: string[]): Promise<string> {
  const x = exchange('GET', '/', lines)
  await onRequest(createPolicy(requestId, { trust: true }), x)
  return x.requestId
}

describe('request-id', () => {
  it('gives each request an id of its own', async () => {
    const policy = createPolicy(requestId)
    const [one, other] = [exchange('GET', '/'), exchange('GET', '/')]
    await onRequest(policy, one)
    await onRequest(policy, other)
    assert.match(one.requestId, /^req_[0-9A-Za-z]{27}$/)
    assert.notEqual(one.requestId, other.requestId)
  })

  it('tells it to the upstream and to the client, once, whatever they said themselves', async () => {
    const policy = createPolicy(requestId)
    const x = exchange('GET', '/', ['x-request-id', 'mine'])
    await onRequest(policy, x)
    assert.deepEqual(values(await sentUpstream(policy, x), 'X-Request-Id'), [x.requestId])
    const res = answer(200, ['X-Request-ID', 'of the upstream'])
    await onResponse(policy, x, res)
    assert.deepEqual(values(res.headers, 'X-Request-Id'), [x.requestId])
  })

  it('does not believe clients by default', async () => {
    const x = exchange('GET', '/', ['X-Request-Id', 'from-outside'])
    await onRequest(createPolicy(requestId), x)
    assert.match(x.requestId, /^req_/)
  })

  describe('with trust', () => {
    it('keeps a sane id', async () => {
      assert.equal(await kept('X-Request-Id', '7f3a/2'), '7f3a/2')
      assert.equal(await kept('X-Request-Id', 'a'.repeat(128)), 'a'.repeat(128))
    })

    it('replaces what is missing, empty, too long, not visible ASCII or said twice', async () => {
      assert.match(await kept(), /^req_/)
      assert.match(await kept('X-Request-Id', ''), /^req_/)
      assert.match(await kept('X-Request-Id', 'a'.repeat(129)), /^req_/)
      assert.match(await kept('X-Request-Id', 'two words'), /^req_/)
      assert.match(await kept('X-Request-Id', 'caf\u00e9'), /^req_/)
      assert.match(await kept('X-Request-Id', 'one', 'X-Request-Id', 'two'), /^req_/)
    })
  })

  it('uses the header it is told to', async () => {
    const policy = createPolicy(requestId, { header: 'X-Correlation-Id', trust: true })
    const x = exchange('GET', '/', ['X-Correlation-Id', 'abc'])
    await onRequest(policy, x)
    assert.equal(x.requestId, 'abc')
    assert.deepEqual(values(await sentUpstream(policy, x), 'X-Correlation-Id'), ['abc'])
  })

  it('is refused a header that belongs to the connection', () => {
    assert.match(configError(requestId, { header: 'Transfer-Encoding' })!, /header: belongs to the connection/)
    assert.match(configError(requestId, { header: 'X Request' })!, /header: is not a header name/)
  })
})
