/** Opens the file: what SQLite is told about durability, memory and other processes. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { migrate } from './migrate.ts'
import type { Tenancy } from './tenancy.ts'

export interface DatabaseOptions {
  readonly path: string
  /** Largest size of the file, bytes; a write that needs more is refused as on a full disk. Absent: no bound. */
  readonly bytesMax?: number | undefined
  /** Absent: `visitor`. */
  readonly tenancy?: Tenancy | undefined
}

/** Half as many writes a commit as with 4096 when a hundred events share it, and no more when one has it alone. */
const PAGE_BYTES = 8192
/** How long a write waits for another process that writes the same file. */
const BUSY_MS = 5000

/** The database at `path`, made if absent (readable by its owner only), its tables up to date. */
export function openDatabase({ path, bytesMax, tenancy }: DatabaseOptions): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600)) // SQLite gives its -wal and -shm files the same mode
  const db = new DatabaseSync(path, { timeout: BUSY_MS })
  try {
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}`)
    const mode = db.prepare('PRAGMA journal_mode = WAL').get()
    if (mode?.journal_mode !== 'wal')
      throw new Error(`${path} is on a file system without shared memory: WAL is refused.`)
    // FULL: the log is synced at every commit. The two fullfsync make that true on macOS, where fsync stops at the drive's cache.
    db.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1')
    // A page written by many commits goes into the file once a checkpoint: 8 MiB of log between them, at most 64 MiB kept.
    db.exec('PRAGMA wal_autocheckpoint = 1024; PRAGMA journal_size_limit = 67108864')
    db.exec('PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768')
    // What is freed within a page is overwritten, at no further write: a replaced secret is gone.
    db.exec('PRAGMA secure_delete = FAST')
    migrate(db, undefined, tenancy === 'successor')
    if (bytesMax !== undefined) db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytesMax / PAGE_BYTES))}`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
