/** SQL of endpoints. */
import type { DatabaseSync } from 'node:sqlite'
import { PLAIN_SENDING } from '../../model/sending.ts'
import type { Endpoint } from '../../model/webhook.ts'
import { StoreConflict } from '../port.ts'
import { cancelWaiting } from './deliveries.ts'
import { isForeignKeyViolation, isUniqueViolation } from './faults.ts'
import type { Pager } from './pages.ts'
import type { Direct } from './protocol.ts'
import type { Row } from './rows.ts'
import { integer, integerOrNull, map, strings, stringsOrNull, text, textOrNull } from './rows.ts'
import type { Tally } from './tally.ts'

interface Endpoints {
  putEndpoint: Direct<'putEndpoint'>
  disableEndpoint: Direct<'disableEndpoint'>
  getEndpoint: Direct<'getEndpoint'>
  listEndpoints: Direct<'listEndpoints'>
  allEndpoints: Direct<'allEndpoints'>
  deleteEndpoint: Direct<'deleteEndpoint'>
}

export function endpoints(db: DatabaseSync, pager: Pager, tally: Tally): Endpoints {
  const put = db.prepare(`INSERT INTO endpoint
      (id, consumer_id, uid, url, description, event_types, channels, headers, metadata, secrets, retiring, disabled, rate_max, transformation, sending, created_at, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET uid = excluded.uid, url = excluded.url, description = excluded.description,
      event_types = excluded.event_types, channels = excluded.channels, headers = excluded.headers,
      metadata = excluded.metadata, secrets = excluded.secrets, retiring = excluded.retiring, disabled = excluded.disabled,
      rate_max = excluded.rate_max, transformation = excluded.transformation, sending = excluded.sending,
      created_at = excluded.created_at, updated_at = excluded.updated_at
      WHERE consumer_id = excluded.consumer_id`)
  const get = db.prepare(
    'SELECT * FROM endpoint WHERE consumer_id = ?1 AND (id = ?2 OR uid = ?2) ORDER BY id = ?2 DESC LIMIT 1',
  )
  const all = db.prepare('SELECT * FROM endpoint ORDER BY id')
  const disable = db.prepare(
    'UPDATE endpoint SET disabled = 1, updated_at = ? WHERE consumer_id = ? AND id = ? AND disabled = 0',
  )
  const remove = db.prepare('DELETE FROM endpoint WHERE consumer_id = ? AND id = ?')
  const cancel = cancelWaiting(db, tally)

  return {
    putEndpoint(e) {
      try {
        const { changes } = put.run(
          e.id,
          e.consumerId,
          e.uid,
          e.url,
          e.description,
          e.eventTypes === null ? null : JSON.stringify(e.eventTypes),
          e.channels === null ? null : JSON.stringify(e.channels),
          JSON.stringify(e.headers),
          JSON.stringify(e.metadata),
          JSON.stringify(e.secrets),
          JSON.stringify(e.retiring),
          e.disabled ? 1 : 0,
          e.ratePerSecondMax,
          e.transformation === null ? null : JSON.stringify(e.transformation),
          JSON.stringify(e.sending),
          e.createdAt,
          e.updatedAt,
        )
        if (changes === 0) throw new StoreConflict(`The id ${e.id} is the endpoint of another consumer.`)
      } catch (error) {
        if (isUniqueViolation(error)) throw new StoreConflict(`The uid ${e.uid} is another endpoint's.`)
        if (isForeignKeyViolation(error)) throw new StoreConflict(`There is no consumer ${e.consumerId}.`)
        throw error
      }
    },
    disableEndpoint: (consumerId, id, nowMs) => disable.run(nowMs, consumerId, id).changes === 1,
    getEndpoint(consumerId, idOrUid) {
      const row = get.get(consumerId, idOrUid)
      return row === undefined ? null : endpointOf(row)
    },
    listEndpoints(consumerId, page) {
      const list = {
        from: 'endpoint',
        key: 'id',
        within: ['consumer_id = :consumer'],
        params: { consumer: consumerId },
      }
      return pager.page(list, page).map(endpointOf)
    },
    allEndpoints: () => all.all().map(endpointOf),
    deleteEndpoint(consumerId, id) {
      if (remove.run(consumerId, id).changes === 0) return false
      cancel(id)
      return true
    },
  }
}

export function endpointOf(row: Row): Endpoint {
  return {
    id: text(row.id),
    consumerId: text(row.consumer_id),
    uid: textOrNull(row.uid),
    url: text(row.url),
    description: text(row.description),
    eventTypes: stringsOrNull(row.event_types),
    channels: stringsOrNull(row.channels),
    headers: map(row.headers),
    metadata: map(row.metadata),
    secrets: strings(row.secrets),
    retiring: JSON.parse(text(row.retiring)),
    disabled: row.disabled === 1,
    ratePerSecondMax: integerOrNull(row.rate_max),
    transformation: JSON.parse(textOrNull(row.transformation) ?? 'null'),
    // What a later version has added is plain in what an earlier one wrote.
    sending: { ...PLAIN_SENDING, ...JSON.parse(textOrNull(row.sending) ?? '{}') },
    createdAt: integer(row.created_at),
    updatedAt: integer(row.updated_at),
  }
}
