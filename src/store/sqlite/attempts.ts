/** SQL of attempts: settling, and what can be read back. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Attempt } from '../../model/webhook.ts'
import type { SettleBatch } from './batches.ts'
import type { Listing } from './listing.ts'
import type { Pager } from './pages.ts'
import type { Direct, Walk } from './protocol.ts'
import type { Row } from './rows.ts'
import { integer, text, textOrNull } from './rows.ts'
import { CANCELLED, DELIVERING, HELD } from './states.ts'
import type { Tally } from './tally.ts'

interface Attempts {
  /** One caller's part of a batch. */
  settle(batch: SettleBatch, part: number): undefined
  getAttempt: Direct<'getAttempt'>
  listAttempts: Walk<'listAttempts'>
}

export function attempts(db: DatabaseSync, pager: Pager, tally: Tally, listing: Listing): Attempts {
  const insert = db.prepare(`INSERT INTO attempt
      (id, message_id, endpoint_id, delivery_id, url, status, ok, failure, latency_ms, manual, started_at, response)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
  // The lessee is the fence: whoever has lost the lease changes nothing.
  const conclude = db.prepare(`UPDATE delivery SET state = ?, attempts = attempts + ?, next_at = ?, lessee = NULL
    WHERE message_id = ? AND endpoint_id = ? AND lessee = ?`)
  const byId = db.prepare('SELECT * FROM attempt WHERE id = ?')

  return {
    settle(batch, part) {
      const lessee = batch.lessees[part]!
      const end = batch.settlementEnds[part]!
      for (let s = batch.settlementEnds[part - 1] ?? 0; s < end; s++) {
        const messageId = batch.messageIds[s]!
        const endpointId = batch.endpointIds[s]!
        const { changes } = insert.run(
          batch.ids[s]!,
          messageId,
          endpointId,
          batch.deliveryIds[s]!,
          batch.urls[s]!,
          batch.statuses[s]!,
          batch.ok[s]! ? 1 : 0,
          batch.failures[s]!,
          batch.latenciesMs[s]!,
          batch.manual[s]! ? 1 : 0,
          batch.startedAt[s]!,
          batch.responses[s]!,
        )
        if (changes === 0) continue // recorded already: the caller asks again because it never heard
        listing.added(1)
        const state = batch.states[s]!
        const counted = batch.manual[s]! || state === CANCELLED || state === HELD ? 0 : 1
        if (conclude.run(state, counted, batch.nextAt[s]!, messageId, endpointId, lessee).changes === 1)
          tally.moved(DELIVERING, state, 1)
      }
    },

    getAttempt(id) {
      const row = byId.get(id)
      return row === undefined ? null : attemptOf(row)
    },

    *listAttempts({ messageId, endpointId, ok, ...page }) {
      const params: Record<string, SQLInputValue> = {}
      if (messageId !== undefined) params.message = messageId
      if (endpointId !== undefined) params.endpoint = endpointId
      if (ok !== undefined) params.ok = ok ? 1 : 0
      if (endpointId !== undefined && messageId === undefined) {
        const list = {
          from: 'attempt_listing l',
          select: 'a.* FROM attempt_listing l JOIN attempt a ON a.seq = l.seq',
          key: 'l.id',
          within: ['l.owner = :endpoint'],
          filters: ok === undefined ? [] : ['l.ok = :ok'],
          params,
        }
        return (yield* pager.walk(list, page)).map(attemptOf)
      }
      // Those of one message are few: its index is enough. Those of everybody are walked in the order of their ids.
      const okFilter = ok === undefined ? [] : ['ok = :ok']
      const endpointFilter = endpointId === undefined ? [] : ['endpoint_id = :endpoint']
      const list =
        messageId === undefined
          ? { from: 'attempt', key: 'id', filters: okFilter, params }
          : {
              from: 'attempt INDEXED BY attempt_message',
              key: 'id',
              within: ['message_id = :message', ...endpointFilter, ...okFilter],
              params,
            }
      return (yield* pager.walk(list, page)).map(attemptOf)
    },
  }
}

function attemptOf(row: Row): Attempt {
  return {
    id: text(row.id),
    deliveryId: text(row.delivery_id),
    messageId: text(row.message_id),
    endpointId: text(row.endpoint_id),
    url: text(row.url),
    status: integer(row.status),
    ok: row.ok === 1,
    failure: textOrNull(row.failure),
    response: text(row.response),
    latencyMs: integer(row.latency_ms),
    trigger: row.manual === 1 ? 'manual' : 'scheduled',
    startedAt: integer(row.started_at),
  }
}
