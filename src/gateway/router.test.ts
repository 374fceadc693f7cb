/** router: the most specific route wins, and it is the one that asking every route would find. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { bestOf, matches, wanted } from '../../test/support/unit/naive-router.ts'
import { Router } from './router.ts'

/** Routes by name, written as `METHODS hosts path`; `*` for any. */
function routerOf(routes: Readonly<Record<string, string>>): Router<string> {
  return new Router(
    Object.entries(routes).map(([value, written]) => {
      const [methods = '', hosts = '', path = ''] = written.split(' ')
      const list = (text: string) => (text === '*' ? [] : text.split(','))
      return { value, match: { methods: list(methods), hosts: list(hosts), path } }
    }),
  )
}

describe('Router', () => {
  it('finds what asking every route would find, whatever order they are written in', () => {
    fc.assert(
      fc.property(matches, fc.array(wanted, { minLength: 5, maxLength: 20 }), (routes, requests) => {
        const routed = routes.map((match, value) => ({ match, value }))
        const forwards = new Router(routed)
        const backwards = new Router(routed.toReversed())
        for (const { host, method, path } of requests) {
          const best = bestOf(routes, host, method, path)
          assert.equal(forwards.find(host, method, path)?.value ?? -1, best)
          assert.equal(backwards.find(host, method, path)?.value ?? -1, best)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('gives each parameter the segment at its place', () => {
    fc.assert(
      fc.property(matches, wanted, (routes, { host, method, path }) => {
        const found = new Router(routes.map((match) => ({ match, value: match.path }))).find(host, method, path)
        if (found === null) return
        const segments = path.split('/')
        const params = found.value
          .split('/')
          .flatMap((want, i) => (want.startsWith(':') ? [[want.slice(1), segments[i]!]] : []))
        assert.deepEqual(found.params, params.length === 0 ? null : Object.fromEntries(params))
      }),
      { numRuns: 1000 },
    )
  })

  const router = routerOf({
    root: '* * /',
    all: '* * /*',
    me: 'GET * /user/me',
    user: 'GET,HEAD * /user/:id',
    'user-post': 'POST * /user/:id',
    below: '* * /user/*',
    orders: '* * /user/:id/orders/:order',
    files: '* * /files/*',
    slash: '* * /files/',
    'shop-me': '* shop.example /user/me',
    'any-shop': 'GET *.shop.example /user/me',
    'eu-shop': 'GET *.eu.shop.example /user/*',
  })
  for (const [request, want] of [
    ['GET - /', 'root'],
    ['GET - /x', 'all'],
    ['GET - /user', 'all'],
    ['GET - /user/', 'below'],
    ['GET - /user/me', 'me'],
    ['POST - /user/me', 'user-post'],
    ['DELETE - /user/me', 'below'],
    ['HEAD - /user/me', 'me'],
    ['HEAD - /user/7', 'user'],
    ['HEAD a.shop.example /user/me', 'any-shop'],
    ['PUT - /user/7', 'below'],
    ['GET - /user/7/orders', 'below'],
    ['GET - /user/7/orders/9', 'orders'],
    ['GET - /user/me/orders/9', 'orders'],
    ['GET - /user/7/orders/', 'below'],
    ['GET - /user/7/orders/9/', 'below'],
    ['GET - /files/', 'slash'],
    ['GET - /files', 'all'],
    ['GET - /files/a/b', 'files'],
    ['GET - /User/me', 'all'],
    ['get - /user/me', 'below'],
    ['POST shop.example /user/me', 'shop-me'],
    ['GET shop.example /user/7', 'user'],
    ['GET a.shop.example /user/me', 'any-shop'],
    ['POST a.shop.example /user/me', 'user-post'],
    ['GET a.eu.shop.example /user/me', 'eu-shop'],
    ['GET eu.shop.example /user/me', 'any-shop'],
    ['GET notshop.example /user/me', 'me'],
    ['GET - /__proto__', 'all'],
    ['GET __proto__ /constructor', 'all'],
  ] as const) {
    it(`gives ${request} to ${want}`, () => {
      const [method = '', host = '', path = ''] = request.split(' ')
      assert.equal(router.find(host, method, path)?.value, want)
    })
  }

  it('finds nothing where nothing is', () => {
    assert.equal(routerOf({}).find('a', 'GET', '/'), null)
    assert.equal(routerOf({ a: 'GET shop.example /a' }).find('shop.example', 'POST', '/a'), null)
    assert.equal(routerOf({ a: 'GET shop.example /a' }).find('other', 'GET', '/a'), null)
    assert.equal(routerOf({ a: '* * /a/:b' }).find('', 'GET', '/a/'), null)
  })

  it('keeps apart parameters that have other names for another method', () => {
    const named = routerOf({ get: 'GET * /a/:x/b/:y', put: 'PUT * /a/:u/b/:v' })
    assert.deepEqual(named.find('', 'GET', '/a/1/b/2')?.params, { x: '1', y: '2' })
    assert.deepEqual(named.find('', 'PUT', '/a/1/b/2')?.params, { u: '1', v: '2' })
  })
})
