/** headers: what it does, by example. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvalidHeader } from '../../wire/outgoing.ts'
import type { Lines } from '../../../test/support/policy.ts'
import { answer, configError, createPolicy, exchange, onResponse, sentUpstream } from '../../../test/support/policy.ts'
import { headers } from './headers.ts'

/** The lines that go upstream when the client sends these. */
async function toUpstream(request: object, lines: Lines = []): Promise<string[]> {
  const out = await sentUpstream(createPolicy(headers, { request }), exchange('GET', '/', lines))
  return [...out.entries()].map(([name, value]) => `${name}: ${value}`).filter((line) => line !== 'Host: api.example')
}

/** The lines that the client gets when the upstream sends these. */
async function toClient(response: object, lines: Lines): Promise<string[]> {
  const res = answer(200, lines)
  await onResponse(createPolicy(headers, { response }), exchange('GET', '/'), res)
  return [...res.headers.entries()].map(([name, value]) => `${name}: ${value}`)
}

describe('headers', () => {
  it('sets: one line, whatever was there', async () => {
    assert.deepEqual(await toUpstream({ set: { 'X-Stage': 'live' } }), ['X-Stage: live'])
    assert.deepEqual(
      await toUpstream({ set: { 'X-Stage': 'live' } }, ['x-stage', 'a', 'Accept', '*/*', 'X-STAGE', 'b']),
      ['Accept: */*', 'X-Stage: live'],
    )
  })

  it('adds: a line beside those that are there', async () => {
    assert.deepEqual(await toUpstream({ add: { Via: '1.1 postern' } }, ['Via', '1.1 edge']), [
      'Via: 1.1 edge',
      'Via: 1.1 postern',
    ])
  })

  it('removes every line of a name', async () => {
    assert.deepEqual(await toUpstream({ remove: ['Cookie'] }, ['cookie', 'a=1', 'Accept', '*/*', 'Cookie', 'b=2']), [
      'Accept: */*',
    ])
  })

  it('does the same to answers', async () => {
    const response = { set: { 'Cache-Control': 'no-store' }, add: { 'Set-Cookie': 'seen=1' }, remove: ['Server'] }
    assert.deepEqual(await toClient(response, ['Server', 'nginx', 'cache-control', 'public', 'Set-Cookie', 'a=1']), [
      'Set-Cookie: a=1',
      'Cache-Control: no-store',
      'Set-Cookie: seen=1',
    ])
  })

  it('may say which host the upstream sees', async () => {
    const out = await sentUpstream(
      createPolicy(headers, { request: { set: { Host: 'inner.example' } } }),
      exchange('GET', '/'),
    )
    assert.equal(out.get('host'), 'inner.example')
  })

  it('costs nothing where nothing is to be done', () => {
    assert.deepEqual(Object.keys(createPolicy(headers, { request: { remove: ['Cookie'] } })), ['upstreamRequest'])
    assert.deepEqual(Object.keys(createPolicy(headers)), [])
  })
})

describe('headers: placeholders', () => {
  it('stand for what is known of the exchange', async () => {
    const set = { 'X-Who': '${consumer} at ${client-address}', 'X-What': '<${path}>', 'X-Id': '${request-id}' }
    const x = exchange('GET', '/cart/7?q=1', [], '2001:db8::7')
    x.consumer = { name: 'mobile-app' }
    x.requestId = 'req_1'
    const out = await sentUpstream(createPolicy(headers, { request: { set } }), x)
    assert.equal(out.get('x-who'), 'mobile-app at 2001:db8::7')
    assert.equal(out.get('x-what'), '</cart/7>')
    assert.equal(out.get('x-id'), 'req_1')
  })

  it('are empty where there is nothing to say: what the client sent is replaced all the same', async () => {
    assert.deepEqual(await toUpstream({ set: { 'X-Who': '${consumer}' } }, ['X-Who', 'admin']), ['X-Who: '])
  })

  it('cannot break out of their line', async () => {
    const policy = createPolicy(headers, { request: { set: { 'X-Who': '${consumer}' } } })
    const x = exchange('GET', '/')
    x.consumer = { name: 'a\r\nX-Admin: true' }
    await assert.rejects(sentUpstream(policy, x), InvalidHeader)
  })

  it('that mean nothing are configuration errors', () => {
    assert.match(
      configError(headers, { request: { set: { 'X-A': '${env}' } } })!,
      /X-A: has an unknown placeholder; known are \$\{consumer\}/,
    )
    assert.match(configError(headers, { request: { set: { 'X-A': '${toString}' } } })!, /unknown placeholder/)
  })
})

describe('headers: what belongs to the wire', () => {
  it('cannot be touched', () => {
    for (const name of [
      'Connection',
      'content-length',
      'Transfer-Encoding',
      'Upgrade',
      'TE',
      'Keep-Alive',
      'Trailer',
    ]) {
      for (const edit of [{ set: { [name]: 'x' } }, { add: { [name]: 'x' } }, { remove: [name] }]) {
        assert.match(configError(headers, { request: edit })!, /request/, name)
        assert.match(configError(headers, { response: edit })!, /response/, name)
      }
    }
  })

  it('includes the host, but for setting it on a request', () => {
    assert.equal(configError(headers, { request: { set: { host: 'inner.example' } } }), null)
    assert.match(configError(headers, { request: { remove: ['Host'] } })!, /belongs to the connection/)
    assert.notEqual(configError(headers, { request: { add: { Host: 'x' } } }), null)
    assert.notEqual(configError(headers, { response: { set: { Host: 'x' } } }), null)
  })

  it('includes line ends and names that are none', () => {
    assert.match(configError(headers, { response: { set: { 'X-A': 'a\r\nX-B: b' } } })!, /X-A: is not a header value/)
    assert.notEqual(configError(headers, { response: { set: { 'X A': 'a' } } }), null)
  })
})
