/** Operational webhooks' endpoints through the unmodified Svix clients. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHost, refused } from '../test-host.ts'

const URL = 'https://ops.example/hooks'

test('create, get, list, upsert, headers, secret, delete; engines hear of each', async (t) => {
  const { svix, svix1, changes } = await openHost(t)
  const { endpoint } = svix.operationalWebhook
  assert.deepEqual((await endpoint.list()).data, [])
  const made = await endpoint.create({
    url: URL,
    uid: 'ops',
    eventTypes: ['endpoint.disabled'],
    headers: { 'X-A': '1' },
  })
  assert.match(made.id, /^ep_/)
  assert.deepEqual([made.url, made.uid, made.eventTypes, made.disabled], [URL, 'ops', ['endpoint.disabled'], false])
  assert.equal(changes.at(-1)?.endpoints?.[0]?.id, made.id)
  assert.deepEqual(await endpoint.get('ops'), made)
  assert.deepEqual((await endpoint.getHeaders('ops')).headers, { 'X-A': '1' })
  await endpoint.setHeaders('ops', { headers: { Authorization: 'Bearer s' } })
  assert.deepEqual(await endpoint.getHeaders('ops'), { headers: {}, sensitive: ['Authorization'] })

  const { key } = await endpoint.getSecret('ops')
  await endpoint.rotateSecret('ops')
  assert.notEqual((await endpoint.getSecret('ops')).key, key)

  const other = await svix1.operationalWebhookEndpoint.update('second', { url: `${URL}/2` })
  assert.equal(other.uid, 'second')
  assert.equal((await endpoint.upsert('ops', { url: `${URL}/3` })).url, `${URL}/3`)
  assert.deepEqual(
    (await endpoint.list({ limit: 1 })).data.map(({ id }) => id),
    [other.id],
  )
  await endpoint.delete('ops')
  assert.deepEqual(changes.at(-1), { removedEndpoints: [made.id] })
  await refused(endpoint.get('ops'), 404, 'not_found')
  assert.equal((await refused(endpoint.create({ url: 'ftp://x.example/' }), 422)).detail[0]?.type, 'url-scheme')
})

test('whose they are is nobody’s application', async (t) => {
  const { svix } = await openHost(t)
  await svix.operationalWebhook.endpoint.create({ url: URL })
  assert.deepEqual((await svix.application.list()).data, [])
  await refused(svix.application.get('app_operational'), 404, 'not_found')
  await refused(svix.endpoint.list('app_operational'), 404, 'not_found')
  await refused(svix.application.delete('app_operational'), 404, 'not_found')
  await refused(svix.application.upsert('app_operational', { name: 'x' }), 404, 'not_found')
  await refused(svix.application.create({ name: 'x', uid: 'app_operational' }), 422)
})
