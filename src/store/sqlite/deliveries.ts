/** SQL of deliveries and their leases: what is due, who has it, and giving it back. */
import type { DatabaseSync } from 'node:sqlite'
import type { Delivery, Message } from '../../model/webhook.ts'
import type { ClaimedDelivery, Standing } from '../port.ts'
import { messageOf } from './messages.ts'
import type { Direct } from './protocol.ts'
import type { Row } from './rows.ts'
import { integer, integerOrNull, text } from './rows.ts'
import { CANCELLED, DELIVERING, PENDING, stateName, stateNumber } from './states.ts'
import type { Tally } from './tally.ts'
import { waitingOn } from './waiting.ts'

interface Deliveries {
  claim: Direct<'claim'>
  claimOne: Direct<'claimOne'>
  release: Direct<'release'>
  requeue: Direct<'requeue'>
  heartbeat: Direct<'heartbeat'>
  reclaim: Direct<'reclaim'>
  nextDue: Direct<'nextDue'>
  listDeliveries: Direct<'listDeliveries'>
}

/** Of payloads; a claim that comes to so much is given short. */
const CLAIM_BYTES_MAX = 16 * 1_048_576

export function deliveries(db: DatabaseSync, tally: Tally): Deliveries {
  const dueOf = db.prepare(
    'SELECT * FROM delivery WHERE endpoint_id = ? AND state = 0 AND next_at <= ? ORDER BY next_at LIMIT ?',
  )
  const one = db.prepare('SELECT * FROM delivery WHERE message_id = ? AND endpoint_id = ?')
  const lease = db.prepare(
    'UPDATE delivery SET state = 1, next_at = NULL, lessee = ? WHERE message_id = ? AND endpoint_id = ?',
  )
  const giveBack = db.prepare(`UPDATE delivery SET state = ?, next_at = ?, lessee = NULL
    WHERE message_id = ? AND endpoint_id = ? AND lessee = ?`)
  const again = db.prepare(
    'UPDATE delivery SET state = 0, next_at = ?, attempts = ? WHERE message_id = ? AND endpoint_id = ?',
  )
  const list = db.prepare('SELECT * FROM delivery WHERE message_id = ? ORDER BY id')
  const message = db.prepare('SELECT * FROM message WHERE id = ?')

  const clamp = db.prepare('UPDATE lessee SET seen_at = ?1 WHERE seen_at > ?1')
  const waiting = waitingOn(db)

  const seen = db.prepare(
    'INSERT INTO lessee (name, seen_at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at',
  )
  const forget = db.prepare('DELETE FROM lessee WHERE seen_at < ?')
  const isAlive = db.prepare('SELECT 1 FROM lessee WHERE name = ?')
  const holderAfter = db.prepare('SELECT lessee FROM delivery WHERE state = 1 AND lessee > ? ORDER BY lessee LIMIT 1')
  const takeBack = db.prepare(
    'UPDATE delivery SET state = 0, next_at = ?, lessee = NULL WHERE state = 1 AND lessee = ?',
  )

  function claimed(lessee: string, row: Row, before: Standing, known: Map<string, Message>): ClaimedDelivery {
    const delivery = deliveryOf(row)
    lease.run(lessee, delivery.messageId, delivery.endpointId)
    tally.moved(integer(row.state), DELIVERING, 1)
    let m = known.get(delivery.messageId)
    if (m === undefined) known.set(delivery.messageId, (m = messageOf(message.get(delivery.messageId)!)))
    return { delivery: { ...delivery, state: 'delivering', nextAt: null }, message: m, before }
  }

  return {
    claim(lessee, limit, nowMs, except) {
      const known = new Map<string, Message>() // deliveries of one message share one copy of it
      const claims: ClaimedDelivery[] = []
      // Every endpoint its share; what some do not need is shared again.
      let bytes = 0
      while (claims.length < limit && bytes < CLAIM_BYTES_MAX) {
        const endpoints = waiting.due(nowMs, except, limit - claims.length)
        if (endpoints.length === 0) break
        const share = Math.ceil((limit - claims.length) / endpoints.length)
        for (const endpointId of endpoints) {
          const rows = dueOf.all(endpointId, nowMs, Math.min(share, limit - claims.length))
          for (const row of rows) {
            if (bytes >= CLAIM_BYTES_MAX) break
            const claim = claimed(lessee, row, { state: 'pending', nextAt: integer(row.next_at) }, known)
            bytes += claim.message.payload.byteLength
            claims.push(claim)
          }
          waiting.correct(endpointId)
        }
      }
      return claims.sort((a, b) => a.before.nextAt! - b.before.nextAt!)
    },
    claimOne(lessee, messageId, endpointId) {
      const row = one.get(messageId, endpointId)
      if (row === undefined) return null
      const state = stateName(integer(row.state))
      if (state === 'delivering' || state === 'cancelled') return null
      return claimed(lessee, row, { state, nextAt: integerOrNull(row.next_at) }, new Map())
    },
    release(lessee, given) {
      for (const { messageId, endpointId, to } of given) {
        const state = stateNumber(to.state)
        const nextAt = to.nextAt === null ? null : Math.round(to.nextAt)
        const { changes } = giveBack.run(state, nextAt, messageId, endpointId, lessee)
        tally.moved(DELIVERING, state, Number(changes))
      }
    },
    requeue(messageId, endpointId, nowMs) {
      const row = one.get(messageId, endpointId)
      if (row === undefined || row.state === DELIVERING || row.state === CANCELLED) return false
      again.run(nowMs, row.state === PENDING ? integer(row.attempts) : 0, messageId, endpointId)
      tally.moved(integer(row.state), PENDING, 1)
      return true
    },
    heartbeat(lessee, nowMs) {
      const isKnown = isAlive.get(lessee) !== undefined
      seen.run(lessee, nowMs)
      return isKnown
    },
    reclaim(nowMs, silentMs) {
      clamp.run(nowMs) // the clock was set back: nobody may seem alive until it catches up
      forget.run(nowMs - silentMs)
      let reclaimed = 0
      // From holder to holder through the index, never over each of their deliveries.
      for (let row = holderAfter.get(''); row !== undefined; row = holderAfter.get(row.lessee!)) {
        if (isAlive.get(row.lessee!) === undefined) reclaimed += Number(takeBack.run(nowMs, row.lessee!).changes)
      }
      tally.moved(DELIVERING, PENDING, reclaimed)
      return reclaimed
    },
    nextDue: (except) => waiting.nextDue(except),
    listDeliveries: (messageId) => list.all(messageId).map(deliveryOf),
  }
}

/** Cancels what waits for an endpoint: pending and held ones. What is in flight ends as its attempt says. */
export function cancelWaiting(db: DatabaseSync, tally: Tally): (endpointId: string) => void {
  const waiting = db.prepare(
    'SELECT state, count(*) AS n FROM delivery WHERE endpoint_id = ? AND state IN (0, 5) GROUP BY state',
  )
  const cancel = db.prepare('UPDATE delivery SET state = 4, next_at = NULL WHERE endpoint_id = ? AND state IN (0, 5)')
  return (endpointId) => {
    for (const { state, n } of waiting.all(endpointId)) tally.moved(integer(state), CANCELLED, integer(n))
    cancel.run(endpointId)
  }
}

function deliveryOf(row: Row): Delivery {
  return {
    id: text(row.id),
    messageId: text(row.message_id),
    endpointId: text(row.endpoint_id),
    state: stateName(integer(row.state)),
    attempts: integer(row.attempts),
    nextAt: integerOrNull(row.next_at),
  }
}
