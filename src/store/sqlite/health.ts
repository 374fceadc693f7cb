/** SQL of endpoints that fail. */
import type { DatabaseSync } from 'node:sqlite'
import type { Direct } from './protocol.ts'
import { integer, text } from './rows.ts'

interface Healths {
  putHealth: Direct<'putHealth'>
  deleteHealth: Direct<'deleteHealth'>
  allHealth: Direct<'allHealth'>
}

export function healths(db: DatabaseSync): Healths {
  // An endpoint that has been deleted meanwhile is not ill any more.
  const put = db.prepare(`INSERT INTO endpoint_health (endpoint_id, failing_since, warned)
    SELECT id, ?, ? FROM endpoint WHERE id = ?
    ON CONFLICT (endpoint_id) DO UPDATE SET failing_since = excluded.failing_since, warned = excluded.warned`)
  const remove = db.prepare('DELETE FROM endpoint_health WHERE endpoint_id = ?')
  const all = db.prepare('SELECT * FROM endpoint_health ORDER BY endpoint_id')
  return {
    putHealth({ endpointId, failingSince, warned }) {
      put.run(failingSince, warned, endpointId)
    },
    deleteHealth(endpointId) {
      remove.run(endpointId)
    },
    allHealth: () =>
      all.all().map((row) => ({
        endpointId: text(row.endpoint_id),
        failingSince: integer(row.failing_since),
        warned: integer(row.warned),
      })),
  }
}
