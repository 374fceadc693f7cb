/** retry: a request goes out again only when it cannot happen twice. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { HeldClock, exchange } from '../../test/support/policy.ts'
import { Deadlines } from '../wire/deadlines.ts'
import type { OutboundFailure } from '../wire/outbound.ts'
import { Pools } from '../wire/pool.ts'
import { USUAL_TLS } from '../wire/upstream-tls.ts'
import { isRepeatable, tryAgain } from './retry.ts'
import { type LiveService, Services } from './service.ts'

const deadlines = new Deadlines(new HeldClock())
const services = new Services(new Pools(deadlines))
after(() => deadlines.close())

function serviceOf(count: number): LiveService {
  const instances = Array.from({ length: count }, (_, i) => ({ url: `http://up-${i}:80`, weight: 1 }))
  const timeouts = { connectMs: 0, firstByteMs: 0, idleMs: 0, streamMs: 0, totalMs: 0 }
  services.update({
    up: { name: 'up', protocol: 'http/1.1', tls: USUAL_TLS, proxyProtocol: null, instances, timeouts },
  })
  return services.get('up')!
}

describe('isRepeatable', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])
    it(`${method} is`, () => assert.equal(isRepeatable(exchange(method, '/').head), true))
  for (const method of ['POST', 'PATCH', 'get', 'PROPFIND']) {
    it(`${method} is only with a key`, () => {
      assert.equal(isRepeatable(exchange(method, '/').head), false)
      assert.equal(isRepeatable(exchange(method, '/', ['idempotency-KEY', 'a']).head), true)
    })
  }
})

describe('tryAgain', () => {
  it('sends afresh what may be repeated', () => {
    assert.equal(tryAgain('reset', true, 1, serviceOf(1)), 'afresh')
    assert.equal(tryAgain('reset', false, 1, serviceOf(3)), 'no')
  })

  for (const failure of [
    'connect-refused',
    'connect-timeout',
    'tls-failed',
    'name-not-found',
  ] satisfies OutboundFailure[]) {
    it(`asks the next instance after ${failure}, each at most once`, () => {
      assert.equal(tryAgain(failure, false, 1, serviceOf(3)), 'elsewhere')
      assert.equal(tryAgain(failure, false, 2, serviceOf(3)), 'elsewhere')
      assert.equal(tryAgain(failure, false, 3, serviceOf(3)), 'no')
      assert.equal(tryAgain(failure, false, 1, serviceOf(1)), 'no')
    })
  }

  for (const failure of [
    'reset',
    'first-byte-timeout',
    'idle-timeout',
    'total-timeout',
    'invalid-answer',
    'blocked-address',
  ] satisfies OutboundFailure[]) {
    it(`does not try again after ${failure}: it may have been done`, () => {
      assert.equal(tryAgain(failure, false, 1, serviceOf(3)), 'no')
    })
  }
})
