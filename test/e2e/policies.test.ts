/** Policies on the running gateway, together and in order: keys, limits, CORS, ids, addresses, headers. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { Receiver } from './support/receiver.ts'

const [KEY, OTHER_KEY] = ['key-of-the-mobile-app', 'key-of-the-partner-app']
const receiver = await Receiver.start()
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
services:
  up: ${receiver.url}
consumers:
  mobile-app: { credentials: [{ api-key: ${KEY} }] }
  partner-app: { credentials: [{ api-key: ${OTHER_KEY} }] }
policies: [request-id, { cors: { origins: [https://shop.example], expose: [X-Request-Id] } }]
routes:
  keyed: { match: /keyed, policies: [key-auth], proxy: up }
  bearer: { match: /bearer, policies: [{ key-auth: { bearer: true, query: key } }], proxy: up }
  by-consumer:
    match: /by-consumer
    policies: [{ rate-limit: { limit: 3, per: 1h, by: consumer } }, key-auth]
    reply: { body: ok }
  by-ip: { match: /by-ip, policies: [{ rate-limit: { limit: 2, per: 1h, by: ip } }], reply: { body: ok } }
  by-header:
    match: /by-header
    policies: [{ rate-limit: { limit: 1, per: 1h, by: { header: X-Tenant } } }]
    reply: { body: ok }
  two-limits:
    match: /two-limits
    policies:
      - rate-limit: { limit: 100, per: 1h, by: ip, name: hour }
      - rate-limit: { limit: 1, per: 1m, by: ip, name: minute }
    reply: { body: ok }
  spent: { match: /spent, policies: [{ rate-limit: { limit: 1, per: 1h, by: ip } }], reply: { body: ok } }
  inside: { match: /inside, policies: [{ ip-restriction: { allow: [127.0.0.0/8] } }], reply: { body: ok } }
  outside: { match: /outside, policies: [{ ip-restriction: { deny: [127.0.0.1] } }], reply: { body: ok } }
  headers:
    match: /headers
    policies:
      - key-auth
      - headers:
          request: { set: { X-Who: "$\${consumer} at $\${client-address}", Host: up.internal, Authorization: Basic dXA6, X-Real-IP: "$\${client-address}" }, remove: [Cookie] }
          response: { add: { Warning: 199 - old }, remove: [Server, Via], set: { X-Way: "$\${path}" } }
    proxy: up
`)
const [gateway] = postern.gateway
after(async () => {
  await receiver.close()
  await postern.stop()
})

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(gateway + path, { method, headers })

/** Checks that an answer is the problem with this code, in the form that RFC 9457 gives it. */
async function refused(answer: Response, status: number, code: string): Promise<void> {
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  const body = JSON.parse(await answer.text())
  assert.deepEqual(
    [answer.status, body.status, body.code, body.type],
    [status, status, code, `urn:postern:problem:${code}`],
  )
  assert.equal(typeof body.title, 'string')
}

test('key-auth: no key, a wrong key, two keys, the right key', async () => {
  await refused(await ask('/keyed'), 401, 'credential-missing')
  await refused(await ask('/keyed', { 'X-API-Key': 'wrong' }), 401, 'credential-invalid')
  await refused(await ask('/keyed', { 'X-API-Key': `${KEY}x` }), 401, 'credential-invalid')
  await refused(await ask('/keyed', { Authorization: `Bearer ${KEY}` }), 401, 'credential-missing')
  assert.match((await ask('/keyed')).headers.get('www-authenticate')!, /^ApiKey/)
  assert.equal(receiver.at('/keyed').taken.length, 0)

  const answer = await ask('/keyed', { 'X-API-Key': KEY, 'X-Consumer-Name': 'root' })
  assert.equal(answer.status, 200)
  const [taken] = receiver.at('/keyed').taken
  assert.deepEqual([taken!.headers['x-api-key'], taken!.headers['x-consumer-name']], [undefined, 'mobile-app'])
})

test('key-auth: the key as a bearer token or in the query, where the route says so; the service sees neither', async () => {
  assert.equal((await ask('/bearer?a=1', { Authorization: `Bearer ${KEY}` })).status, 200)
  assert.equal((await ask(`/bearer?key=${OTHER_KEY}&a=1`)).status, 200)
  await refused(await ask('/bearer?a=1', { Authorization: 'Bearer no' }), 401, 'credential-invalid')
  const taken = receiver
    .at('/bearer')
    .taken.map(({ url, headers }) => [url, headers['authorization'], headers['x-consumer-name']])
  assert.deepEqual(taken, [
    ['/bearer?a=1', undefined, 'mobile-app'],
    ['/bearer?a=1', undefined, 'partner-app'],
  ])
})

test('rate-limit: a consumer has its own count, is told where it stands, and is refused beyond it', async () => {
  const standing: (string | null)[] = []
  for (let i = 0; i < 3; i++) {
    const answer = await ask('/by-consumer', { 'X-API-Key': KEY })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('ratelimit-policy'), '"default";q=3;w=3600')
    standing.push(/r=\d+/.exec(answer.headers.get('ratelimit')!)![0])
  }
  assert.deepEqual(standing, ['r=2', 'r=1', 'r=0'])

  const refusal = await ask('/by-consumer', { 'X-API-Key': KEY })
  const retryAfter = Number(refusal.headers.get('retry-after'))
  assert.ok(retryAfter > 0 && retryAfter <= 1_200, `one place is free again within 20 minutes: ${retryAfter}`)
  assert.equal(refusal.headers.get('ratelimit-policy'), '"default";q=3;w=3600')
  assert.equal(refusal.headers.get('ratelimit'), `"default";r=0;t=${retryAfter}`)
  await refused(refusal, 429, 'rate-limited')

  assert.equal((await ask('/by-consumer', { 'X-API-Key': OTHER_KEY })).status, 200)
  await refused(await ask('/by-consumer'), 401, 'credential-missing')
})

test('rate-limit: by address and by header', async () => {
  for (const status of [200, 200, 429])
    assert.equal((await ask('/by-ip', { 'X-Forwarded-For': '192.0.2.1' })).status, status)
  for (const [tenant, status] of [
    ['a', 200],
    ['a', 429],
    ['b', 200],
    ['b', 429],
  ] as const) {
    assert.equal((await ask('/by-header', { 'X-Tenant': tenant })).status, status)
  }
})

test('rate-limit: two limits are both named, and the one that is used up refuses', async () => {
  const first = await ask('/two-limits')
  assert.equal(first.status, 200)
  assert.match(first.headers.get('ratelimit')!, /^"hour";r=99;t=\d+, "minute";r=0;t=\d+$/)
  const second = await ask('/two-limits')
  assert.equal(second.status, 429)
  assert.match(second.headers.get('ratelimit')!, /"minute";r=0/)
})

test('cors: a browser’s preflight is answered without a key, and every answer to it can be read, refusals too', async () => {
  const origin = { Origin: 'https://shop.example' }
  const asked = { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-api-key' }
  const preflight = await ask('/keyed', { ...origin, ...asked }, 'OPTIONS')
  assert.deepEqual(
    [
      preflight.status,
      preflight.headers.get('access-control-allow-origin'),
      preflight.headers.get('access-control-allow-headers'),
    ],
    [204, 'https://shop.example', 'x-api-key'],
  )
  assert.match(preflight.headers.get('access-control-allow-methods')!, /POST/)
  assert.equal((await ask('/spent')).status, 200)
  for (const [path, status] of [
    ['/keyed', 401],
    ['/nowhere', 404],
    ['/outside', 403],
    ['/spent', 429],
    ['/inside', 200],
  ] as const) {
    const answer = await ask(path, origin)
    assert.deepEqual(
      [answer.status, answer.headers.get('access-control-allow-origin')],
      [status, 'https://shop.example'],
    )
    assert.equal(answer.headers.get('access-control-expose-headers'), 'X-Request-Id')
    assert.match(answer.headers.get('vary')!, /Origin/)
  }
  const stranger = await ask('/inside', { Origin: 'https://evil.example' })
  assert.deepEqual([stranger.status, stranger.headers.get('access-control-allow-origin')], [200, null])
})

test('request-id: the client, the service and the access record have the same one', async () => {
  const answer = await ask('/keyed', { 'X-API-Key': KEY, 'X-Request-Id': 'mine' })
  const id = answer.headers.get('x-request-id')!
  assert.match(id, /^req_[0-9A-Za-z]{27}$/)
  assert.equal(receiver.at('/keyed').taken.at(-1)!.headers['x-request-id'], id)
  const record = await postern.waitForRecord(({ request }) => request === id)
  assert.deepEqual([record['route'], record['consumer']], ['keyed', 'mobile-app'])
  assert.match((await ask('/nowhere')).headers.get('x-request-id')!, /^req_/)
})

test('ip-restriction: by the address of the connection, whatever a header says', async () => {
  assert.equal((await ask('/inside')).status, 200)
  await refused(await ask('/outside', { 'X-Forwarded-For': '192.0.2.1' }), 403, 'address-not-allowed')
})

test('headers: set, added and removed in both directions', async () => {
  receiver.at('/headers', () => ({ headers: { Server: 'up/1', Via: '1.1 up', Warning: '110 - stale' } }))
  const answer = await ask('/headers', { 'X-API-Key': KEY, Cookie: 'a=b', 'X-Who': 'root' })
  assert.deepEqual(
    ['server', 'via', 'warning', 'x-way'].map((name) => answer.headers.get(name)),
    [null, null, '110 - stale, 199 - old', '/headers'],
  )
  const [taken] = receiver.at('/headers').taken
  assert.deepEqual(
    ['host', 'cookie', 'x-who', 'authorization', 'x-real-ip'].map((name) => taken!.headers[name]),
    ['up.internal', undefined, 'mobile-app at 127.0.0.1', 'Basic dXA6', '127.0.0.1'],
  )
})
