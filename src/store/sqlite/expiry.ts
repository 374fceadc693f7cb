/** SQL of forgetting: payloads of messages and answers of attempts, by hand or when their time has come. */
import type { DatabaseSync } from 'node:sqlite'
import type { Direct } from './protocol.ts'

interface Expiry {
  expunge: Direct<'expunge'>
  expungeDue: Direct<'expungeDue'>
  expungeAttempt: Direct<'expungeAttempt'>
}

export function expiry(db: DatabaseSync): Expiry {
  const one = db.prepare(`UPDATE message SET payload = x'', expunged = 1 WHERE id = ?`)
  const due = db.prepare(`UPDATE message SET payload = x'', expunged = 1 WHERE seq IN
    (SELECT seq FROM message WHERE expires_at <= ? AND expires_at IS NOT NULL AND expunged = 0 ORDER BY expires_at LIMIT ?)`)
  const attempt = db.prepare(`UPDATE attempt SET response = '' WHERE id = ?`)

  return {
    expunge: (messageId) => one.run(messageId).changes === 1,
    expungeDue: (nowMs, limit) => Number(due.run(nowMs, limit).changes),
    expungeAttempt: (id) => attempt.run(id).changes === 1,
  }
}
