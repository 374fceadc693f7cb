/** Idempotency keys on everything but publishing, through the unmodified Svix client. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHost, refused } from '../test-host.ts'

test('the same request under the same key is done once and answered the same; another one is refused', async (t) => {
  const { svix, clock } = await openHost(t)
  const key = { idempotencyKey: 'k-1' }
  const first = await svix.application.create({ name: 'Shop' }, key)
  clock.advance(3_600_000)
  assert.deepEqual(await svix.application.create({ name: 'Shop' }, key), first)
  assert.equal((await svix.application.list()).data.length, 1)
  await refused(svix.application.create({ name: 'Other' }, key), 409, 'idempotency_key_reused')
  await refused(svix.eventType.create({ name: 'a', description: '' }, key), 409, 'idempotency_key_reused')
  const task = { since: new Date(0) }
  await svix.endpoint.create(first.id, { url: 'https://partner.example/', uid: 'main' }, { idempotencyKey: 'k-2' })
  const started = await svix.endpoint.recover(first.id, 'main', task, { idempotencyKey: 'k-3' })
  const again = await svix.endpoint.recover(first.id, 'main', task, { idempotencyKey: 'k-3' })
  assert.equal(again.id, started.id)
  const { key: before } = await svix.endpoint.getSecret(first.id, 'main')
  for (let i = 0; i < 2; i++) await svix.endpoint.rotateSecret(first.id, 'main', {}, { idempotencyKey: 'k-4' })
  const { key: after } = await svix.endpoint.getSecret(first.id, 'main')
  await svix.endpoint.rotateSecret(first.id, 'main', {}, { idempotencyKey: 'k-4' })
  assert.notEqual(after, before)
  assert.equal((await svix.endpoint.getSecret(first.id, 'main')).key, after, 'rotated once')

  clock.advance(24 * 3_600_000)
  assert.notEqual((await svix.application.create({ name: 'Shop' }, key)).id, first.id, 'a day later it is forgotten')
})

test('many at once under one key are one; what was refused may be tried again', async (t) => {
  const { svix } = await openHost(t)
  const made = await Promise.all(
    Array.from({ length: 8 }, () => svix.application.create({ name: 'Shop' }, { idempotencyKey: 'k' })),
  )
  assert.equal(new Set(made.map(({ id }) => id)).size, 1)
  const key = { idempotencyKey: 'later' }
  const endpoint = { url: 'https://partner.example/' }
  await refused(svix.endpoint.create('later', endpoint, key), 404, 'not_found')
  await svix.application.create({ name: 'Later', uid: 'later' })
  await svix.endpoint.create('later', endpoint, key)
  await refused(svix.application.create({ name: 'x' }, { idempotencyKey: 'k'.repeat(257) }), 422)
})
