/** declared: what a file declares is stored once, and again when it has changed. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempFolder } from '../../test/support/temp.ts'
import { stateWith } from '../../test/support/unit/state.ts'
import { systemClock } from '../base/clock.ts'
import { openSqliteStore } from '../store/sqlite/open.ts'
import { storeDeclared } from './declared.ts'

test('an event type whose description alone has changed is stored anew', async (t) => {
  const folder = await tempFolder()
  const host = await openSqliteStore(join(folder.path, 'postern.db'))
  t.after(async () => {
    await host.close()
    await folder.remove()
  })
  const store = host.client()
  const declare = (description: string) =>
    storeDeclared(
      store,
      stateWith({ eventTypes: { sale: { name: 'sale', description, schema: null, retries: {} } } }),
      systemClock,
    )
  await declare('Sold.')
  const first = await store.getEventType('sale')
  await declare('Sold.')
  assert.deepEqual(await store.getEventType('sale'), first, 'nothing has changed')
  await declare('Somebody bought something.')
  assert.equal((await store.getEventType('sale'))?.description, 'Somebody bought something.')
})
