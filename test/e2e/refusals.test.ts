/** When the gateway says no: one shape, a stable code, and an access record with that code as its reason; and what the probes say. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { RawClient, exchangeOnce } from '../../src/selftest/raw-client.ts'
import { type RawResponse, valuesOf } from '../../src/selftest/raw-message.ts'
import { RecordingUpstream } from '../../src/selftest/recording-upstream.ts'
import { Receiver, closedPort } from './support/receiver.ts'

const receiver = await Receiver.start()
const worst = await RecordingUpstream.start()
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
services:
  up: ${receiver.url}
  worst: { instances: [${worst.url}], timeouts: { first-byte: 300ms } }
  dead: http://127.0.0.1:${await closedPort()}
consumers:
  mobile-app: { credentials: [{ api-key: key-of-the-mobile-app }] }
routes:
  up: { match: /up, proxy: up }
  small: { match: /small, body-max: 10B, proxy: up }
  worst: { match: /worst, proxy: worst }
  dead: { match: /dead, proxy: dead }
  keyed: { match: /keyed, policies: [request-id, key-auth], proxy: up }
  limited: { match: /limited, policies: [{ rate-limit: { limit: 1, per: 1h, by: ip } }], reply: { body: ok } }
  barred: { match: /barred, policies: [{ ip-restriction: { deny: [127.0.0.1] } }], reply: { body: ok } }
`)
after(async () => {
  await receiver.close()
  await worst.close()
  await postern.stop()
})

const send = (bytes: string): Promise<RawResponse> => exchangeOnce(postern.port(), bytes.replaceAll('\n', '\r\n'))

interface Row {
  readonly why: string
  readonly status: number
  readonly code: string
  readonly bytes: string
  /** The record's route; a request that never became one has none. */
  readonly route?: string
  /** How the worst of upstreams answers. */
  readonly upstream?: typeof worst.script.answer
}

const ROWS: readonly Row[] = [
  { why: 'no route', status: 404, code: 'route-not-found', bytes: 'GET /nowhere HTTP/1.1\nHost: a\n\n' },
  { why: 'no key', status: 401, code: 'credential-missing', bytes: 'GET /keyed HTTP/1.1\nHost: a\n\n', route: 'keyed' },
  {
    why: 'a wrong key',
    status: 401,
    code: 'credential-invalid',
    bytes: 'GET /keyed HTTP/1.1\nHost: a\nX-API-Key: wrong\n\n',
    route: 'keyed',
  },
  {
    why: 'a used-up limit',
    status: 429,
    code: 'rate-limited',
    bytes: 'GET /limited HTTP/1.1\nHost: a\n\n',
    route: 'limited',
  },
  {
    why: 'a barred address',
    status: 403,
    code: 'address-not-allowed',
    bytes: 'GET /barred HTTP/1.1\nHost: a\n\n',
    route: 'barred',
  },
  {
    why: 'a body that says it is too large',
    status: 413,
    code: 'body-too-large',
    bytes: 'POST /small HTTP/1.1\nHost: a\nContent-Length: 11\n\nhello world',
    route: 'small',
  },
  {
    why: 'a body that turns out too large',
    status: 413,
    code: 'body-too-large',
    bytes: 'POST /small HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n6\nhello \n5\nworld\n0\n\n',
    route: 'small',
  },
  {
    why: 'a path that reads two ways',
    status: 400,
    code: 'ambiguous-path',
    bytes: 'GET /up%2f HTTP/1.1\nHost: a\n\n',
  },
  { why: 'bytes that are no HTTP', status: 400, code: 'malformed-request', bytes: 'hello\n\n' },
  {
    why: 'framing that reads two ways',
    status: 400,
    code: 'ambiguous-framing',
    bytes: 'POST /up HTTP/1.1\nHost: a\nContent-Length: 1\nTransfer-Encoding: chunked\n\n0\n\n',
  },
  { why: 'no host', status: 400, code: 'invalid-host', bytes: 'GET /up HTTP/1.1\n\n' },
  {
    why: 'a dead service',
    status: 502,
    code: 'upstream-unreachable',
    bytes: 'GET /dead HTTP/1.1\nHost: a\n\n',
    route: 'dead',
  },
  {
    why: 'a service that hangs up',
    status: 502,
    code: 'upstream-reset',
    bytes: 'POST /worst HTTP/1.1\nHost: a\nContent-Length: 1\n\n.',
    route: 'worst',
    upstream: (socket) => socket.destroy(),
  },
  {
    why: 'a service that talks nonsense',
    status: 502,
    code: 'upstream-invalid',
    bytes: 'GET /worst HTTP/1.1\nHost: a\n\n',
    route: 'worst',
    upstream: 'HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab',
  },
  {
    why: 'a silent service',
    status: 504,
    code: 'upstream-timeout',
    bytes: 'GET /worst HTTP/1.1\nHost: a\n\n',
    route: 'worst',
    upstream: () => {},
  },
]
assert.equal((await send('GET /limited HTTP/1.1\nHost: a\n\n')).status, 200)
await postern.waitForRecords(1)

for (const { why, status, code, bytes, route = '', upstream } of ROWS) {
  test(`${status} ${code}: ${why}`, async () => {
    if (upstream !== undefined) worst.script = { answer: upstream }
    const before = postern.records().length
    const answer = await send(bytes)
    assert.deepEqual([answer.status, valuesOf(answer, 'content-type')], [status, ['application/problem+json']])
    const problem = JSON.parse(answer.body.toString())
    assert.deepEqual([problem.status, problem.code, problem.type], [status, code, `urn:postern:problem:${code}`])
    assert.equal(typeof problem.title, 'string')
    await postern.waitForRecords(before + 1)
    const record = postern.records()[before]!
    assert.deepEqual([record['reason'], record['status'], record['route']], [code, status, route])
  })
}

test('a record says who asked for what, who answered, how large and how long', async () => {
  receiver.at('/keyed', () => ({ body: 'hello' }))
  const headers = { 'X-API-Key': 'key-of-the-mobile-app' }
  await (await fetch(`${postern.gateway[0]}/keyed?token=secret`, { headers })).text()
  const record = await postern.waitForRecord(({ consumer }) => consumer === 'mobile-app')
  const { time, bytesIn, bytesOut, ms, request, ...rest } = record
  assert.deepEqual(rest, {
    kind: 'access',
    reason: 'ok',
    status: 200,
    client: '127.0.0.1',
    method: 'GET',
    host: '127.0.0.1',
    path: '/keyed',
    route: 'keyed',
    consumer: 'mobile-app',
    service: 'up',
    instance: `127.0.0.1:${receiver.port}`,
    tries: 1,
  })
  assert.ok(Math.abs(Number(time) - Date.now()) < 60_000)
  assert.ok(Number(bytesIn) > 0 && Number(bytesOut) > 5 && Number(ms) >= 0)
  assert.match(String(request), /^req_/)
})

test('a client that leaves before its answer has a record, and so has one that never asks', async () => {
  worst.script = { answer: () => {} }
  const before = worst.requests.length
  const leaving = await RawClient.connect(postern.port())
  await leaving.send('GET /worst HTTP/1.1\r\nHost: a\r\n\r\n')
  await worst.untilRequests(before + 1)
  leaving.close()
  const left = await postern.waitForRecord(({ reason }) => reason === 'client-abort')
  assert.deepEqual([left['status'], left['route']], [499, 'worst'])

  const silent = await RawClient.connect(postern.port())
  silent.close()
  const never = await postern.waitForRecord(({ reason }) => reason === 'no-request')
  assert.deepEqual([never['status'], never['method'], never['client']], [0, '', '127.0.0.1'])
})

test('probes answer without a token; everything else on the admin address asks for one', async () => {
  for (const [path, body] of [
    ['/health', { status: 'live' }],
    ['/ready', { status: 'ready' }],
  ] as const) {
    const answer = await fetch(postern.admin + path)
    assert.deepEqual([answer.status, JSON.parse(await answer.text())], [200, body])
  }
  for (const path of ['/admin/v1/config', '/admin/v1/messages', '/api/v1/app', '/admin/openapi.json']) {
    for (const headers of [{}, { Authorization: 'Bearer wrong' }]) {
      assert.equal((await fetch(postern.admin + path, { headers })).status, 401, path)
    }
  }
  assert.equal((await fetch(`${postern.admin}/api/v1/app/a/msg`, { method: 'POST', body: '{}' })).status, 401)
})

test('metrics count what happens, by route and by class of status', async () => {
  const scrape = async () => {
    const answer = await fetch(`${postern.admin}/metrics`)
    assert.match(answer.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
    const samples = [...(await answer.text()).matchAll(/^(\S+) (\S+)$/gm)]
    return new Map(samples.map(([, sample, value]) => [sample!, value!]))
  }
  const before = await scrape()
  for (const path of ['/up', '/up', '/dead', '/keyed']) await (await fetch(postern.gateway[0] + path)).text()
  await send('hello\n\n')
  const after = await scrape()
  const added = (sample: string): number => Number(after.get(sample)) - Number(before.get(sample) ?? 0)
  assert.equal(after.get('postern_revision'), '1')
  assert.equal(added('postern_requests_total{route="up",class="2xx"}'), 2)
  assert.equal(added('postern_requests_total{route="dead",class="5xx"}'), 1)
  assert.equal(added('postern_requests_total{route="keyed",class="4xx"}'), 1)
  assert.equal(added('postern_request_duration_seconds_count{route="up"}'), 2)
  assert.equal(added('postern_request_duration_seconds_bucket{route="up",le="+Inf"}'), 2)
  assert.equal(added('postern_refused_total{code="malformed-request"}'), 1)
})
