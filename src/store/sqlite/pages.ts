/** Paging by key in both directions, and walking long lists a slice at a time. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Page } from '../port.ts'
import type { Row } from './rows.ts'
import { text } from './rows.ts'

export interface List {
  /** The table walked and its alias, such as `message_listing l`. */
  readonly from: string
  /** What is selected when it is not all of `from`, such as `m.* FROM message_listing l JOIN message m …`. */
  readonly select?: string
  /** The unique column the list is ordered by; with `within` it must be an index. */
  readonly key: string
  /** Conditions an index answers. */
  readonly within?: readonly string[]
  /** Conditions that rows must be read for: they are why a walk is done in slices. */
  readonly filters?: readonly string[]
  /** Values of the `:names` in the conditions. */
  readonly params?: Readonly<Record<string, SQLInputValue>>
  /** True: smallest key first. */
  readonly ascending?: boolean
}

/** Rows looked at in the first slice, and at most in a later one: 16 384 index rows take about 5 ms. */
const FIRST_SLICE = 256
const LARGEST_SLICE = 16_384

/** Runs lists on one database; statements are prepared once for each shape of list and cursor. */
export interface Pager {
  /** The whole page at once: for lists without filters. */
  page(list: List, page: Page): readonly Row[]
  /** The same, yielding between slices: for lists with filters, where a page may be at the far end of millions of rows. */
  walk(list: List, page: Page): Generator<undefined, readonly Row[]>
}

export function pagerOf(db: DatabaseSync): Pager {
  const statements = new Map<string, StatementSync>()
  const prepared = (sql: string): StatementSync => {
    let statement = statements.get(sql)
    if (statement === undefined) {
      statement = db.prepare(sql)
      statement.setAllowUnknownNamedParameters(true)
      statements.set(sql, statement)
    }
    return statement
  }

  function* walk(list: List, { limit, after, before }: Page): Generator<undefined, readonly Row[]> {
    const { from, select = `* FROM ${from}`, key, within = [], filters = [], ascending = false } = list
    // With `before` alone the page is the nearest to it, so the walk starts there and its rows are turned round.
    const backwards = before !== undefined && after === undefined
    const up = ascending !== backwards
    const [beyond, short, order] = up ? ['>', '<', 'ASC'] : ['<', '>', 'DESC']
    let edge = backwards ? before : after
    const stop = backwards ? undefined : before
    const rows: Row[] = []
    for (let size = FIRST_SLICE; ; size = Math.min(size * 4, LARGEST_SLICE)) {
      const conditions = [...within]
      if (edge !== undefined) conditions.push(`${key} ${beyond} :edge`)
      if (stop !== undefined) conditions.push(`${key} ${short} :stop`)
      const params: Record<string, SQLInputValue> = { ...list.params, limit: limit - rows.length, skip: size - 1 }
      if (edge !== undefined) params.edge = edge
      if (stop !== undefined) params.stop = stop
      const last =
        filters.length === 0
          ? undefined
          : prepared(
              `SELECT ${key} AS key FROM ${from} ${where(conditions)} ORDER BY ${key} ${order} LIMIT 1 OFFSET :skip`,
            ).get(params)
      if (last !== undefined) {
        conditions.push(`${key} ${short}= :last`)
        params.last = last.key!
      }
      conditions.push(...filters)
      rows.push(...prepared(`SELECT ${select} ${where(conditions)} ORDER BY ${key} ${order} LIMIT :limit`).all(params))
      if (last === undefined || rows.length >= limit) return backwards ? rows.toReversed() : rows
      edge = text(last.key)
      yield
    }
  }

  return {
    walk,
    page(list, page) {
      const { value } = walk(list, page).next()
      return value ?? []
    },
  }
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
}
