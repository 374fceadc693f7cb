/** One reading of the path: what is matched is what is forwarded, and what could be read as another path is refused (RFC 3986 §6.2). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Arbitrary, constantFrom, sample, tuple } from 'fast-check'
import { AMBIGUOUS_PATHS, SPELLINGS_OF_ADMIN, paths } from '../../src/selftest/corpus/paths.ts'
import { exchangeOnce } from '../../src/selftest/raw-client.ts'
import { HERE, requests } from './corpus.ts'
import { forwardings } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isProblem, refusals } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({
  routes: `
  admin: { match: { path: /admin }, reply: { body: admin } }
  admin-below: { match: { path: /admin/* }, reply: { body: admin } }
  kept:
    match: /kept/*
    path-rules: { encoded-slash: keep, backslash: keep, semicolon: keep, double-slash: keep }
    proxy: up
  kept-admin: { match: /kept/admin/*, reply: { body: admin } }
  # What it keeps whole could be a path of \`all\`.
  project: { match: /project/:id, path-rules: { encoded-slash: keep }, proxy: up }
  decoded: { match: /decoded/*, path-rules: { encoded-slash: decode }, proxy: up }
  decoded-admin: { match: /decoded/admin/*, reply: { body: admin } }
  single: { match: /single/*, path-rules: { double-slash: refuse }, proxy: up }
`,
})

const get = (target: string): string => crlf(`GET ${target} HTTP/1.1⏎Host: a⏎⏎`)

const AMBIGUOUS_PATH = { status: 400, code: 'ambiguous-path' }

for (const path of [
  ...AMBIGUOUS_PATHS,
  '/..',
  '/../admin',
  '/a/../../admin',
  '/%2e%2e/admin',
  '/kept/..%2fadmin',
  '/kept/a%2f..%2f../admin',
  '/kept/..;/admin',
  '/kept/..%5cadmin',
  '/kept/admin%2fx',
  '/kept/admin%5cx',
  '/project/group%2Fname',
  '/kept;x/admin/y',
  '/kept/;/admin/y',
  '/kept%2fadmin/x',
  '/kept/a%2fb/../c',
  '/kept//a/../b',
  '/decoded/admin%2fx',
  '/decoded/..%2fadmin',
  '/decoded/a;b',
  '/single//a',
]) {
  test(`refused: ${path}`, async () => {
    isProblem(await exchangeOnce(rig.postern.port(), get(path)), AMBIGUOUS_PATH)
    const trace = await rig.settle(path, [{ reason: AMBIGUOUS_PATH.code, status: AMBIGUOUS_PATH.status }])
    assert.deepEqual(trace, { requests: [], partial: [] })
  })
}

for (const path of [
  ...SPELLINGS_OF_ADMIN,
  '///admin//',
  '/admin/',
  '/admin/.',
  '/admin/a/..',
  '/kept//admin/x',
  '/decoded//admin/%61',
  '/admin?/../a',
  'http://a/admin',
  'http://a//a/%2e%2e/%61dmin',
  'HTTP://a/admin',
]) {
  test(`is /admin: ${path}`, async () => {
    const answer = await exchangeOnce(rig.postern.port(), get(path))
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'admin'])
    const trace = await rig.settle(path, [{ reason: 'reply', status: 200 }])
    assert.deepEqual(trace, { requests: [], partial: [] })
  })
}

/** A letter, or one of its escapes. */
function letter(c: string): Arbitrary<string> {
  const hex = c.charCodeAt(0).toString(16)
  return constantFrom(c, c, `%${hex}`, `%${hex.toUpperCase()}`)
}

const ADMIN = tuple(...Array.from('admin', letter)).map((all) => all.join(''))

test('no spelling of /admin comes past its route', async () => {
  // All of them are /admin, or below it, or above the root, to an upstream that decodes and resolves.
  const slash = constantFrom('/', '/', '/', '//', '/./', '/%2e/', '%2f', '%5c', '\\', '/;/', '/.;a/')
  const detour = constantFrom('', '', '/a/..', '/x/%2e%2e', '/a/b/../..', '/..', '/a/..;', '/a%2f..')
  const spelling = tuple(detour, slash, ADMIN, constantFrom('', '/', '/x', '/x/..', ';a', '%00', '?x', '/%2e'))
    .map((all) => all.join(''))
    .filter((target) => target.startsWith('/'))
  const spellings = sample(spelling, { numRuns: 300, seed: 20_260_101 })
  const records: { reason: string; status: number }[] = []
  for (const target of spellings) {
    const answer = await exchangeOnce(rig.postern.port(), get(target))
    const refused = answer.status === 400
    if (!refused) assert.deepEqual([answer.status, answer.body.toString()], [200, 'admin'], target)
    records.push(refused ? { reason: 'ambiguous-path', status: 400 } : { reason: 'reply', status: 200 })
  }
  const trace = await rig.settle('spellings of /admin', records)
  assert.deepEqual(trace, { requests: [], partial: [] })
})

const to = (path: string) => [{ start: `GET ${path} HTTP/1.1` }]
forwardings(rig, [
  { name: 'dot segments resolved', send: get('/a/./b/../c'), upstream: to('/a/c') },
  { name: 'a dot segment at the end', send: get('/a/b/..'), upstream: to('/a/') },
  { name: 'a dot at the end', send: get('/a/.'), upstream: to('/a/') },
  { name: 'empty segments merged', send: get('/a//b///c'), upstream: to('/a/b/c') },
  { name: 'a slash at the end kept', send: get('/a/'), upstream: to('/a/') },
  { name: 'dots that are no segment', send: get('/a/...b/.c/d..'), upstream: to('/a/...b/.c/d..') },
  { name: 'unreserved escapes decoded', send: get('/%61/%7Eb%2D%5f'), upstream: to('/a/~b-_') },
  { name: 'reserved escapes kept, in capitals', send: get('/a%3ab%2bc%40'), upstream: to('/a%3Ab%2Bc%40') },
  { name: 'other bytes kept escaped', send: get('/%c3%A9%20'), upstream: to('/%C3%A9%20') },
  {
    name: 'an escaped percent is not decoded twice',
    send: get('/%252e%252e/%2561'),
    upstream: to('/%252e%252e/%2561'),
  },
  { name: 'sub-delimiters as they are', send: get("/a!$&'()*+,=:@b"), upstream: to("/a!$&'()*+,=:@b") },
  {
    name: 'the query as it is',
    send: get('/a?b=%2f..//%00%zz;c=\\&d={"e"}&f=/../g?h'),
    upstream: to('/a?b=%2f..//%00%zz;c=\\&d={"e"}&f=/../g?h'),
  },
  { name: 'a route that keeps %2F', send: get('/kept/a%2fb'), upstream: to('/kept/a%2Fb') },
  { name: 'a route that keeps backslashes', send: get('/kept/a\\b%5cc'), upstream: to('/kept/a%5Cb%5Cc') },
  { name: 'a route that keeps semicolons', send: get('/kept/a;v=1/b%3b'), upstream: to('/kept/a;v=1/b%3B') },
  { name: 'a route that keeps empty segments', send: get('/kept//a///b//'), upstream: to('/kept//a///b//') },
  { name: 'a route that decodes %2F', send: get('/decoded/a%2fb%2F/c'), upstream: to('/decoded/a/b/c') },
  { name: 'an empty query', send: get('/a?'), upstream: to('/a?') },
  { name: 'absolute form', send: get('http://a/b?c'), upstream: to('/b?c') },
  { name: 'absolute form without a path', send: get('http://a'), upstream: to('/') },
  { name: 'absolute form with only a query', send: get('http://a?b'), upstream: to('/?b') },
])

requests(
  rig,
  paths(HERE).filter(({ refused }) => refused?.code === 'malformed-request'),
)

refusals(
  rig,
  [
    ['a path above ASCII', get('/\xe9')],
    ['* for another method than OPTIONS', get('*')],
    ['absolute form of another scheme', get('ftp://a/b')],
    ['authority form', get('a:80')],
  ].map(([name = '', send = '']) => ({ name, send, status: 400, code: 'malformed-request' })),
)

rig.checkRecords()
