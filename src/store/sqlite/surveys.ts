/** SQL of what is counted over consumers and their messages. */
import type { DatabaseSync } from 'node:sqlite'
import { idFloor } from '../../base/ids.ts'
import type { Work } from '../../model/task.ts'
import type { DeliveryState } from '../../model/webhook.ts'
import type { Walk } from './protocol.ts'
import { integer, stringsOrNull, text } from './rows.ts'
import { STATES } from './states.ts'
import type { Slice } from './slice.ts'

type Of<Kind extends Work['kind']> = Extract<Work, { kind: Kind }>

/** Rows of a slice of `countDeliveries`: each is a look into the deliveries, some 2 µs. */
const SLICE_ROWS = 2_048

interface Surveys {
  usage(work: Of<'usage'>, cursor: string | null, rows: number): Slice
  subscriptions(work: Of<'subscriptions'>, cursor: string | null, rows: number): Slice
  countDeliveries: Walk<'countDeliveries'>
}

/** How far `usage` has come: the consumer's place in the list, the last message looked at, and its deliveries so far. */
interface Place {
  readonly at: number
  readonly after: string | null
  readonly deliveries: number
}

export function surveys(db: DatabaseSync): Surveys {
  const slice =
    db.prepare(`SELECT id, created_at, (SELECT count(*) FROM delivery d WHERE d.message_id = l.id) AS deliveries
    FROM message_listing l WHERE owner = ? AND id > ? AND id < ? ORDER BY id LIMIT ?`)
  const endpoints = db.prepare('SELECT event_types FROM endpoint WHERE consumer_id = ?')
  const states = db.prepare(`SELECT l.id, l.created_at, d.state FROM message_listing l
    LEFT JOIN delivery d ON d.message_id = l.id AND d.endpoint_id = ?
    WHERE l.owner = ? AND l.id > ? AND l.id < ? ORDER BY l.id LIMIT ?`)

  return {
    usage({ consumerIds, from, until }, cursor, rows) {
      const { at, after, deliveries }: Place = JSON.parse(cursor ?? '{"at":0,"after":null,"deliveries":0}')
      const consumerId = consumerIds[at]
      if (consumerId === undefined) return { cursor: null, done: 0 }
      const listed = slice.all(consumerId, after ?? idFloor('msg_', from), idFloor('msg_', until), rows)
      const counted = listed
        .filter(({ created_at }) => integer(created_at) >= from && integer(created_at) < until)
        .reduce((sum, row) => sum + integer(row.deliveries), deliveries)
      if (listed.length === rows) {
        const place: Place = { at, after: text(listed.at(-1)!.id), deliveries: counted }
        return { cursor: JSON.stringify(place), done: 0 }
      }
      const next: Place = { at: at + 1, after: null, deliveries: 0 }
      const isLast = at + 1 >= consumerIds.length
      return { cursor: isLast ? null : JSON.stringify(next), done: 1, found: [{ consumerId, deliveries: counted }] }
    },

    subscriptions({ consumerIds }, cursor, rows) {
      const at = Number(cursor ?? 0)
      const found = consumerIds.slice(at, at + rows).map((consumerId) => {
        const wanted = endpoints.all(consumerId).map((row) => stringsOrNull(row.event_types))
        const eventTypes = [...new Set(wanted.flatMap((types) => types ?? []))].toSorted()
        return { consumerId, eventTypes, all: wanted.includes(null) }
      })
      const next = at + rows
      return { cursor: next < consumerIds.length ? String(next) : null, done: found.length, found }
    },

    *countDeliveries(consumerId, endpointId, from, until) {
      const counts: Record<DeliveryState, number> = {
        pending: 0,
        delivering: 0,
        delivered: 0,
        exhausted: 0,
        cancelled: 0,
        held: 0,
      }
      for (let after = idFloor('msg_', from); ;) {
        const rows = states.all(endpointId, consumerId, after, idFloor('msg_', until), SLICE_ROWS)
        for (const { state, created_at } of rows) {
          const createdAt = integer(created_at)
          if (state !== null && createdAt >= from && createdAt < until) counts[STATES[integer(state)]!]++
        }
        if (rows.length < SLICE_ROWS) return counts
        after = text(rows.at(-1)!.id)
        yield
      }
    },
  }
}
