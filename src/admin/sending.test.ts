/** How an endpoint's deliveries are made, over HTTP: what is taken, what is refused, and that no secret comes back. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openHost, TOKEN } from './test-host.ts'

async function open(t: TestContext) {
  const host = await openHost(t)
  const app = await host.svix.application.create({ name: 'Shop', uid: 'shop' })
  await host.svix.endpoint.create('shop', { url: 'https://receiver.example/hook', uid: 'main' })
  const ask = async (method: string, body?: object, path = '') => {
    const answer = await fetch(`${host.url}/admin/v1/consumers/shop/endpoints/main/sending${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, text, json: JSON.parse(text) }
  }
  const stored = async () => (await host.store.getEndpoint(app.id, 'main'))!
  return { ...host, ask, stored }
}

test('it is plain, changed piece by piece, told to the engines, and shows no secret', async (t) => {
  const { ask, stored, changes } = await open(t)
  const plain = (await ask('GET')).json
  assert.deepEqual([plain.headerPrefixes, plain.auth, plain.format, plain.publicKeys], [['webhook'], null, 'plain', []])
  const canary = 'canary-4711'
  for (const auth of [
    { kind: 'basic', username: 'shop', password: canary },
    { kind: 'bearer', token: canary },
    { kind: 'header', name: 'X-Key', value: canary },
    { kind: 'oauth2', tokenUrl: 'https://id.example/token', clientId: 'shop', clientSecret: canary },
  ]) {
    const changed = await ask('PATCH', { auth })
    assert.equal(changed.status, 200, changed.text)
    assert.ok(!changed.text.includes(canary))
    assert.ok(!(await ask('GET')).text.includes(canary))
    assert.ok(JSON.stringify((await stored()).sending.auth).includes(canary))
  }
  await ask('PATCH', { headerPrefixes: ['webhook', 'svix'], scheme: { provider: 'github', secrets: [canary] } })
  const { json, text } = await ask('PATCH', { auth: null })
  assert.deepEqual([json.headerPrefixes, json.scheme], [['webhook', 'svix'], { provider: 'github', secrets: 1 }])
  assert.ok(!text.includes(canary))
  assert.deepEqual(changes.at(-1)?.endpoints?.[0]?.sending, (await stored()).sending)
})

test('a private key is made once; a rotation replaces it and leaves the other secret alone', async (t) => {
  const { ask, stored, svix } = await open(t)
  const made = await ask('POST', undefined, '/keys')
  assert.equal(made.status, 201)
  assert.match(made.json.publicKeys[0], /^whpk_/)
  assert.ok(!made.text.includes('whsk_'))
  assert.equal((await ask('POST', undefined, '/keys')).status, 409)
  const [secret, key] = (await stored()).secrets
  await svix.endpoint.rotateSecret('shop', 'main')
  const after = await stored()
  assert.ok(after.secrets.includes(key!))
  assert.deepEqual(
    after.retiring.map((one) => one.secret),
    [secret],
  )
})

test('what cannot be is refused with its place, and changes nothing', async (t) => {
  const { ask, stored } = await open(t)
  const before = await stored()
  for (const [body, place] of [
    [{ headerPrefixes: [] }, 'json.headerPrefixes'],
    [{ headerPrefixes: ['Web\r\nHook'] }, 'json.headerPrefixes.0'],
    [{ headerPrefixes: ['a', 'a'] }, 'json.headerPrefixes'],
    [{ scheme: { provider: 'nobody' } }, 'json.scheme.provider'],
    [{ scheme: { provider: 'stripe', secrets: [' '] } }, 'json.scheme.secrets'],
    [{ auth: { kind: 'bearer', token: 'a\r\nb' } }, 'json.auth.token'],
    [{ auth: { kind: 'basic', username: 'a:b', password: 'c' } }, 'json.auth.username'],
    [{ auth: { kind: 'header', name: 'Content-Length', value: '1' } }, 'json.auth.name'],
    [{ auth: { kind: 'header', name: 'webhook-id', value: '1' } }, 'json.auth.name'],
    [{ auth: { kind: 'magic' } }, 'json.auth.kind'],
    [
      { auth: { kind: 'oauth2', tokenUrl: 'https://a:b@id.example/', clientId: 'a', clientSecret: 'b' } },
      'json.auth.tokenUrl',
    ],
    [{ clientCertificate: { certificate: 'x', key: 'y' } }, 'json.clientCertificate'],
    [{ format: 'xml' }, 'json.format'],
    [{ filter: { a: { $regex: '.*' } } }, 'json.filter.a.$regex'],
    [{ filter: 'order.paid' }, 'json.filter'],
    [{ nonsense: 1 }, 'json'],
  ] as const) {
    const { status, json, text } = await ask('PATCH', body)
    assert.equal(status, 422, text)
    assert.equal(json.errors[0].path, place, text)
  }
  assert.deepEqual(await stored(), before)
})
