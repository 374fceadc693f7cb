/** SQL of tokens for one consumer's part of the API, and of answers that are given again. */
import type { DatabaseSync } from 'node:sqlite'
import type { AccessToken } from '../../model/access.ts'
import { StoreConflict } from '../port.ts'
import { isForeignKeyViolation } from './faults.ts'
import type { Direct } from './protocol.ts'
import { integer, text, textOrNull } from './rows.ts'

interface Access {
  putToken: Direct<'putToken'>
  getToken: Direct<'getToken'>
  expireTokens: Direct<'expireTokens'>
  deleteToken: Direct<'deleteToken'>
  keepAnswer: Direct<'keepAnswer'>
  getAnswer: Direct<'getAnswer'>
}

export function access(db: DatabaseSync): Access {
  const forget = db.prepare('DELETE FROM token WHERE expires_at <= ?')
  const put = db.prepare('INSERT INTO token VALUES (?, ?, ?, ?, ?, ?)')
  const get = db.prepare('SELECT * FROM token WHERE digest = ? AND expires_at > ?')
  const expire = db.prepare('UPDATE token SET expires_at = ?2 WHERE consumer_id = ?1 AND expires_at > ?2')
  const expireSessions = db.prepare(`UPDATE token SET expires_at = ?2 WHERE consumer_id = ?1 AND expires_at > ?2
    AND session_id IN (SELECT value FROM json_each(?3))`)
  const remove = db.prepare('DELETE FROM token WHERE digest = ?')
  const forgetAnswers = db.prepare('DELETE FROM answer WHERE created_at < ?')
  const keep = db.prepare('INSERT INTO answer VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
  const answer = db.prepare('SELECT * FROM answer WHERE key = ? AND created_at >= ?')

  return {
    putToken(t) {
      forget.run(t.createdAt)
      try {
        put.run(t.digest, t.consumerId, t.sessionId, JSON.stringify(t.capabilities), t.createdAt, t.expiresAt)
      } catch (error) {
        if (isForeignKeyViolation(error)) throw new StoreConflict(`There is no consumer ${t.consumerId}.`)
        throw error
      }
    },
    getToken(digest, nowMs) {
      const row = get.get(digest, nowMs)
      if (row === undefined) return null
      const capabilities: AccessToken['capabilities'] = JSON.parse(text(row.capabilities))
      return {
        digest: text(row.digest),
        consumerId: text(row.consumer_id),
        sessionId: textOrNull(row.session_id),
        capabilities,
        createdAt: integer(row.created_at),
        expiresAt: integer(row.expires_at),
      }
    },
    expireTokens(consumerId, sessionIds, at) {
      const { changes } =
        sessionIds === null
          ? expire.run(consumerId, at)
          : expireSessions.run(consumerId, at, JSON.stringify(sessionIds))
      return Number(changes)
    },
    deleteToken: (digest) => remove.run(digest).changes === 1,
    keepAnswer(a, since) {
      forgetAnswers.run(since)
      keep.run(a.key, a.request, a.status, a.body, a.createdAt)
    },
    getAnswer(key, since) {
      const row = answer.get(key, since)
      if (row === undefined) return null
      const request = text(row.request)
      return { key, request, status: integer(row.status), body: text(row.body), createdAt: integer(row.created_at) }
    },
  }
}
