/** Revisions on a real store: what is stored, what runs, and what another start on the same store changes of it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { stateWith } from '../../test/support/unit/state.ts'
import { tempFolder } from '../../test/support/temp.ts'
import { systemClock } from '../base/clock.ts'
import type { Store } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite/open.ts'
import type { LoadResult } from './load.ts'
import { Revisions, type RevisionsDeps, firstRevision } from './revisions.ts'

async function openStore(t: TestContext): Promise<Store> {
  const folder = await tempFolder()
  const host = await openSqliteStore(join(folder.path, 'postern.db'))
  t.after(async () => {
    await host.close()
    await folder.remove()
  })
  return host.client()
}

/** A process on that store, which serves `text` until it is told otherwise. A text with `gone` cannot be parsed. */
async function started(store: Store, text: string, more: Partial<RevisionsDeps> = {}) {
  const installed: number[] = []
  const deps: RevisionsDeps = {
    store,
    clock: systemClock,
    parse: (source): LoadResult =>
      source.includes('gone')
        ? { ok: false, faults: [{ path: 'a', line: 1, column: 1, message: 'gone' }] }
        : { ok: true, state: stateWith({}), warnings: [], files: new Map() },
    rehearse: () => {},
    declare: async () => {},
    install: async (number) => void installed.push(number),
    ...more,
  }
  const first = await firstRevision(deps, text)
  const revisions = new Revisions(deps)
  revisions.started(first.record)
  return { revisions, first, installed }
}

const history = async (store: Store) =>
  (await store.listRevisions(10)).map(({ number, origin, text }) => `${number} ${origin} ${text}`)

test('another start on the same store does not lock a running process out', async (t) => {
  const store = await openStore(t)
  const one = await started(store, 'a')
  await started(store, 'b')
  assert.deepEqual(await one.revisions.apply('c', null, 'file'), { ok: true, revision: 3 })
  assert.equal(one.revisions.current()?.revision, 3)
  await started(store, 'd')
  assert.deepEqual(await one.revisions.apply('e', 3, 'api'), { ok: false, conflict: true, current: 4 })
  assert.deepEqual(await history(store), ['4 file d', '3 file c', '2 file b', '1 file a'])
})

test('two processes that change the same store at once both get a revision', async (t) => {
  const store = await openStore(t)
  const processes = [await started(store, 'a'), await started(store, 'a')]
  const applied = await Promise.all(processes.map(({ revisions }, n) => revisions.apply(`new ${n}`, null, 'file')))
  assert.deepEqual(new Set(applied.map((one) => one.ok && one.revision)), new Set([2, 3]))
})

test('a text that runs already is no new revision', async (t) => {
  const store = await openStore(t)
  const { revisions, installed } = await started(store, 'a')
  assert.deepEqual(await revisions.apply('a', null, 'api'), { ok: true, revision: 1 })
  assert.deepEqual([await history(store), installed], [['1 file a'], []])
})

test('what cannot be declared is not stored; what is stored is what is shown, while it is being swapped in too', async (t) => {
  const store = await openStore(t)
  const full = await started(store, 'a', { declare: () => Promise.reject(new Error('disk full')) })
  await assert.rejects(full.revisions.apply('b', null, 'api'), /disk full/)
  assert.deepEqual([full.revisions.current()?.text, await history(store)], ['a', ['1 file a']])
  const slow: { shown?: string | undefined } = {}
  const { revisions } = await started(store, 'a', {
    install: async () => void (slow.shown = revisions.current()?.text),
  })
  await revisions.apply('b', null, 'api')
  assert.equal(slow.shown, 'b')
})

test('a stored revision that cannot be served any more gives way to the file, which becomes the newest', async (t) => {
  const store = await openStore(t)
  const { revisions } = await started(store, 'a', {
    parse: () => ({ ok: true, state: stateWith({}), warnings: [], files: new Map() }),
  })
  await revisions.apply('gone', null, 'api')
  const { first, ...again } = await started(store, 'a')
  assert.deepEqual(first.unservable, { revision: 2, faults: [{ path: 'a', line: 1, column: 1, message: 'gone' }] })
  assert.deepEqual([again.revisions.current()?.revision, again.revisions.current()?.text], [3, 'a'])
  assert.deepEqual(await history(store), ['3 file a', '2 api gone', '1 file a'])
  assert.equal((await started(store, 'a')).first.unservable, null)
})
