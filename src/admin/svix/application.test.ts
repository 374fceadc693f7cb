/** Applications through the unmodified Svix client. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHost, refused } from '../test-host.ts'

test('create, get by id and uid, list, update, patch, delete', async (t) => {
  const { svix, changes } = await openHost(t)
  const made = await svix.application.create({ name: 'Shop', uid: 'shop', metadata: { plan: 'pro' } })
  assert.match(made.id, /^app_[0-9A-Za-z]{27}$/)
  assert.ok(made.createdAt instanceof Date && !Number.isNaN(made.createdAt.getTime()))
  assert.deepEqual(made.metadata, { plan: 'pro' })
  assert.deepEqual(await svix.application.get(made.id), made)
  assert.deepEqual(await svix.application.get('shop'), made)

  const replaced = await svix.application.upsert('shop', { name: 'The shop' })
  assert.equal(replaced.name, 'The shop')
  assert.equal(replaced.uid, 'shop', 'a uid that the body does not speak of stays')
  assert.deepEqual(replaced.metadata, {})

  const patched = await svix.application.patch(made.id, { uid: null, metadata: { a: 'b' } })
  assert.equal(patched.uid, null)
  assert.equal(patched.name, 'The shop')
  assert.deepEqual((await svix.application.list()).data, [patched])

  await svix.application.delete(made.id)
  await refused(svix.application.get(made.id), 404, 'not_found')
  await refused(svix.application.delete(made.id), 404, 'not_found')
  assert.deepEqual((await svix.application.list()).data, [])
  assert.deepEqual(changes.at(-1), { removedConsumers: [made.id], removedEndpoints: [] })
})

test('upsert creates with the uid of the path; get-or-create gives what is there', async (t) => {
  const { svix } = await openHost(t)
  const made = await svix.application.upsert('acme', { name: 'Acme' })
  assert.equal(made.uid, 'acme')
  const same = await svix.application.getOrCreate({ name: 'Another name', uid: 'acme' })
  assert.deepEqual(same, made)
  const other = await svix.application.getOrCreate({ name: 'Other', uid: 'other' })
  assert.notEqual(other.id, made.id)
  await refused(svix.application.upsert(`app_${'0'.repeat(27)}`, { name: 'An id' }), 404, 'not_found')
})

test('a uid is unique', async (t) => {
  const { svix } = await openHost(t)
  await svix.application.create({ name: 'One', uid: 'one' })
  await refused(svix.application.create({ name: 'Two', uid: 'one' }), 409, 'conflict')
  const two = await svix.application.create({ name: 'Two' })
  await refused(svix.application.patch(two.id, { uid: 'one' }), 409, 'conflict')
})

test('creating the same uid many times at once makes one', async (t) => {
  const { svix } = await openHost(t)
  const made = await Promise.all(
    Array.from({ length: 8 }, () => svix.application.getOrCreate({ name: 'Shop', uid: 'shop' })),
  )
  assert.equal(new Set(made.map(({ id }) => id)).size, 1)
})

test('iterators give every application once, both ways', async (t) => {
  const { svix } = await openHost(t)
  for (let i = 0; i < 7; i++) await svix.application.create({ name: `App ${i}` })
  const names: string[] = []
  let iterator: string | null = null
  for (;;) {
    const page = await svix.application.list({ limit: 3, iterator })
    names.push(...page.data.map(({ name }) => name))
    iterator = page.iterator
    if (page.done) break
  }
  assert.deepEqual(
    names.toSorted(),
    Array.from({ length: 7 }, (_, i) => `App ${i}`),
  )
  const first = await svix.application.list({ limit: 3 })
  const second = await svix.application.list({ limit: 3, iterator: first.iterator })
  const back = await svix.application.list({ limit: 3, iterator: second.prevIterator! })
  assert.deepEqual(back.data, first.data)
})

test('what is not an application is 422 with the place', async (t) => {
  const { svix, request } = await openHost(t)
  const faults = await refused(svix.application.create({ name: '', uid: 'not a uid' }), 422)
  assert.deepEqual(
    faults.detail.map(({ loc }) => loc),
    [
      ['body', 'name'],
      ['body', 'uid'],
    ],
  )
  await refused(svix.application.create({ name: 'x', uid: `app_${'0'.repeat(27)}` }), 422)
  await refused(svix.application.list({ limit: 251 }), 422)
  const broken = await request('POST', '/api/v1/app', { body: '{', type: 'application/json' })
  assert.equal(broken.status, 422)
  assert.equal((await request('POST', '/api/v1/app', { body: 'name=x', type: 'text/plain' })).status, 415)
})
