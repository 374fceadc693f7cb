/** The configuration over HTTP: read, replaced, compared, kept, explained. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHost, TOKEN } from './test-host.ts'

/** The answer's JSON, as loosely typed as JSON is. */
const body = async (answer: Response) => JSON.parse(await answer.text())

test('the configuration is read, replaced, compared and kept', async (t) => {
  const { request, url } = await openHost(t)
  const put = (text: string, match?: string, type = 'application/yaml') =>
    fetch(`${url}/admin/v1/config`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': type, ...(match ? { 'if-match': match } : {}) },
      body: text,
    })
  assert.equal((await request('GET', '/admin/v1/config')).status, 503)

  const first = await put('routes: {} # one\n')
  assert.equal(first.status, 200)
  assert.deepEqual(await first.json(), { revision: 1 })
  const read = await request('GET', '/admin/v1/config')
  assert.equal(read.headers.get('content-type'), 'application/yaml')
  assert.equal(read.headers.get('etag'), '"1"')
  assert.equal(await read.text(), 'routes: {} # one\n')

  assert.equal((await put('routes: {} # two', '"1"')).headers.get('etag'), '"2"')
  const json = await put('{"routes": {}}', '*', 'application/json')
  assert.deepEqual(await json.json(), { revision: 3 })
  const wrapped = await fetch(`${url}/admin/v1/config`, {
    headers: { authorization: `Bearer ${TOKEN}`, accept: 'application/json' },
  })
  const { appliedAt, ...rest } = await body(wrapped)
  assert.deepEqual(rest, { revision: 3, text: '{"routes": {}}' })
  assert.match(String(appliedAt), /^2026-01-31T/)

  for (const stale of ['"1"', '"4"', 'W/"3"', '3', '"x"']) {
    const answer = await put('routes: {}', stale)
    assert.equal(answer.status, 412, stale)
    const problem = await body(answer)
    assert.deepEqual([problem.code, problem.current], ['revision-mismatch', 3])
  }

  const invalid = await put('routes:\n\tprofile: {}')
  assert.equal(invalid.status, 422)
  const problem = await body(invalid)
  assert.equal(problem.code, 'config-invalid')
  assert.deepEqual(problem.faults, [{ path: 'routes', line: 2, column: 1, message: 'No tabs.' }])
  assert.equal((await request('GET', '/admin/v1/config')).headers.get('etag'), '"3"', 'nothing changed')

  const revisions = (await body(await request('GET', '/admin/v1/revisions?limit=2'))).data
  assert.deepEqual(
    revisions.map(({ number }: { number: number }) => number),
    [3, 2],
  )
})

test('explain hands on the method and the URL', async (t) => {
  const { request } = await openHost(t)
  const answer = await request('GET', '/admin/v1/explain?method=post&url=/cart/add%3Fa%3D1')
  assert.deepEqual(await answer.json(), { method: 'POST', url: '/cart/add?a=1', route: 'profile' })
  const problem = await request('GET', '/admin/v1/explain?method=GET')
  assert.equal(problem.status, 422)
  assert.deepEqual((await body(problem)).errors, [
    { path: 'query.url', message: 'Invalid input: expected string, received undefined' },
  ])
})

test('explain says 422 of what is no URL', async (t) => {
  const { request } = await openHost(t, { explain: (_, url) => new URL(url).host })
  const problem = await request('GET', '/admin/v1/explain?url=nowhere')
  assert.equal(problem.status, 422)
  assert.deepEqual((await body(problem)).errors, [
    { path: 'query.url', message: 'must be a path that begins with /, or an http URL' },
  ])
})
