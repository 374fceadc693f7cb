/** SQL of who waits: endpoints with pending deliveries, by when the first of them is due. */
import type { DatabaseSync } from 'node:sqlite'
import { integer, integerOrNull, text } from './rows.ts'

export interface Waiting {
  /** Up to `limit` endpoints that may have something due, who has waited longest first, but none of `except`. */
  due(nowMs: number, except: readonly string[], limit: number): readonly string[]
  /** Makes the row of an endpoint true, within the open transaction: rows only say "not before". */
  correct(endpointId: string): void
  /** When the first delivery to any other endpoint than `except` is due; null when none waits. */
  nextDue(except: readonly string[]): number | null
}

export function waitingOn(db: DatabaseSync): Waiting {
  const others = 'endpoint_id NOT IN (SELECT value FROM json_each(?))'
  const due = db.prepare(`SELECT endpoint_id FROM waiting WHERE next_at <= ? AND ${others} ORDER BY next_at LIMIT ?`)
  const all = db.prepare(`SELECT endpoint_id, next_at FROM waiting WHERE ${others} ORDER BY next_at`)
  const first = db.prepare('SELECT min(next_at) AS next_at FROM delivery WHERE endpoint_id = ? AND state = 0')
  const set = db.prepare('UPDATE waiting SET next_at = ? WHERE endpoint_id = ?')
  const remove = db.prepare('DELETE FROM waiting WHERE endpoint_id = ?')
  const firstOf = (endpointId: string): number | null => integerOrNull(first.get(endpointId)!.next_at)

  return {
    due: (nowMs, except, limit) =>
      due.all(nowMs, JSON.stringify(except), limit).map(({ endpoint_id }) => text(endpoint_id)),
    correct(endpointId) {
      const at = firstOf(endpointId)
      if (at === null) remove.run(endpointId)
      else set.run(at, endpointId)
    },
    nextDue(except) {
      let next: number | null = null
      for (const row of all.iterate(JSON.stringify(except))) {
        if (next !== null && integer(row.next_at) >= next) break
        const at = firstOf(text(row.endpoint_id))
        if (at !== null && (next === null || at < next)) next = at
      }
      return next
    },
  }
}
