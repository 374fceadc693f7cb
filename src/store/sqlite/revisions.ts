/** SQL of configuration revisions and of settings. */
import type { DatabaseSync } from 'node:sqlite'
import { StoreConflict } from '../port.ts'
import type { RevisionRecord } from '../port.ts'
import type { Direct } from './protocol.ts'
import type { Row } from './rows.ts'
import { integer, text } from './rows.ts'

interface Revisions {
  putRevision: Direct<'putRevision'>
  latestRevision: Direct<'latestRevision'>
  listRevisions: Direct<'listRevisions'>
  getSetting: Direct<'getSetting'>
  initSetting: Direct<'initSetting'>
  putSetting: Direct<'putSetting'>
  allSettings: Direct<'allSettings'>
}

export function revisions(db: DatabaseSync): Revisions {
  const put = db.prepare('INSERT INTO revision (number, origin, text, created_at) VALUES (?, ?, ?, ?)')
  const newestNumber = db.prepare('SELECT coalesce(max(number), 0) AS number FROM revision')
  const latest = db.prepare('SELECT * FROM revision ORDER BY number DESC LIMIT 1')
  const latestOf = db.prepare('SELECT * FROM revision WHERE origin = ? ORDER BY number DESC LIMIT 1')
  const list = db.prepare('SELECT * FROM revision ORDER BY number DESC LIMIT ?')
  const get = db.prepare('SELECT value FROM setting WHERE key = ?')
  const init = db.prepare('INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const set = db.prepare(
    'INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  )
  const settings = db.prepare('SELECT * FROM setting ORDER BY key')

  return {
    putRevision(expected, origin, text, createdAt) {
      const newest = integer(newestNumber.get()!.number)
      if (newest !== expected) throw new StoreConflict(`The newest revision is ${newest}, not ${expected}.`)
      put.run(expected + 1, origin, text, createdAt)
      return { number: expected + 1, origin, text, createdAt }
    },
    latestRevision(origin) {
      const row = origin === undefined ? latest.get() : latestOf.get(origin)
      return row === undefined ? null : revisionOf(row)
    },
    listRevisions: (limit) => list.all(limit).map(revisionOf),
    getSetting(key) {
      const row = get.get(key)
      return row === undefined ? null : text(row.value)
    },
    initSetting(key, value) {
      init.run(key, value)
      return text(get.get(key)!.value)
    },
    putSetting(key, value) {
      set.run(key, value)
    },
    allSettings: () => settings.all().map((row) => [text(row.key), text(row.value)]),
  }
}

function revisionOf(row: Row): RevisionRecord {
  return {
    number: integer(row.number),
    origin: row.origin === 'api' ? 'api' : 'file',
    text: text(row.text),
    createdAt: integer(row.created_at),
  }
}
