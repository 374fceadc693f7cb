import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeConformance } from '../conformance.ts'
import { openSqliteStore } from './open.ts'

storeConformance('SQLite', {
  async create(t) {
    const folder = await mkdtemp(join(tmpdir(), 'store-'))
    t.after(() => rm(folder, { recursive: true }))
    return join(folder, 'test.db')
  },
  open: openSqliteStore,
  opener: { module: new URL('./open.ts', import.meta.url), name: 'openSqliteStore' },
})
