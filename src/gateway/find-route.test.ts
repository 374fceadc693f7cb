/** find-route: whichever way a service reads the path that it is sent, it is a path of the route whose policies have judged it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { routeOf, snapshotOf } from '../../test/support/unit/gateway-rig.ts'
import type { PathRules } from '../model/gateway.ts'
import { findRoute } from './find-route.ts'

const ROUTES = ['/files/*', '/files/admin/*', '/files/:name/x', '/admin', '/admin/*', '/*']

/** Every route with these rules. */
function routerWith(pathRules: Partial<PathRules>) {
  return snapshotOf({ routes: ROUTES.map((path) => routeOf(path, { path }, { pathRules })) }).router
}

function met(written: string, pathRules: Partial<PathRules> = {}): string | null {
  const found = findRoute(routerWith(pathRules), 'a', 'GET', written)
  return 'refusal' in found ? null : `${found.path} of ${found.found?.value.name}`
}

/** How servers may read a path, by someone who has not seen ours: decoded or not, cut, split and merged in every combination. */
function readings(path: string): Set<string> {
  const all = new Set<string>()
  for (const decode of [false, true])
    for (const backslash of [false, true])
      for (const cut of ['', ';', '%3B'])
        for (const merge of [false, true]) {
          let text = path
          const withoutParameters = () =>
            text
              .split('/')
              .map((one) => (cut === '' ? one : one.split(cut)[0]!))
              .join('/')
          text = withoutParameters()
          if (decode)
            text = text.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
          text = withoutParameters()
          if (backslash) text = text.replace(/\\|%5C/g, '/')
          if (merge) text = text.replace(/\/+/g, '/')
          const segments: string[] = []
          for (const segment of text.slice(1).split('/')) {
            if (segment === '..') segments.pop()
            else if (segment !== '.') segments.push(segment)
          }
          all.add(`/${segments.join('/')}`)
        }
  return all
}

const PARTS =
  '/ / // /. /.. %2f %2F %2e .. . ; ;x=1 %3b \\ %5c files admin admin a x files/ /admin %61dmin %252f'.split(' ')
const written = fc.array(fc.constantFrom(...PARTS), { maxLength: 9 }).map((parts) => `/${parts.join('')}`)
const rules: fc.Arbitrary<PathRules> = fc.record({
  encodedSlash: fc.constantFrom('refuse', 'keep', 'decode'),
  backslash: fc.constantFrom('refuse', 'keep'),
  semicolon: fc.constantFrom('refuse', 'keep'),
  doubleSlash: fc.constantFrom('merge', 'keep', 'refuse'),
})

describe('findRoute', () => {
  it('sends no path on that some server would take for another route’s', () => {
    let sent = 0
    fc.assert(
      fc.property(
        fc.oneof(
          written,
          written.map((path) => `/files${path}`),
        ),
        rules,
        (path, how) => {
          const router = routerWith(how)
          const found = findRoute(router, 'a', 'GET', path)
          if ('refusal' in found) return
          sent++
          for (const reading of readings(found.path)) {
            // Whether `/a/` is `/a` is not a question of spelling: a route says which it means.
            const theirs = router.find('a', 'GET', reading)?.value.name
            assert.equal(theirs, found.found?.value.name, `${path} went on as ${found.path}, read as ${reading}`)
          }
        },
      ),
      { numRuns: 4000 },
    )
    assert.ok(sent > 500, 'some are sent')
  })

  it('is the same when what was sent on is taken again', () => {
    fc.assert(
      fc.property(written, rules, (path, how) => {
        const router = routerWith(how)
        const once = findRoute(router, 'a', 'GET', path)
        if (!('refusal' in once)) assert.deepEqual(findRoute(router, 'a', 'GET', once.path), once)
      }),
      { numRuns: 2000 },
    )
  })

  const keep = { encodedSlash: 'keep', backslash: 'keep', semicolon: 'keep', doubleSlash: 'keep' } as const
  const decode = { encodedSlash: 'decode' } as const
  for (const [path, how, want] of [
    ['/files/a%2fb', {}, null],
    ['/files/a%2fb', keep, '/files/a%2Fb of /files/*'],
    ['/files/a%2fb', decode, '/files/a/b of /files/*'],
    ['/files/%2fa', keep, '/files/%2Fa of /files/*'],
    ['/files/a%2f/b', decode, '/files/a/b of /files/*'],
    ['/files/a%2f/b', { ...decode, doubleSlash: 'refuse' }, null],
    ['/files/admin%2fx', keep, null],
    ['/files/admin%2fx', decode, null],
    ['/files%2fadmin/x', keep, null],
    ['/files/a%2fx', decode, null],
    ['/files/..%2fadmin', keep, null],
    ['/files/..%2fadmin', decode, null],
    ['/files/a%2f../b', keep, null],
    ['/files/a%2fb/../c', keep, null],
    ['/%2fadmin', keep, null],
    ['/files\\a', keep, null],
    ['/files/a\\b', {}, null],
    ['/files/a\\b', keep, '/files/a%5Cb of /files/*'],
    ['/files/a%5cb', keep, '/files/a%5Cb of /files/*'],
    ['/files/..\\admin', keep, null],
    ['/files/a;v=1', {}, null],
    ['/files/a;v=1', keep, '/files/a;v=1 of /files/*'],
    ['/files/a%3bv', keep, '/files/a%3Bv of /files/*'],
    ['/files/..;/admin', keep, null],
    ['/files/.;x/admin', keep, null],
    ['/admin;x', keep, null],
    ['/files;x/admin/y', keep, null],
    ['/files/;/admin/y', keep, null],
    ['/files//a', {}, '/files/a of /files/*'],
    ['/files//a', keep, '/files//a of /files/*'],
    ['/files//a', { doubleSlash: 'refuse' }, null],
    ['/files//admin/x', keep, null],
    ['/files//a/../b', keep, null],
    ['//admin', keep, null],
    ['//admin', {}, '/admin of /admin'],
    ['/files/a%00', keep, null],
    ['/files/%zz', keep, null],
  ] as const) {
    it(`${path} with ${JSON.stringify(how)} is ${want}`, () => assert.equal(met(path, how), want))
  }

  it('gives the parameters of the path that is sent on', () => {
    const { router } = snapshotOf({
      routes: [routeOf('name', { path: '/n/:name' }, { pathRules: { encodedSlash: 'keep', semicolon: 'keep' } })],
    })
    const found = findRoute(router, 'a', 'GET', '/n/a;%62')
    assert.ok(!('refusal' in found))
    assert.deepEqual(found.found?.params, { name: 'a;b' })
    const slashed = findRoute(router, 'a', 'GET', '/n/group%2fproject')
    assert.ok(!('refusal' in slashed))
    assert.deepEqual(slashed.found?.params, { name: 'group%2Fproject' })
  })
})
