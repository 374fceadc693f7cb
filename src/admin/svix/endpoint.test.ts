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
  for (const url of [
    '',
    'partner.example',
    'ftp://partner.example/',
    'file:///etc/passwd',
    'https://user:pass@partner.example/',
    'https://partner.example/a b',
    'https://partner.example/\n',
    'https://internal.example/',
  ]) {
    const attempts = [
      svix.endpoint.create('shop', { url }),
      svix.endpoint.patch('shop', 'main', { url }),
      svix.endpoint.upsert('shop', 'main', { url }),
      svix.endpoint.upsert('shop', 'new', { url }),
    ]
    for (const attempt of attempts) {
      assert.deepEqual((await refused(attempt, 422)).detail[0]?.loc, ['body', 'url'], JSON.stringify(url))
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

test('a secret is made or given; rotation keeps the previous one beside it', async (t) => {
  const { svix, store } = await openHost(t)
  const app = await svix.application.create({ name: 'Shop', uid: 'shop' })
  const secrets = async () => (await store.getEndpoint(app.id, 'main'))?.secrets
  const given = `whsec_${randomBytes(32).toString('base64')}`
  await svix.endpoint.create('shop', { url: URL, uid: 'main', secret: given.slice('whsec_'.length) })
  assert.deepEqual(await secrets(), [given])

  await svix.endpoint.rotateSecret('shop', 'main')
  const { key: made } = await svix.endpoint.getSecret('shop', 'main')
  assert.notEqual(made, given)
  new Webhook(made).sign('msg_1', new Date(), '{}')
  assert.deepEqual(await secrets(), [made, given])

  const own = `whsec_${randomBytes(24).toString('base64')}`
  await svix.endpoint.rotateSecret('shop', 'main', { key: own })
  assert.deepEqual(await secrets(), [own, made])
  await refused(svix.endpoint.rotateSecret('shop', 'main', { key: own }), 422)
  await refused(svix.endpoint.rotateSecret('shop', 'main', { key: 'short' }), 422)
  await refused(svix.endpoint.create('shop', { url: URL, secret: 'whsec_AA==' }), 422)

  await svix.endpoint.rotateSecret('shop', 'main', { gracePeriodSeconds: 0 })
  assert.equal((await secrets())?.length, 1)
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
