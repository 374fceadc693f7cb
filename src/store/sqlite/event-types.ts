/** SQL of event types. */
import type { DatabaseSync } from 'node:sqlite'
import type { EventType } from '../../model/webhook.ts'
import type { Pager } from './pages.ts'
import type { Direct } from './protocol.ts'
import type { Row } from './rows.ts'
import { integer, strings, text, textOrNull } from './rows.ts'

interface EventTypes {
  putEventType: Direct<'putEventType'>
  getEventType: Direct<'getEventType'>
  allEventTypes: Direct<'allEventTypes'>
  listEventTypes: Direct<'listEventTypes'>
  deleteEventType: Direct<'deleteEventType'>
}

export function eventTypes(db: DatabaseSync, pager: Pager): EventTypes {
  const put =
    db.prepare(`INSERT INTO event_type (name, description, schema, archived, deprecated, group_name, feature_flags, created_at, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET description = excluded.description, schema = excluded.schema,
      archived = excluded.archived, deprecated = excluded.deprecated, group_name = excluded.group_name,
      feature_flags = excluded.feature_flags, created_at = excluded.created_at, updated_at = excluded.updated_at`)
  const all = db.prepare('SELECT * FROM event_type ORDER BY name')
  const get = db.prepare('SELECT * FROM event_type WHERE name = ?')
  const remove = db.prepare('DELETE FROM event_type WHERE name = ?')

  return {
    putEventType(t) {
      put.run(
        t.name,
        t.description,
        JSON.stringify(t.schema ?? null),
        t.archived ? 1 : 0,
        t.deprecated ? 1 : 0,
        t.groupName,
        JSON.stringify(t.featureFlags),
        t.createdAt,
        t.updatedAt,
      )
    },
    getEventType(name) {
      const row = get.get(name)
      return row === undefined ? null : eventTypeOf(row)
    },
    allEventTypes: () => all.all().map(eventTypeOf),
    listEventTypes: (page) => pager.page({ from: 'event_type', key: 'name', ascending: true }, page).map(eventTypeOf),
    deleteEventType: (name) => remove.run(name).changes === 1,
  }
}

function eventTypeOf(row: Row): EventType {
  return {
    name: text(row.name),
    description: text(row.description),
    schema: JSON.parse(text(row.schema)),
    archived: row.archived === 1,
    deprecated: row.deprecated === 1,
    groupName: textOrNull(row.group_name),
    featureFlags: strings(row.feature_flags),
    createdAt: integer(row.created_at),
    updatedAt: integer(row.updated_at),
  }
}
