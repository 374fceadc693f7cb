/** The admin server from outside: what is open, what the token opens, the OpenAPI document, what goes wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bearerCheck } from './bearer.ts'
import { openHost, TOKEN } from './test-host.ts'

/** The answer's JSON, as loosely typed as JSON is. */
const body = async (answer: Response) => JSON.parse(await answer.text())

test('probes and metrics are open; everything else wants the token, in the words of its API', async (t) => {
  let ready = false
  const { url } = await openHost(t, { ready: () => ready })
  assert.equal((await fetch(`${url}/health`)).status, 200)
  assert.equal((await fetch(`${url}/ready`)).status, 503)
  ready = true
  assert.equal((await fetch(`${url}/ready`)).status, 200)
  const metrics = await fetch(`${url}/metrics`)
  assert.equal(metrics.status, 200)
  assert.match(metrics.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
  assert.equal(await metrics.text(), 'postern_up 1\n')
  assert.equal((await fetch(`${url}/`)).status, 200)

  for (const path of [
    '/admin/v1/config',
    '/admin/openapi.json',
    '/admin/v1/nothing',
    '/nothing',
    '/metrics/x',
    '/%61dmin/v1/config',
    '//admin/v1/config',
    '/health/../admin/v1/config',
  ]) {
    for (const authorization of ['', 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN} x`]) {
      const answer = await fetch(url + path, { headers: authorization === '' ? {} : { authorization } })
      assert.equal(answer.status, 401, `${path} ${authorization}`)
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer')
      assert.equal(answer.headers.get('content-type'), 'application/problem+json')
      assert.equal((await body(answer)).code, 'unauthorized')
    }
  }
  for (const path of ['/api/v1/app', '/api/v1/health', '/api/nothing', '/ingest/api/v1/source']) {
    const answer = await fetch(url + path)
    assert.equal(answer.status, 401)
    assert.equal((await body(answer)).code, 'authentication_failed')
  }
})

test('the scheme is read in any case, the token is not', () => {
  const allowed = bearerCheck('Secret')
  assert.equal(allowed('bearer Secret'), true)
  assert.equal(allowed('BEARER  Secret'), true)
  assert.equal(allowed('Bearer secret'), false)
  assert.equal(allowed('Secret'), false)
  assert.equal(allowed(undefined), false)
  assert.equal(bearerCheck('')(undefined), false)
})

test('what is not there is a problem', async (t) => {
  const { request } = await openHost(t)
  const answer = await request('GET', '/admin/v1/nothing')
  assert.equal(answer.status, 404)
  assert.equal((await body(answer)).type, 'urn:postern:problem:not-found')
  assert.equal((await body(await request('GET', '/api/v1/nothing'))).code, 'not_found')
})

test('the OpenAPI document has every path, and the schemas that requests are checked with', async (t) => {
  const { request } = await openHost(t)
  const document = await body(await request('GET', '/admin/openapi.json'))
  assert.equal(document.openapi, '3.1.0')
  for (const path of ['/admin/v1/config', '/api/v1/app/{app_id}/msg', '/api/v1/app/{app_id}/endpoint/{endpoint_id}']) {
    assert.ok(path in document.paths, path)
  }
  type Operation = { operationId: string; security?: unknown }
  const operations = Object.values<Record<string, Operation>>(document.paths).flatMap((path) => Object.values(path))
  assert.ok(operations.every(({ security }) => security !== undefined))
  const names = operations.map(({ operationId }) => operationId)
  assert.equal(new Set(names).size, names.length, 'names are unique')
  assert.deepEqual(document.components.schemas.EndpointIn.required, ['url'])
  assert.ok('Problem' in document.components.schemas)
  assert.deepEqual(document.components.securitySchemes, { bearer: { type: 'http', scheme: 'bearer' } })
})

test('bodies have a limit, counted when it is not declared', async (t) => {
  const { request, url } = await openHost(t)
  const large = '#'.repeat(4 * 1024 * 1024 + 1)
  const problem = await request('PUT', '/admin/v1/config', { body: large, type: 'application/yaml' })
  assert.equal(problem.status, 413)
  assert.equal((await body(problem)).code, 'body-too-large')
  assert.equal((await request('POST', '/api/v1/app', { body: large, type: 'application/json' })).status, 413)

  const put = (text: string) =>
    fetch(`${url}/admin/v1/config`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${TOKEN}` },
      body: new Blob([text]).stream(),
      duplex: 'half',
    })
  assert.equal((await put('routes: {}')).status, 200)
  assert.equal((await put(large)).status, 413)
  assert.equal(await (await request('GET', '/admin/v1/config')).text(), 'routes: {}')
})

test('what goes wrong inside is reported, and not told to the client', async (t) => {
  const seen: unknown[] = []
  const wrong = new Error('secret detail')
  const { request } = await openHost(t, {
    explain: () => {
      throw wrong
    },
    directoryChanged: () => Promise.reject(wrong),
    fault: (error) => seen.push(error),
  })
  const problem = await request('GET', '/admin/v1/explain?url=/')
  assert.equal(problem.status, 500)
  assert.doesNotMatch(await problem.text(), /secret/)
  const refusal = await request('POST', '/api/v1/app', { body: '{"name":"x"}', type: 'application/json' })
  assert.equal(refusal.status, 500)
  assert.deepEqual(await refusal.json(), { code: 'server_error', detail: 'Something went wrong here.' })
  assert.deepEqual(seen, [wrong, wrong])
})

test('a store that cannot answer is 503 in both APIs', async (t) => {
  const seen: unknown[] = []
  const { request, store } = await openHost(t, { fault: (error) => seen.push(error) })
  await store.close()
  assert.equal((await body(await request('GET', '/admin/v1/stats'))).code, 'store-unavailable')
  assert.equal((await request('GET', '/api/v1/app')).status, 503)
  assert.equal(seen.length, 2)
})
