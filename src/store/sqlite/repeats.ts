/**
 * Messages that come again under the key of a request that was stored already. Keys that publishers choose stand in an index, for a day.
 * Those that a client makes for one call and its retries are looked up in memory: an index of them would dirty a page for each message.
 */
import type { DatabaseSync } from 'node:sqlite'
import { integer, text } from './rows.ts'

const LASTS_MS = 24 * 3_600_000
/** Twice so many are remembered: ten seconds and more of all that one store can take, 100 bytes each. A retry comes within one. */
const GENERATION = 65_536
/** Of the rows of an earlier run, those that may have been stored and never answered. */
const REREAD_ROWS = 4_096

export interface Repeats {
  /** The id of the message that came with this key; null: there is none, or it is too old to count. */
  byRetryKey(key: string, scope: string): string | null
  /** The same for a key that was chosen; what is too old gives the key up. */
  byIdempotencyKey(key: string, scope: string, createdAt: number): string | null
  /** This row has come with this key. */
  remember(key: string, seq: number): void
}

export function repeatsOf(db: DatabaseSync): Repeats {
  const newest = db.prepare('SELECT seq, retry_key FROM message ORDER BY seq DESC LIMIT ?')
  const row = db.prepare(
    `SELECT id FROM message WHERE seq = ? AND retry_key = ? AND coalesce(consumer_id, origin, '') = ?`,
  )
  const chosen = db.prepare(
    `SELECT seq, id, created_at FROM message WHERE coalesce(consumer_id, origin, '') = ? AND idempotency_key = ?`,
  )
  const giveUp = db.prepare('UPDATE message SET idempotency_key = NULL WHERE seq = ?')

  let older = new Map<string, number>()
  let recent = new Map<string, number>()
  for (const { seq, retry_key: key } of newest.all(REREAD_ROWS)) if (key !== null) older.set(text(key), integer(seq))

  return {
    byRetryKey(key, scope) {
      const seq = recent.get(key) ?? older.get(key)
      if (seq === undefined) return null
      // What was remembered may have been rolled back since, and its number be another's.
      const found = row.get(seq, key, scope)
      return found === undefined ? null : text(found.id)
    },
    byIdempotencyKey(key, scope, createdAt) {
      const found = chosen.get(scope, key)
      if (found === undefined) return null
      if (createdAt - integer(found.created_at) < LASTS_MS) return text(found.id)
      giveUp.run(integer(found.seq))
      return null
    },
    remember(key, seq) {
      recent.set(key, seq)
      if (recent.size < GENERATION) return
      older = recent
      recent = new Map()
    },
  }
}
