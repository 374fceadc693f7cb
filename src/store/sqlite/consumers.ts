/** SQL of consumers. */
import type { DatabaseSync } from 'node:sqlite'
import type { Consumer } from '../../model/webhook.ts'
import { StoreConflict } from '../port.ts'
import { cancelWaiting } from './deliveries.ts'
import { isUniqueViolation } from './faults.ts'
import type { Pager } from './pages.ts'
import type { Direct } from './protocol.ts'
import type { Row } from './rows.ts'
import { integer, integerOrNull, map, text, textOrNull } from './rows.ts'
import type { Tally } from './tally.ts'

interface Consumers {
  putConsumer: Direct<'putConsumer'>
  getConsumer: Direct<'getConsumer'>
  listConsumers: Direct<'listConsumers'>
  allConsumers: Direct<'allConsumers'>
  deleteConsumer: Direct<'deleteConsumer'>
}

export function consumers(db: DatabaseSync, pager: Pager, tally: Tally): Consumers {
  const put =
    db.prepare(`INSERT INTO consumer (id, uid, name, metadata, rate_max, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET uid = excluded.uid, name = excluded.name, metadata = excluded.metadata,
      rate_max = excluded.rate_max, created_at = excluded.created_at, updated_at = excluded.updated_at`)
  const get = db.prepare('SELECT * FROM consumer WHERE id = ?1 OR uid = ?1 ORDER BY id = ?1 DESC LIMIT 1')
  const all = db.prepare('SELECT * FROM consumer ORDER BY id')
  const remove = db.prepare('DELETE FROM consumer WHERE id = ?')
  const endpointsOf = db.prepare('SELECT id FROM endpoint WHERE consumer_id = ?')
  const cancel = cancelWaiting(db, tally)

  return {
    putConsumer(c) {
      try {
        put.run(c.id, c.uid, c.name, JSON.stringify(c.metadata), c.ratePerSecondMax, c.createdAt, c.updatedAt)
      } catch (error) {
        if (isUniqueViolation(error)) throw new StoreConflict(`The uid ${c.uid} is another consumer's.`)
        throw error
      }
    },
    getConsumer(idOrUid) {
      const row = get.get(idOrUid)
      return row === undefined ? null : consumerOf(row)
    },
    listConsumers: (page) => pager.page({ from: 'consumer', key: 'id' }, page).map(consumerOf),
    allConsumers: () => all.all().map(consumerOf),
    deleteConsumer(id) {
      for (const endpoint of endpointsOf.all(id)) cancel(text(endpoint.id))
      return remove.run(id).changes === 1
    },
  }
}

function consumerOf(row: Row): Consumer {
  return {
    id: text(row.id),
    uid: textOrNull(row.uid),
    name: text(row.name),
    metadata: map(row.metadata),
    ratePerSecondMax: integerOrNull(row.rate_max),
    createdAt: integer(row.created_at),
    updatedAt: integer(row.updated_at),
  }
}
