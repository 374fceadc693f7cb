/** SQL of messages: the append, and what can be read back. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Message, Received } from '../../model/webhook.ts'
import type { AppendBatch } from './batches.ts'
import type { Listing } from './listing.ts'
import type { Pager } from './pages.ts'
import type { Direct, Duplicates, Walk } from './protocol.ts'
import type { Row } from './rows.ts'
import { repeatsOf } from './repeats.ts'
import { blob, integer, integerOrNull, stringsOrNull, text, textOrNull } from './rows.ts'
import { DELIVERING, PENDING } from './states.ts'
import type { Tally } from './tally.ts'

interface Messages {
  /** One caller's part of a batch. A message that is there already is left alone and named in the result. */
  append(batch: AppendBatch, part: number): Duplicates
  getMessage: Direct<'getMessage'>
  listMessages: Walk<'listMessages'>
}

/** The scope of an eventId; the unique index is on these very words. */
const SCOPE = `coalesce(consumer_id, origin, '')`

export function messages(db: DatabaseSync, pager: Pager, tally: Tally, listing: Listing): Messages {
  const insert = db.prepare(`INSERT INTO message
      (id, consumer_id, origin, event_type, event_id, channels, received, created_at, payload, retry_key)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
  const insertWhole = db.prepare(`INSERT INTO message
      (id, consumer_id, origin, event_type, event_id, channels, received, created_at, payload, retry_key,
       tags, deliver_at, expires_at, idempotency_key)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
  const insertDelivery =
    db.prepare(`INSERT INTO delivery (message_id, endpoint_id, id, state, attempts, next_at, lessee)
    VALUES (?, ?, ?, ?, 0, ?, ?)`)
  const byId = db.prepare('SELECT * FROM message WHERE id = ?')
  const byIdIn = db.prepare(`SELECT * FROM message WHERE id = ? AND ${SCOPE} = ?`)
  const byEvent = db.prepare(`SELECT * FROM message WHERE ${SCOPE} = ? AND event_id = ?`)
  const repeats = repeatsOf(db)
  const idOfEvent = db.prepare(`SELECT id FROM message WHERE ${SCOPE} = ? AND event_id = ?`)

  return {
    append(batch, part) {
      const lessee = batch.lessees[part]!
      const first = batch.messageEnds[part - 1] ?? 0
      const end = batch.messageEnds[part]!
      const duplicates: [number, string, boolean][] = []
      for (let m = first; m < end; m++) {
        const id = batch.ids[m]!
        const consumerId = batch.consumerIds[m]!
        const origin = batch.origins[m]!
        const eventId = batch.eventIds[m]!
        const createdAt = batch.createdAt[m]!
        const retryKey = batch.retryKeys[m]!
        const extras = batch.extras[m]!
        const scope = consumerId ?? origin ?? ''
        const key = extras?.idempotencyKey ?? null
        const earlier =
          (retryKey === null ? null : repeats.byRetryKey(retryKey, scope)) ??
          (key === null ? null : repeats.byIdempotencyKey(key, scope, createdAt))
        if (earlier !== null) {
          duplicates.push([m - first, earlier, true])
          continue
        }
        const start = batch.payloadEnds[m - 1] ?? 0
        const payload = new Uint8Array(batch.bytes, start, batch.payloadEnds[m]! - start)
        const [eventType, channels, received] = [batch.eventTypes[m]!, batch.channels[m]!, batch.received[m]!]
        const { changes, lastInsertRowid } =
          extras === null
            ? insert.run(id, consumerId, origin, eventType, eventId, channels, received, createdAt, payload, retryKey)
            : insertWhole.run(
                id,
                consumerId,
                origin,
                eventType,
                eventId,
                channels,
                received,
                createdAt,
                payload,
                retryKey,
                extras.tags,
                extras.deliverAt,
                extras.expiresAt,
                extras.idempotencyKey,
              )
        if (changes === 0) {
          const existing = eventId === null ? undefined : idOfEvent.get(scope, eventId)
          duplicates.push([m - first, existing === undefined ? id : text(existing.id), false])
          continue
        }
        if (retryKey !== null) repeats.remember(retryKey, Number(lastInsertRowid))
        const deliveriesEnd = batch.deliveryEnds[m]!
        for (let d = batch.deliveryEnds[m - 1] ?? 0; d < deliveriesEnd; d++) {
          const state = batch.deliveryStates[d]!
          const nextAt = state === PENDING ? (extras?.deliverAt ?? createdAt) : null
          const holder = state === DELIVERING ? lessee : null
          insertDelivery.run(id, batch.endpointIds[d]!, batch.deliveryIds[d]!, state, nextAt, holder)
          tally.moved(null, state, 1)
        }
        tally.messages(1)
        listing.added(1)
      }
      return duplicates.length === 0 ? undefined : duplicates
    },

    getMessage(consumerId, idOrEventId) {
      const row =
        consumerId === null
          ? byId.get(idOrEventId)
          : (byIdIn.get(idOrEventId, consumerId) ?? byEvent.get(consumerId, idOrEventId))
      return row === undefined ? null : messageOf(row)
    },

    *listMessages({ consumerId, origin, eventTypes, channel, tag, createdFrom, createdUntil, ...page }) {
      const owner = consumerId ?? origin
      const a = owner === undefined ? 'm' : 'l' // the alias whose columns the filters read
      const params: Record<string, SQLInputValue> = {}
      const filters: string[] = []
      const filter = (condition: string, name: string, value: SQLInputValue | undefined): void => {
        if (value === undefined) return
        filters.push(condition)
        params[name] = value
      }
      filter(
        `${a}.event_type IN (SELECT value FROM json_each(:types))`,
        'types',
        eventTypes && JSON.stringify(eventTypes),
      )
      filter(`EXISTS (SELECT 1 FROM json_each(${a}.channels) WHERE value = :channel)`, 'channel', channel)
      filter(`EXISTS (SELECT 1 FROM json_each(${a}.tags) WHERE value = :tag)`, 'tag', tag)
      filter(`${a}.created_at >= :from`, 'from', createdFrom)
      filter(`${a}.created_at < :until`, 'until', createdUntil)
      if (consumerId !== undefined) filter('m.origin = :origin', 'origin', origin)
      if (owner === undefined) {
        return (yield* pager.walk({ from: 'message m', key: 'm.id', filters, params }, page)).map(messageOf)
      }
      const list = {
        from: 'message_listing l',
        select: 'm.* FROM message_listing l JOIN message m ON m.seq = l.seq',
        key: 'l.id',
        within: ['l.owner = :owner'],
        filters,
        params: { ...params, owner },
      }
      return (yield* pager.walk(list, page)).map(messageOf)
    },
  }
}

export function messageOf(row: Row): Message {
  return {
    id: text(row.id),
    consumerId: textOrNull(row.consumer_id),
    origin: textOrNull(row.origin),
    eventType: text(row.event_type),
    eventId: textOrNull(row.event_id),
    channels: stringsOrNull(row.channels),
    tags: stringsOrNull(row.tags),
    deliverAt: integerOrNull(row.deliver_at),
    expiresAt: integerOrNull(row.expires_at),
    expunged: row.expunged === 1,
    payload: blob(row.payload),
    received: row.received === null ? null : receivedOf(text(row.received)),
    createdAt: integer(row.created_at),
  }
}

function receivedOf(json: string): Received {
  return JSON.parse(json)
}
