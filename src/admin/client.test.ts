/** The typed client against the running server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminRefused, createAdminClient } from './client.ts'
import { openHost, TOKEN } from './test-host.ts'

test('the configuration: put, get, compare-and-set, faults, revisions', async (t) => {
  const { url } = await openHost(t)
  const client = createAdminClient({ url: `${url}/`, token: TOKEN })
  assert.deepEqual(await client.health(), { live: true, ready: true })
  assert.deepEqual(await client.putConfig('routes: {}'), { revision: 1 })
  assert.deepEqual(await client.putConfig('routes: {} # 2', 1), { revision: 2 })
  const { revision, text } = await client.config()
  assert.deepEqual([revision, text], [2, 'routes: {} # 2'])
  assert.equal((await client.revisions(1)).data[0]?.number, 2)
  await assert.rejects(client.putConfig('routes: {}', 1), {
    name: 'AdminRefused',
    status: 412,
    code: 'revision-mismatch',
  })
  const error = await client.putConfig('\t').catch((thrown: unknown) => thrown)
  assert.ok(error instanceof AdminRefused)
  assert.equal(error.code, 'config-invalid')
  assert.deepEqual(error.body?.['faults'], [{ path: 'routes', line: 1, column: 1, message: 'No tabs.' }])
  assert.deepEqual(await client.explain('GET', '/user/1'), { method: 'GET', url: '/user/1', route: 'profile' })
})

test('publish, deliveries, replay, stats, and a tail of attempts', async (t) => {
  const { url, svix, attempt, clock } = await openHost(t)
  const client = createAdminClient({ url, token: TOKEN })
  await svix.application.create({ name: 'Shop', uid: 'shop' })
  const endpoint = await svix.endpoint.create('shop', { url: 'https://partner.example/' })
  const { id } = await client.publish('shop', { eventType: 'a', payload: { n: 1 } })
  assert.deepEqual(
    (await client.deliveries(id)).data.map(({ endpointId, state }) => [endpointId, state]),
    [[endpoint.id, 'pending']],
  )
  const before = await attempt(id, endpoint.id, { status: 500, response: '' })

  const stop = new AbortController()
  const tail = client.tail({ after: before }, stop.signal)
  clock.advance(10)
  const second = await attempt(id, endpoint.id, { status: 500, response: '' })
  assert.equal((await tail.next()).value?.id, second)
  const next = tail.next()
  const slow = await attempt(id, endpoint.id, { status: 500, response: '', tookMs: 3 })
  assert.ok(slow > before && slow < second, 'it began before one that is recorded already')
  assert.equal((await next).value?.id, slow)
  const third = await attempt(id, endpoint.id, { status: 200, response: '' })
  assert.equal((await tail.next()).value?.id, third)
  stop.abort()
  assert.equal((await tail.next()).done, true)
  const fromNow = client.tail({}, AbortSignal.abort())
  assert.equal((await fromNow.next()).done, true)

  await client.replay(id, endpoint.id)
  await assert.rejects(client.replay(id, 'ep_none'), { status: 404 })
  await assert.rejects(client.publish('nobody', { eventType: 'a', payload: {} }), { status: 404, code: 'not_found' })
  assert.equal((await client.stats()).messages, 1)
  assert.equal((await client.messages({ limit: 1 })).data[0]?.id, id)
  assert.equal((await client.attempts({ message: id, limit: 1 })).data[0]?.id, third)
})

test('a wrong token is a refusal; nobody there is a fault', async (t) => {
  const { url } = await openHost(t)
  await assert.rejects(createAdminClient({ url, token: 'wrong' }).config(), { status: 401, code: 'unauthorized' })
  await assert.rejects(createAdminClient({ url: 'http://127.0.0.1:1', token: TOKEN }).health(), TypeError)
})
