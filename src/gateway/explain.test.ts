/** explain: says what the router does, and of every other route why not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { bestOf, matches, scoreOf, wanted } from '../../test/support/unit/naive-router.ts'
import { routeOf, snapshotOf } from '../../test/support/unit/gateway-rig.ts'
import type { TargetSpec } from '../model/gateway.ts'
import { definePolicy } from '../pipeline/policy.ts'
import type { Stage } from '../pipeline/stages.ts'
import { explain } from './explain.ts'

const policy = (name: string, stage: Stage) => definePolicy<unknown>({ name, stage, create: () => ({}) })

describe('explain', () => {
  it('names the route that gets the request, and of the others those that match as well', () => {
    fc.assert(
      fc.property(matches, wanted, (routes, { host, method, path }) => {
        const name = (i: number) => `route-${i}`
        const snapshot = snapshotOf({ routes: routes.map((match, i) => routeOf(name(i), match)) })
        const told = explain(snapshot, method, `http://${host || 'nobody'}${path}`)
        const best = bestOf(routes, host || 'nobody', method, path)
        assert.equal(told.route, best === -1 ? null : name(best))
        assert.equal(told.path, path)
        assert.equal(told.others.length, routes.length - (best === -1 ? 0 : 1))
        for (const { route, reason } of told.others) {
          const matching = scoreOf(routes[Number(route.slice(6))]!, host || 'nobody', method, path) !== null
          assert.equal(reason === 'it matches, but less specifically', matching, `${route}: ${reason}`)
        }
      }),
    )
  })

  const snapshot = snapshotOf({
    types: [policy('cors', 'observe'), policy('key-auth', 'authenticate'), policy('headers', 'transform')],
    policies: ['headers', 'cors'],
    routes: [
      routeOf('profile', { path: '/user/:id', methods: ['GET'], hosts: ['shop.example'] }, { policies: ['key-auth'] }),
      routeOf('all', { path: '/*' }),
    ],
  })

  it('lists the policies in the order in which they act', () => {
    const { policies, why, target, host } = explain(snapshot, 'get', 'https://Shop.Example:8443/user/7?q')
    assert.deepEqual(policies, [
      { name: 'cors', stage: 'observe', scope: 'global' },
      { name: 'key-auth', stage: 'authenticate', scope: 'route' },
      { name: 'headers', stage: 'transform', scope: 'global' },
    ])
    assert.equal(host, 'shop.example')
    assert.equal(why, 'Matches host shop.example, path /user/:id, method GET; nothing more specific does.')
    assert.equal(target, 'reply 200')
  })

  it('says what of a path is refused', () => {
    const { path, target, why } = explain(snapshot, 'GET', 'http://shop.example/user/a%2fb')
    assert.deepEqual([path, target], [null, 'refused'])
    assert.match(
      why,
      /an encoded slash \(%2F\), which this route does not take\. It is refused with 400 ambiguous-path/,
    )
  })

  it('says that a route for GET answers HEAD', () => {
    assert.equal(explain(snapshot, 'HEAD', 'http://shop.example/user/7').target, 'reply 200')
  })

  for (const [method, url, reason] of [
    ['GET', 'http://shop.example/other', 'its path is /user/:id'],
    ['POST', 'http://shop.example/user/7', 'its methods are GET'],
    ['GET', 'http://other.example/user/7', 'its hosts are shop.example'],
  ] as const) {
    it(`says that ${method} ${url} misses for one reason: ${reason}`, () => {
      const told = explain(snapshot, method, url)
      assert.equal(told.route, 'all')
      assert.deepEqual(told.others, [{ route: 'profile', reason }])
    })
  }

  it('reads the path as written, as the gateway would', () => {
    assert.equal(explain(snapshot, 'GET', 'http://shop.example/x/../user/7').route, 'profile')
    assert.equal(explain(snapshot, 'GET', 'http://shop.example/%75ser/7').path, '/user/7')
    assert.equal(explain(snapshot, 'GET', 'http://shop.example').path, '/')
    const refused = explain(snapshot, 'GET', 'http://shop.example/a%2fb')
    assert.deepEqual([refused.path, refused.route, refused.target], [null, null, 'refused'])
  })

  it('says what becomes of a request that no route matches', () => {
    const alone = snapshotOf({ types: [policy('cors', 'observe')], policies: ['cors'], routes: [] })
    const told = explain(alone, 'GET', 'http://a/')
    assert.deepEqual([told.route, told.target, told.policies.length], [null, 'reply 404', 1])
    assert.match(told.why, /No route matches/)
  })

  for (const [spec, said] of [
    [{ kind: 'proxy', service: 'cart' }, 'proxy cart'],
    [{ kind: 'durable', service: 'cart' }, 'durable cart'],
    [{ kind: 'ingest', source: 'stripe' }, 'ingest stripe'],
    [{ kind: 'publish', event: 'a.b', to: 'app' }, 'publish a.b to app'],
    [{ kind: 'reply', status: 204, headers: {}, body: '' }, 'reply 204'],
    [{ kind: 'redirect', status: 308, location: '/b' }, 'redirect 308 /b'],
  ] satisfies [TargetSpec, string][]) {
    it(`calls a ${spec.kind} ${said}`, () => {
      const one = snapshotOf({ routes: [routeOf('one', { path: '/a' }, { target: spec })] })
      assert.equal(explain(one, 'GET', 'http://a/a').target, said)
    })
  }

  it('takes a path alone, and ends the authority and the path where they end', () => {
    for (const [url, path] of [
      ['/x/7', '/x/7'],
      ['/x/7?a=/b#c', '/x/7'],
      ['/x/7#/b?c', '/x/7'],
      ['http://a?/b', '/'],
      ['http://a#/b', '/'],
      ['http://a/x?b#c', '/x'],
    ] as const) {
      const told = explain(snapshot, 'GET', url)
      assert.deepEqual([told.host, told.path, told.route], [url.startsWith('/') ? 'localhost' : 'a', path, 'all'], url)
    }
  })

  it('throws for what is no URL of a request', () => {
    for (const url of ['user/7', '', 'http://', 'http://[/a', 'mailto:a@b', 'file:///a'])
      assert.throws(() => explain(snapshot, 'GET', url), TypeError, url)
  })
})
