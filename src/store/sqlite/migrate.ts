/** Brings a store up to this version's tables: forward only, each step once, in order. */
import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { sql as ground } from '../migrations/sqlite/0001-ground.ts'
import { sql as certificates } from '../migrations/sqlite/0002-certificates.ts'
import { sql as details } from '../migrations/sqlite/0003-details.ts'
import { sql as waiting } from '../migrations/sqlite/0004-waiting.ts'
import { sql as sending } from '../migrations/sqlite/0005-sending.ts'
import { sql as messageDetails } from '../migrations/sqlite/0006-message-details.ts'
import { sql as tasks } from '../migrations/sqlite/0007-tasks.ts'
import { sql as access } from '../migrations/sqlite/0008-access.ts'
import { sql as health } from '../migrations/sqlite/0009-health.ts'

export interface Migration {
  readonly name: string
  readonly sql: string
  /** The version before can go on with the tables as this leaves them: a successor may run it while that version still serves. */
  readonly isAdditive?: boolean
}

/** In order; a published one is never edited, the next one corrects it. */
const MIGRATIONS: readonly Migration[] = [
  { name: '0001-ground', sql: ground },
  { name: '0002-certificates', sql: certificates, isAdditive: true },
  { name: '0003-details', sql: details, isAdditive: true },
  { name: '0004-waiting', sql: waiting },
  { name: '0005-sending', sql: sending, isAdditive: true },
  { name: '0006-message-details', sql: messageDetails, isAdditive: true },
  { name: '0007-tasks', sql: tasks, isAdditive: true },
  { name: '0008-access', sql: access, isAdditive: true },
  { name: '0009-health', sql: health, isAdditive: true },
]

/**
 * Runs the migrations this store has not seen, all in one transaction. Throws when the store was written by a newer version
 * or by a migration that has since been edited: going on would damage it; and, `beside` another process, when tables would change under it.
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[] = MIGRATIONS, beside = false): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    db.exec(
      'CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT',
    )
    const applied = db.prepare('SELECT name, checksum FROM migration ORDER BY number').all()
    if (applied.length > migrations.length) {
      throw new Error(
        `This store was written by a newer version: it has ${applied.length} migrations (the last is ${String(applied.at(-1)!.name)}), this version knows ${migrations.length}.`,
      )
    }
    for (const [index, { name, sql, isAdditive = false }] of migrations.entries()) {
      const checksum = createHash('sha256').update(sql).digest('hex')
      const done = applied[index]
      if (done === undefined) {
        // A store without any is a new one: nobody serves it.
        if (beside && applied.length > 0 && !isAdditive)
          throw new Error(
            `This version changes the tables (${name}) that the running one still uses: stop that one before this one starts.`,
          )
        db.exec(sql)
        db.prepare('INSERT INTO migration VALUES (?, ?, ?)').run(index + 1, name, checksum)
      } else if (done.name !== name || done.checksum !== checksum) {
        throw new Error(`Migration ${index + 1} of this store is ${String(done.name)}, but not as this version has it.`)
      }
    }
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
