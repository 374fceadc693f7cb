/** A method that no route takes on a path that has routes: 405, and what would be taken (RFC 9110 §15.5.6). Matched to the letter. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeOnce } from '../../src/selftest/raw-client.ts'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isProblem } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({
  catchAll: false,
  routes: `
  read: { match: { path: /only, methods: [GET] }, proxy: up }
  written: { match: { path: /only, methods: [PUT] }, proxy: up }
`,
})

for (const method of [
  'POST',
  'DELETE',
  'OPTIONS',
  'get',
  'Put',
  'GETT',
  'PROPFIND',
  "!#$%&'*+-.^_`|~",
  'M'.repeat(32),
]) {
  test(`405: ${method}`, async () => {
    const answer = await exchangeOnce(
      rig.postern.port(),
      crlf(`${method} /only HTTP/1.1⏎Host: a⏎X-HTTP-Method-Override: GET⏎X-HTTP-Method: GET⏎⏎`),
    )
    isProblem(answer, { status: 405, code: 'method-not-allowed' })
    assert.deepEqual(valuesOf(answer, 'allow'), ['GET, PUT, HEAD'])
    const trace = await rig.settle(method, [{ reason: 'method-not-allowed', status: 405 }])
    assert.deepEqual(trace, { requests: [], partial: [] })
  })
}

test('a path without a route is 404, whatever the method', async () => {
  isProblem(await exchangeOnce(rig.postern.port(), crlf('POST /other HTTP/1.1⏎Host: a⏎Content-Length: 0⏎⏎')), {
    status: 404,
    code: 'route-not-found',
  })
  await rig.settle('404', [{ reason: 'route-not-found', status: 404 }])
})

rig.checkRecords()
