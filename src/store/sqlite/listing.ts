/**
 * Who owns what, for lists: messages by consumer and by origin, attempts by endpoint. An index that is kept with every row
 * dirties a page for each owner in each commit (measured: 33 µs an event against 20 µs without), so these are tables that
 * are filled from the newest rows in sorted batches: by every 8192nd row, and by whoever is about to read a list.
 */
import type { DatabaseSync } from 'node:sqlite'
import { integer, integerOrNull } from './rows.ts'

const FOLD_ROWS = 8192

export interface Listing {
  /** Rows of messages and attempts that the open transaction has added. */
  added(rows: number): void
  /** True when enough have been added for `fold` to be worth its while. */
  isDue(): boolean
  /** Brings the listings up to date, within the open transaction. */
  fold(): void
}

export function listingOf(db: DatabaseSync): Listing {
  const upto = db.prepare('SELECT upto FROM listed WHERE name = ?')
  const setUpto = db.prepare('UPDATE listed SET upto = ? WHERE name = ?')
  const kinds = [
    {
      name: 'message',
      newest: db.prepare('SELECT max(seq) AS seq FROM message'),
      fills: ['consumer_id', 'origin'].map((owner) =>
        db.prepare(`INSERT INTO message_listing (owner, id, seq, event_type, channels, tags, created_at)
          SELECT ${owner}, id, seq, event_type, channels, tags, created_at FROM message
          WHERE seq > ? AND ${owner} IS NOT NULL ORDER BY 1, 2`),
      ),
    },
    {
      name: 'attempt',
      newest: db.prepare('SELECT max(seq) AS seq FROM attempt'),
      fills: [
        db.prepare(`INSERT INTO attempt_listing (owner, id, seq, ok)
          SELECT endpoint_id, id, seq, ok FROM attempt WHERE seq > ? ORDER BY 1, 2`),
      ],
    },
  ]
  let waiting = 0

  return {
    added(rows) {
      waiting += rows
    },
    isDue: () => waiting >= FOLD_ROWS,
    fold() {
      for (const { name, newest, fills } of kinds) {
        const done = integer(upto.get(name)!.upto)
        const seq = integerOrNull(newest.get()!.seq) ?? 0
        if (seq <= done) continue
        for (const fill of fills) fill.run(done)
        setUpto.run(seq, name)
      }
      waiting = 0
    },
  }
}
