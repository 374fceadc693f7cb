/** The SQLite store passes what every store must, and what only a file and a thread can go through. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { storeConformance } from '../conformance.ts'
import { START, newConsumer, newMessage } from '../conformance/subject.ts'
import type { NewMessage } from '../port.ts'
import { StoreConflict, StoreUnavailable } from '../port.ts'
import type { StoreHost, StoreOptions } from './open.ts'
import { openSqliteStore } from './open.ts'

const OPEN = new URL('./open.ts', import.meta.url)

async function newPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'store-'))
  t.after(() => rm(folder, { recursive: true, maxRetries: 3 }))
  return join(folder, 'test.db')
}

async function open(t: TestContext, path: string, options: StoreOptions = {}): Promise<StoreHost> {
  const host = await openSqliteStore(path, options)
  t.after(() => host.close().catch(() => undefined))
  return host
}

/** Says SQL to the file from outside, as another process would. */
function outside(path: string, sql: string): Record<string, unknown> | undefined {
  const db = new DatabaseSync(path, { timeout: 5000 })
  try {
    return db.prepare(sql).get()
  } finally {
    db.close()
  }
}

storeConformance('SQLite', {
  create: newPath,
  open: openSqliteStore,
  opener: { module: OPEN, name: 'openSqliteStore' },
})

function bigMessage(): NewMessage {
  return newMessage({ payload: new Uint8Array(100_000) })
}

describe('a full disk', () => {
  test('refuses everybody, keeps nothing of it, and is over when there is room again', async (t) => {
    const path = await newPath(t)
    const host = await open(t, path, { bytesMax: 2_000_000 })
    const store = host.client()
    outside(path, 'CREATE TABLE ballast (bytes BLOB)')
    outside(path, 'INSERT INTO ballast VALUES (zeroblob(1000000))')
    const kept: string[] = []
    for (let full = false; !full;) {
      const sent = bigMessage()
      full = await store.append('engine', [sent]).then(
        () => kept.push(sent.message.id) > 1000,
        (error: unknown) => error instanceof StoreUnavailable,
      )
    }
    assert.ok(kept.length > 0 && kept.length < 20)

    const refused = bigMessage()
    const calls = [
      store.initSetting('key', 'x'),
      store.append('engine', [refused]),
      store.putRevision(9, 'api', '', START),
    ]
    for (const end of await Promise.allSettled(calls)) {
      assert.ok(end.status === 'rejected' && end.reason instanceof StoreUnavailable)
    }
    assert.equal(await store.getMessage(null, refused.message.id), null)
    assert.equal(await store.getSetting('key'), null)
    assert.equal((await store.stats()).messages, kept.length)

    outside(path, 'DELETE FROM ballast')
    assert.deepEqual(await store.append('engine', [refused]), [{ stored: true }])
    assert.equal(await store.initSetting('key', 'y'), 'y')
    for (const id of [...kept, refused.message.id])
      assert.equal((await store.getMessage(null, id))?.payload.length, 100_000)
    assert.equal((await store.stats()).messages, kept.length + 1)
  })
})

describe('the file', () => {
  test('is readable by its owner only, with its log', async (t) => {
    const path = join(await newPath(t), '..', 'new folder', 'test.db')
    const host = await open(t, path)
    await host.client().initSetting('key', 'value')
    for (const file of [path, `${path}-wal`]) assert.equal((await stat(file)).mode & 0o777, 0o600)
    await host.close()
    await assert.rejects(stat(`${path}-wal`), { code: 'ENOENT' })
  })

  test('of a newer version, with an edited migration, or of another kind is refused', async (t) => {
    const path = await newPath(t)
    await (await openSqliteStore(path)).close()
    outside(path, `INSERT INTO migration VALUES (99, '0099-from-the-future', 'x')`)
    await assert.rejects(openSqliteStore(path), /newer version.*0099-from-the-future/)
    outside(path, 'DELETE FROM migration WHERE number = 99')
    await (await openSqliteStore(path)).close()
    outside(path, `UPDATE migration SET checksum = 'y'`)
    await assert.rejects(openSqliteStore(path), /not as this version has it/)
    await writeFile(path, 'This is a text.'.repeat(100))
    await assert.rejects(openSqliteStore(path), /not a database/)
    await assert.rejects(openSqliteStore(join(path, 'below-a-file')), /ENOTDIR|EEXIST/)
  })

  test('may be open in several processes at once', async (t) => {
    const path = await newPath(t)
    const stores = [(await open(t, path)).client(), (await open(t, path)).client()]
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        stores[i % 2]!.append(`engine ${i % 2}`, [newMessage({ eventId: `evt-${i >> 1}` })]),
      ),
    )
    const claims = await Promise.all(stores.map((store, i) => store.claim(`engine ${i}`, 15, START, [])))
    assert.equal(new Set(claims.flat().map((c) => c.delivery.id)).size, 20)
    for (const store of stores) {
      assert.equal((await store.stats()).deliveries.delivering, 20)
      assert.equal((await store.listMessages({ consumerId: 'app_1', limit: 50 })).length, 20)
    }
  })
})

describe('lists', () => {
  test('are brought up to date every few thousand messages, and for whoever reads', async (t) => {
    const path = await newPath(t)
    const store = (await open(t, path)).client()
    const many = Array.from({ length: 9000 }, () => newMessage({ endpoints: [] }))
    await store.append('engine', many)
    assert.equal(outside(path, 'SELECT count(*) AS n FROM message_listing')?.n, 9000)
    await store.append('engine', [newMessage()])
    assert.equal((await store.listMessages({ consumerId: 'app_1', limit: 9999 })).length, 9001)
  })

  test('that are long let writes pass', async (t) => {
    const store = (await open(t, await newPath(t))).client()
    await store.append(
      'engine',
      Array.from({ length: 3000 }, () => newMessage({ endpoints: [] })),
    )
    const order: string[] = []
    await Promise.all([
      store.listMessages({ consumerId: 'app_1', channel: 'none', limit: 1 }).then(() => order.push('list')),
      store.append('engine', [newMessage()]).then(() => order.push('append')),
    ])
    assert.deepEqual(order, ['append', 'list'])
  })
})

describe('threads', () => {
  test('other than the one that opened it use the store through a port', async (t) => {
    const host = await open(t, await newPath(t))
    const program = `
      const { parentPort, workerData } = await import('node:worker_threads')
      const { clientOf } = await import(${JSON.stringify(new URL('./client.ts', import.meta.url).href)})
      const { StoreConflict } = await import(${JSON.stringify(new URL('../port.ts', import.meta.url).href)})
      const store = clientOf(workerData)
      const value = await store.initSetting('key', 'from the engine')
      const error = await store.putRevision(5, 'api', '', 0).catch((error) => error)
      parentPort.postMessage({ value, isConflict: error instanceof StoreConflict })`
    const port = host.connect()
    const engine = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), {
      workerData: port,
      transferList: [port],
      execArgv: [],
    })
    const [[said]] = await Promise.all([once(engine, 'message'), once(engine, 'exit')]) // and it ends: the port holds nobody
    assert.deepEqual(said, { value: 'from the engine', isConflict: true })
    assert.equal(await host.client().getSetting('key'), 'from the engine')
  })

  test('are told when the store has crashed', async (t) => {
    const failed = Promise.withResolvers<Error>()
    const host = await open(t, await newPath(t), { onFailure: failed.resolve })
    const store = host.client()
    await store.initSetting('key', 'value')
    host.connect().postMessage(null, [])
    const appendOn = async (): Promise<never> => {
      for (;;) await store.append('engine', [newMessage()])
    }
    await assert.rejects(appendOn(), StoreUnavailable)
    assert.ok((await failed.promise) instanceof Error)
    await assert.rejects(store.stats(), StoreUnavailable)
    assert.throws(() => host.client(), StoreUnavailable)
    await assert.rejects(host.close())
  })

  test('may send what cannot be cloned: only that call fails', async (t) => {
    const store = (await open(t, await newPath(t))).client()
    const [bad, good, appended] = await Promise.allSettled([
      store.putConsumer(Object.assign(newConsumer(), { extra: () => 'a function' })),
      store.initSetting('key', 'value'),
      store.append('engine', [newMessage()]),
    ])
    assert.deepEqual([bad.status, good.status, appended.status], ['rejected', 'fulfilled', 'fulfilled'])
  })

  test('that are done may end without closing it', async (t) => {
    const program = `
      const { openSqliteStore } = await import(${JSON.stringify(OPEN.href)})
      const store = (await openSqliteStore(${JSON.stringify(await newPath(t))})).client()
      console.log(await store.initSetting('key', 'value'))`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const said = (await child.stdout.toArray()).join('')
    assert.equal(said, 'value\n')
    if (child.exitCode === null) await once(child, 'exit')
    assert.equal(child.exitCode, 0)
  })

  test('keep the class of an error', async (t) => {
    const store = (await open(t, await newPath(t))).client()
    await assert.rejects(store.putRevision(1, 'file', '', START), (error) => error instanceof StoreConflict)
  })
})
