/** SQL of forgetting: messages with all that hangs on them, and attempts, the oldest first, a slice at a time. */
import type { DatabaseSync } from 'node:sqlite'
import type { Direct } from './protocol.ts'
import { integer, text, textOrNull } from './rows.ts'
import type { Tally } from './tally.ts'

interface Retention {
  purge: Direct<'purge'>
}

/** So many old messages that still wait would keep newer ones from being forgotten; a schedule ends within days. */
const LOOK_ROWS = 5_000

export function retention(db: DatabaseSync, tally: Tally): Retention {
  // The newest row stays, however old: seq goes on from it (see listing.ts). Only the rows that came first are looked at: with nothing too
  // old among a million, a look at all of them takes 300 ms, and everybody who writes waits.
  const old = db.prepare(`SELECT seq, id, consumer_id, origin
    FROM (SELECT seq, id, consumer_id, origin, created_at FROM message ORDER BY seq LIMIT ${LOOK_ROWS}) AS oldest
    WHERE created_at < ? AND seq < (SELECT max(seq) FROM message)
      AND NOT EXISTS (SELECT 1 FROM delivery WHERE message_id = oldest.id AND state IN (0, 1))
    ORDER BY seq LIMIT ?`)
  const oldAttempts = db.prepare(`SELECT seq, id, endpoint_id
    FROM (SELECT seq, id, endpoint_id, started_at FROM attempt ORDER BY seq LIMIT ${LOOK_ROWS})
    WHERE started_at < ? AND seq < (SELECT max(seq) FROM attempt) ORDER BY seq LIMIT ?`)
  const attemptsOf = db.prepare(`SELECT seq, id, endpoint_id FROM attempt
    WHERE message_id = ? AND seq < (SELECT max(seq) FROM attempt)`)
  const states = db.prepare('SELECT state, count(*) AS n FROM delivery WHERE message_id = ? GROUP BY state')
  const removeMessage = db.prepare('DELETE FROM message WHERE seq = ?')
  const removeDeliveries = db.prepare('DELETE FROM delivery WHERE message_id = ?')
  const removeAttempt = db.prepare('DELETE FROM attempt WHERE seq = ?')
  const unlistMessage = db.prepare('DELETE FROM message_listing WHERE owner = ? AND id = ?')
  const unlistAttempt = db.prepare('DELETE FROM attempt_listing WHERE owner = ? AND id = ?')

  type Found = ReturnType<typeof old.all>

  function dropAttempts(rows: Found): void {
    for (const row of rows) {
      removeAttempt.run(integer(row.seq))
      unlistAttempt.run(text(row.endpoint_id), text(row.id))
    }
  }

  return {
    purge({ messagesBefore, attemptsBefore, limit }) {
      const messages = old.all(messagesBefore, limit)
      for (const row of messages) {
        const id = text(row.id)
        dropAttempts(attemptsOf.all(id))
        for (const { state, n } of states.all(id)) tally.removed(integer(state), integer(n))
        removeDeliveries.run(id)
        for (const owner of [textOrNull(row.consumer_id), textOrNull(row.origin)])
          if (owner !== null) unlistMessage.run(owner, id)
        removeMessage.run(integer(row.seq))
        tally.messages(-1)
      }
      const attempts = messages.length < limit ? oldAttempts.all(attemptsBefore, limit - messages.length) : []
      dropAttempts(attempts)
      return messages.length + attempts.length
    },
  }
}
