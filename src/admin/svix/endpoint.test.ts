/** Endpoints, their headers and their secrets through the unmodified Svix client. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Ordering, Webhook } from 'svix'
import { openHost, refused } from '../test-host.ts'

const URL = 'https://partner.example/hooks'

test('create, get by id and uid, list, update, patch, delete; engines hear of each', async (t) => {
  const { svix, changes } = await openHost(t)
  const app = await svix.application.create({ name: 'Shop', uid: 'shop' })
  const made = await svix.endpoint.create('shop', {
    url: URL,
    uid: 'main',
    description: 'Orders',
    eventTypes: ['order.paid', 'order.paid', 'order.sent'],
    channels: ['eu'],
    metadata: { team: 'a' },
    headers: { 'X-Team': 'a' },
  })
  assert.match(made.id, /^ep_[0-9A-Za-z]{27}$/)
  assert.equal(made.url, URL)
  assert.equal(made.disabled, false)
  assert.deepEqual(made.eventTypes, ['order.paid', 'order.sent'])
  assert.equal(changes.at(-1)?.endpoints?.[0]?.id, made.id)
  assert.deepEqual(await svix.endpoint.get(app.id, made.id), made)
  assert.deepEqual(await svix.endpoint.get('shop', 'main'), made)

  const patched = await svix.endpoint.patch('shop', 'main', { disabled: true, eventTypes: null })
  assert.equal(patched.disabled, true)
  assert.equal(patched.eventTypes, null)
  assert.deepEqual(patched.channels, ['eu'])

  const secret = await svix.endpoint.getSecret('shop', 'main')
  const replaced = await svix.endpoint.upsert('shop', made.id, { url: `${URL}/2` })
  assert.deepEqual(
    [replaced.url, replaced.uid, replaced.description, replaced.disabled, replaced.channels, replaced.metadata],
    [`${URL}/2`, 'main', '', false, null, {}],
  )
  assert.deepEqual(await svix.endpoint.getSecret('shop', 'main'), secret, 'replacing keeps the secret')
  assert.deepEqual((await svix.endpoint.getHeaders('shop', 'main')).headers, { 'X-Team': 'a' })

  const second = await svix.endpoint.upsert('shop', 'second', { url: URL })
  assert.equal(second.uid, 'second')
  assert.deepEqual((await svix.endpoint.list('shop', { order: Ordering.Ascending })).data.map(idOf), [
    made.id,
    second.id,
  ])
  assert.deepEqual((await svix.endpoint.list('shop')).data.map(idOf), [second.id, made.id])

  await svix.endpoint.delete('shop', 'main')
  assert.deepEqual(changes.at(-1), { removedEndpoints: [made.id] })
  await refused(svix.endpoint.get('shop', made.id), 404, 'not_found')
  await svix.application.delete('shop')
  assert.deepEqual(changes.at(-1), { removedConsumers: [app.id], removedEndpoints: [second.id] })
})

test('an endpoint belongs to its application', async (t) => {
  const { svix } = await openHost(t)
  await svix.application.create({ name: 'A', uid: 'a' })
  await svix.application.create({ name: 'B', uid: 'b' })
  const { id } = await svix.endpoint.create('a', { url: URL, uid: 'x' })
  await refused(svix.endpoint.get('b', id), 404, 'not_found')
  await refused(svix.endpoint.delete('b', id), 404, 'not_found')
  await refused(svix.endpoint.create('a', { url: URL, uid: 'x' }), 409, 'conflict')
  await svix.endpoint.create('b', { url: URL, uid: 'x' })
})

test('URLs that deliveries must not go to are refused', async (t) => {
  const { svix } = await openHost(t, {
    egressAllowed: (url) => (url.includes('internal') ? 'A private target.' : null),
  })
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  await svix.endpoint.create('shop', { url: URL, uid: 'main' })
  for (const [url, rule] of [
    ['', 'value_error'],
    ['partner.example', 'url-absolute'],
    ['ftp://partner.example/', 'url-scheme'],
    ['file:///etc/passwd', 'url-scheme'],
    ['https://user:pass@partner.example/', 'url-credentials'],
    ['https://partner.example/a b', 'url-characters'],
    ['https://partner.example/\n', 'url-characters'],
    ['https://internal.example/', 'url-address'],
  ] as const) {
    const attempts = [
      () => svix.endpoint.create('shop', { url }),
      () => svix.endpoint.patch('shop', 'main', { url }),
      () => svix.endpoint.upsert('shop', 'main', { url }),
      () => svix.endpoint.upsert('shop', 'new', { url }),
    ]
    for (const attempt of attempts) {
      const [fault] = (await refused(attempt(), 422)).detail
      assert.deepEqual([fault?.loc, fault?.type], [['body', 'url'], rule], JSON.stringify(url))
    }
  }
  assert.equal((await svix.endpoint.get('shop', 'main')).url, URL)
})

test('headers are set, patched, hidden when they are credentials, and never the sender’s own', async (t) => {
  const { svix } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  await svix.endpoint.create('shop', { url: URL, uid: 'main' })
  assert.deepEqual(await svix.endpoint.getHeaders('shop', 'main'), { headers: {}, sensitive: [] })
  await svix.endpoint.setHeaders('shop', 'main', { headers: { 'X-A': '1', 'X-B': '2', Authorization: 'Bearer s' } })
  assert.deepEqual(await svix.endpoint.getHeaders('shop', 'main'), {
    headers: { 'X-A': '1', 'X-B': '2' },
    sensitive: ['Authorization'],
  })
  await svix.endpoint.patchHeaders('shop', 'main', { headers: { 'x-a': '3', 'X-C': '4' }, deleteHeaders: ['x-b'] })
  assert.deepEqual((await svix.endpoint.getHeaders('shop', 'main')).headers, { 'x-a': '3', 'X-C': '4' })

  const wrong: Record<string, string>[] = [
    { Host: 'x' },
    { 'content-length': '1' },
    { Connection: 'close' },
    { 'Transfer-Encoding': 'chunked' },
    { 'webhook-id': 'x' },
    { 'Svix-Signature': 'x' },
    { 'X-A': 'a\r\nX-B: b' },
    { 'X-A': 'a\u0000' },
    { 'X A': 'a' },
    { 'X-A\r\n': 'a' },
    { 'X-A': 'a', 'x-a': 'b' },
  ]
  for (const headers of wrong) {
    await refused(svix.endpoint.setHeaders('shop', 'main', { headers }), 422)
    await refused(svix.endpoint.patchHeaders('shop', 'main', { headers }), 422)
    await refused(svix.endpoint.create('shop', { url: URL, headers }), 422)
  }
  assert.deepEqual((await svix.endpoint.getHeaders('shop', 'main')).headers, { 'x-a': '3', 'X-C': '4' })
})

test('a secret is made or given; those before it sign on for their grace, a day unless said', async (t) => {
  const { svix, store, clock } = await openHost(t)
  const app = await svix.application.create({ name: 'Shop', uid: 'shop' })
  const stored = async () => {
    const { secrets, retiring } = (await store.getEndpoint(app.id, 'main'))!
    const now = clock.now()
    return [...secrets, ...retiring.map(({ secret, until }) => [secret, Math.ceil((until - now) / 60_000)])]
  }
  const given = `whsec_${randomBytes(32).toString('base64')}`
  await svix.endpoint.create('shop', { url: URL, uid: 'main', secret: given.slice('whsec_'.length) })
  assert.deepEqual(await stored(), [given])

  await svix.endpoint.rotateSecret('shop', 'main')
  const { key: made } = await svix.endpoint.getSecret('shop', 'main')
  assert.notEqual(made, given)
  new Webhook(made).sign('msg_1', new Date(), '{}')
  assert.deepEqual(await stored(), [made, [given, 24 * 60]])

  const own = `whsec_${randomBytes(24).toString('base64')}`
  await svix.endpoint.rotateSecret('shop', 'main', { key: own, gracePeriodSeconds: 3_600 })
  assert.deepEqual(await stored(), [own, [made, 60], [given, 24 * 60]])
  await refused(svix.endpoint.rotateSecret('shop', 'main', { key: own }), 422)
  await refused(svix.endpoint.rotateSecret('shop', 'main', { key: 'short' }), 422)
  await refused(svix.endpoint.rotateSecret('shop', 'main', { gracePeriodSeconds: 7 * 24 * 3600 + 1 }), 422)
  await refused(svix.endpoint.create('shop', { url: URL, secret: 'whsec_AA==' }), 422)

  clock.advance(3_600_000)
  await svix.endpoint.rotateSecret('shop', 'main', { key: made, gracePeriodSeconds: 0 })
  assert.deepEqual(await stored(), [made], 'without grace none that went before signs on')
  for (let i = 0; i < 12; i++) await svix.endpoint.rotateSecret('shop', 'main')
  assert.equal((await stored()).length, 11, 'the header has room for ten old ones')
})

test('a transformation is kept, changed piece by piece, taken away; engines hear of it', async (t) => {
  const { svix, svix1, changes } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  await svix.endpoint.create('shop', { url: URL, uid: 'main' })
  const none = { code: null, enabled: false, variables: null, updatedAt: null }
  assert.deepEqual(await svix.endpoint.transformation.get('shop', 'main'), none)
  await refused(svix.endpoint.transformation.patch('shop', 'main', { enabled: true }), 422)

  const code = 'function handler(webhook) { return webhook }'
  await svix.endpoint.transformation.patch('shop', 'main', { code, variables: { region: 'eu' } })
  assert.equal(changes.at(-1)?.endpoints?.[0]?.transformation?.enabled, false)
  await svix1.endpoint.patchTransformation('shop', 'main', { enabled: true })
  const kept = await svix1.endpoint.transformationGet('shop', 'main')
  assert.deepEqual([kept.code, kept.enabled, kept.variables], [code, true, { region: 'eu' }])
  assert.ok(kept.updatedAt instanceof Date)
  await svix.endpoint.transformationPartialUpdate('shop', 'main', { enabled: false })
  await svix.endpoint.upsert('shop', 'main', { url: URL })
  assert.equal((await svix.endpoint.transformation.get('shop', 'main')).code, code, 'replacing keeps it')
  await svix.endpoint.transformation.patch('shop', 'main', { code: null })
  assert.deepEqual(await svix.endpoint.transformation.get('shop', 'main'), none)
})

test('rates are kept, under both of their names', async (t) => {
  const { svix, svix1 } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop', throttleRate: 50 })
  assert.equal((await svix1.application.get('shop')).rateLimit, 50)
  assert.equal((await svix.application.patch('shop', { name: 'Shop 2' })).throttleRate, 50)
  assert.equal((await svix1.application.patch('shop', { rateLimit: null })).throttleRate, null)
  await svix1.endpoint.create('shop', { url: URL, uid: 'main', rateLimit: 5 })
  assert.equal((await svix.endpoint.get('shop', 'main')).throttleRate, 5)
  assert.equal((await svix.endpoint.patch('shop', 'main', { throttleRate: null })).throttleRate, null)
  await refused(svix.endpoint.patch('shop', 'main', { throttleRate: 0 }), 422)
})

test('changes at the same time do not undo each other', async (t) => {
  const { svix } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  await svix.endpoint.create('shop', { url: URL, uid: 'main' })
  await Promise.all([
    svix.endpoint.patch('shop', 'main', { description: 'd' }),
    svix.endpoint.patch('shop', 'main', { disabled: true }),
    svix.endpoint.setHeaders('shop', 'main', { headers: { 'X-A': '1' } }),
    svix.endpoint.patch('shop', 'main', { channels: ['eu'] }),
  ])
  const { description, disabled, channels } = await svix.endpoint.get('shop', 'main')
  assert.deepEqual([description, disabled, channels], ['d', true, ['eu']])
  assert.deepEqual((await svix.endpoint.getHeaders('shop', 'main')).headers, { 'X-A': '1' })
})

test('the names that 1.x clients use are understood and answered', async (t) => {
  const { request, svix } = await openHost(t)
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const body = JSON.stringify({ url: URL, filterTypes: ['a.b'], version: 1, rateLimit: 5 })
  const answer = await request('POST', '/api/v1/app/shop/endpoint/', { body, type: 'application/json' })
  assert.equal(answer.status, 201)
  const made = JSON.parse(await answer.text())
  assert.deepEqual(made.filterTypes, ['a.b'])
  assert.deepEqual(made.eventTypes, ['a.b'])
  assert.equal(made.version, 1)
})

const idOf = ({ id }: { id: string }): string => id
