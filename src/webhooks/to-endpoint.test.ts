/** What endpoints get that are more than plain: credentials, tokens, transformed payloads, CloudEvents; and how an attempt ends without them. */
import assert from 'node:assert/strict'
import { type TestContext, describe, it } from 'node:test'
import { HTTP } from 'cloudevents'
import { Webhook } from 'standardwebhooks'
import { EVENT, PostRig, respond } from '../../test/support/unit/post-rig.ts'
import { type DestinationAuth, type OAuth2Auth, PLAIN_SENDING, type Sending } from '../model/sending.ts'
import type { Message } from '../model/webhook.ts'
import { valuesOf } from '../selftest/raw-message.ts'
import type { RecordedRequest } from '../selftest/recording-upstream.ts'
import type { Settlement } from '../store/port.ts'
import { deliver } from './deliver.ts'

const DETAILS = { tags: null, deliverAt: null, expiresAt: null, expunged: false }
const MESSAGE: Message = { ...EVENT, ...DETAILS, id: 'msg_1', createdAt: 1_700_000_000_000 }

function attempt(rig: PostRig, endpointId = 'ep', message = MESSAGE): Promise<Settlement> {
  const delivery = {
    id: 'dlv_1',
    messageId: 'msg_1',
    endpointId,
    state: 'delivering',
    attempts: 0,
    nextAt: null,
  } as const
  const claimed = { delivery, message, before: { state: 'pending', nextAt: 0 } } as const
  return new Promise((resolve) => deliver(claimed, 'scheduled', rig.deliverDeps(), resolve))
}

async function withSending(t: TestContext, sending: Partial<Sending>): Promise<PostRig> {
  const rig = await PostRig.start(t)
  await rig.endpoint('ep', 204, { sending: { ...PLAIN_SENDING, ...sending } })
  return rig
}

const withCode = (code: string, fields = {}) => ({
  transformation: { code, enabled: true, variables: {}, updatedAt: 0 },
  ...fields,
})

/** Checks that the reference library would have signed what arrived so, at the time that the held clock shows. */
function assertSigned(request: RecordedRequest, secret: string): void {
  const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map(
    (name) => valuesOf(request, `webhook-${name}`)[0],
  )
  assert.equal(new Webhook(secret).sign(id!, new Date(Number(timestamp) * 1_000), request.body.toString()), signature)
}

/** An authorization server at the receiver's `/token`; every token it gives is another. */
async function withTokens(t: TestContext, fields: Partial<OAuth2Auth> = {}, answer = { expires_in: 3600 }) {
  const rig = await PostRig.start(t)
  let given = 0
  rig.behaves('token', (request) =>
    respond(
      request,
      200,
      'Content-Type: application/json\r\n',
      JSON.stringify({ access_token: `token-${++given}`, token_type: 'Bearer', ...answer }),
    ),
  )
  const auth: OAuth2Auth = {
    kind: 'oauth2',
    tokenUrl: `${rig.receiver.url}/token`,
    clientId: 'shop:1',
    clientSecret: 'p&ss',
    scope: '',
    audience: '',
    clientAuth: 'basic',
    ...fields,
  }
  await rig.endpoint('ep', 204, { sending: { ...PLAIN_SENDING, auth } })
  const shown = () => rig.requestsTo('ep').map((request) => valuesOf(request, 'authorization')[0])
  return { rig, shown }
}

describe('credentials', () => {
  for (const [auth, name, value] of [
    [{ kind: 'basic', username: 'shop', password: 'pässword' }, 'authorization', 'Basic c2hvcDpww6Rzc3dvcmQ='],
    [{ kind: 'bearer', token: 'abc' }, 'authorization', 'Bearer abc'],
    [{ kind: 'header', name: 'X-Api-Key', value: 'abc' }, 'x-api-key', 'abc'],
  ] satisfies [DestinationAuth, string, string][]) {
    it(`of the kind ${auth.kind} go with every attempt, once`, async (t) => {
      const rig = await withSending(t, { auth })
      assert.equal((await attempt(rig)).state, 'delivered')
      assert.deepEqual(valuesOf(rig.requestsTo('ep')[0]!, name), [value])
    })
  }
})

describe('OAuth2 tokens', () => {
  it('are fetched once for all who wait, kept, and fetched anew before they end', async (t) => {
    const { rig, shown } = await withTokens(t)
    await Promise.all([attempt(rig), attempt(rig), attempt(rig)])
    rig.clock.advance(3_500_000)
    await attempt(rig)
    assert.deepEqual(
      shown(),
      Array.from({ length: 4 }, () => 'Bearer token-1'),
    )
    rig.clock.advance(50_000)
    await attempt(rig)
    assert.equal(shown().at(-1), 'Bearer token-2')
    const [request] = rig.requestsTo('token')
    assert.equal(valuesOf(request!, 'authorization')[0], `Basic ${Buffer.from('shop%3A1:p%26ss').toString('base64')}`)
    assert.equal(request!.body.toString(), 'grant_type=client_credentials')
  })

  it('are asked for with scope, audience and the client in the form where that is said', async (t) => {
    const { rig } = await withTokens(t, { scope: 'a b', audience: 'https://api', clientAuth: 'body' })
    await attempt(rig)
    const [request] = rig.requestsTo('token')
    assert.deepEqual(valuesOf(request!, 'authorization'), [])
    assert.deepEqual(Object.fromEntries(new URLSearchParams(request!.body.toString())), {
      grant_type: 'client_credentials',
      scope: 'a b',
      audience: 'https://api',
      client_id: 'shop:1',
      client_secret: 'p&ss',
    })
  })

  it('that the endpoint refuses are dropped once', async (t) => {
    const { rig, shown } = await withTokens(t)
    rig.behaves('ep', 401)
    const [first, second] = await Promise.all([attempt(rig), attempt(rig)])
    assert.deepEqual([first.state, second.attempt.status], ['pending', 401])
    rig.behaves('ep', 204)
    assert.equal((await attempt(rig)).state, 'delivered')
    assert.deepEqual(shown(), ['Bearer token-1', 'Bearer token-1', 'Bearer token-2'])
  })

  for (const [what, status, body] of [
    ['a refusal', 401, '{"error":"invalid_client"}'],
    ['no JSON', 200, '<html>'],
    ['no token', 200, '{"token_type":"Bearer"}'],
    ['another kind of token', 200, '{"access_token":"x","token_type":"mac"}'],
    ['a token that is no header', 200, '{"access_token":"x\\r\\ny: z","token_type":"Bearer"}'],
  ] as const) {
    it(`cannot be had of a server that answers ${what}: the attempt fails with that reason and is made again`, async (t) => {
      const { rig } = await withTokens(t)
      rig.behaves('token', (request) => respond(request, status, '', body))
      const { attempt: made, state } = await attempt(rig)
      assert.deepEqual([state, made.status, made.failure], ['pending', 0, 'token-refused'])
      assert.match(made.response, new RegExp(`answered ${status} without a token`))
      assert.equal(rig.requestsTo('ep').length, 0)
    })
  }

  it('are not fetched from an address that may not be called', async (t) => {
    const { rig } = await withTokens(t, { tokenUrl: 'http://169.254.169.254/token' })
    assert.equal((await attempt(rig)).attempt.failure, 'token-refused')
  })
})

describe('a transformation', () => {
  it('makes what is sent, which is then signed', async (t) => {
    const rig = await PostRig.start(t)
    const url = `${rig.receiver.url}/moved?x=1`
    const code = `function handler(w) {
      return { ...w, method: 'PUT', url: '${url}', payload: { was: w.payload, type: w.eventType }, headers: { 'X-Own': 'yes' } }
    }`
    const { secrets } = await rig.endpoint('ep', 204, withCode(code))
    const { attempt: made, state } = await attempt(rig)
    assert.deepEqual([state, made.url], ['delivered', url])
    const request = rig.receiver.requests.at(-1)!
    assert.deepEqual([request.method, request.target, valuesOf(request, 'x-own')], ['PUT', '/moved?x=1', ['yes']])
    assertSigned(request, secrets[0]!)
    assert.deepEqual(JSON.parse(request.body.toString()), { was: { item: 1 }, type: 'cart.item_added' })
  })

  for (const [what, code, reason] of [
    ['throws', 'function handler() { throw new Error("no stock") }', /no stock/],
    ['loops', 'function handler() { for (;;) {} }', /more than 500 ms/],
    ['sends to a file', 'function handler(w) { return { ...w, url: "file:///etc/passwd" } }', /http or https/],
    ['puts credentials into the URL', 'function handler(w) { return { ...w, url: "http://a:b@c/" } }', /credentials/],
    ['frames', 'function handler(w) { return { ...w, headers: { "Content-Length": "1" } } }', /Content-Length/],
    [
      'forges',
      'function handler(w) { return { ...w, headers: { "webhook-signature": "v1,x" } } }',
      /webhook-signature/,
    ],
    ['speaks oddly', 'function handler(w) { return { ...w, method: "CONNECT" } }', /POST, PUT, PATCH or DELETE/],
  ] as const) {
    it(`that ${what} fails its attempt with a reason; the next endpoint is served`, async (t) => {
      const rig = await PostRig.start(t)
      await rig.endpoint('ep', 204, withCode(code))
      await rig.endpoint('other', 204, withCode('function handler(w) { return w }'))
      const { attempt: made, state } = await attempt(rig)
      assert.deepEqual([state, made.failure], ['pending', 'transformation-failed'])
      assert.match(made.response, reason)
      assert.equal(rig.requestsTo('ep').length, 0)
      assert.equal((await attempt(rig, 'other')).state, 'delivered')
    })
  }

  it('cannot send to an address that may not be called, nor break out of a header', async (t) => {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep', 204, withCode('function handler(w) { return { ...w, url: "http://169.254.169.254/" } }'))
    assert.equal((await attempt(rig)).attempt.failure, 'blocked-address')
    await rig.endpoint('ep', 204, withCode('function handler(w) { return { ...w, headers: { a: "b\\r\\nc: d" } } }'))
    assert.equal((await attempt(rig)).attempt.failure, 'unsendable')
  })

  it('may cancel, and is passed over when it is off', async (t) => {
    const rig = await PostRig.start(t)
    const code = 'function handler(w) { w.cancel = true; return w }'
    await rig.endpoint('ep', 204, withCode(code))
    const { state, attempt: made } = await attempt(rig)
    assert.deepEqual([state, made.failure, rig.requestsTo('ep').length], ['cancelled', 'transformation-cancelled', 0])
    await rig.endpoint('ep', 204, { transformation: { code, enabled: false, variables: {}, updatedAt: 0 } })
    assert.equal((await attempt(rig)).state, 'delivered')
  })
})

describe('CloudEvents', () => {
  for (const format of ['cloudevents-structured', 'cloudevents-binary'] as const) {
    it(`${format}: their own library reads it, and the signature covers what was sent`, async (t) => {
      const rig = await withSending(t, { format })
      const { secrets } = rig.directory.endpoint('ep')!.endpoint
      assert.equal((await attempt(rig)).state, 'delivered')
      const [request] = rig.requestsTo('ep')
      const names = ['content-type', 'ce-specversion', 'ce-id', 'ce-source', 'ce-type', 'ce-time']
      const lines = names.flatMap((name) => valuesOf(request!, name).map((value) => [name, value]))
      const event = HTTP.toEvent({ headers: Object.fromEntries(lines), body: request!.body.toString() })
      assert.ok(!Array.isArray(event))
      assert.deepEqual(
        [event.id, event.type, event.source, event.data, new Date(event.time!).getTime()],
        ['msg_1', 'cart.item_added', 'urn:postern:consumer:app_1', { item: 1 }, MESSAGE.createdAt],
      )
      assertSigned(request!, secrets[0]!)
    })
  }

  it('keeps the payload’s bytes: a number that no JavaScript could hold arrives as it was', async (t) => {
    const rig = await withSending(t, { format: 'cloudevents-structured' })
    const payload = Buffer.from('{"n":12345678901234567890}')
    await attempt(rig, 'ep', { ...MESSAGE, payload })
    assert.ok(rig.requestsTo('ep')[0]!.body.includes(payload))
  })

  it('escapes what a header cannot hold', async (t) => {
    const rig = await withSending(t, { format: 'cloudevents-binary' })
    await attempt(rig, 'ep', { ...MESSAGE, eventType: 'größe "50%" €' })
    assert.deepEqual(valuesOf(rig.requestsTo('ep')[0]!, 'ce-type'), ['gr%C3%B6%C3%9Fe%20%2250%25%22%20%E2%82%AC'])
  })
})
