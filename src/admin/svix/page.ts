/** Pages of lists: Svix's iterators over the store's newest-first pages, with filters the store does not know. */
import { z } from '@hono/zod-openapi'
import type { Page } from '../../store/port.ts'

/** Rows read at once when some are left out, and how often, before a page ends early; the iterator goes on from there. */
const SCAN_ROWS = 250
const SCANS_MAX = 8

/** Before and after every id and name: where a walk against the store's order begins. */
const BELOW_ALL = ' '
const ABOVE_ALL = '~'

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(250).default(50),
  /** An answer's `iterator`, or its `prevIterator`, which begins with a hyphen. */
  iterator: z.string().max(300).optional(),
})

export const OrderedPageQuery = PageQuery.extend({ order: z.enum(['ascending', 'descending']).optional() })

export function listOf<T extends z.ZodType>(item: T) {
  return z.object({
    data: z.array(item),
    iterator: z.string().nullable(),
    prevIterator: z.string().nullable(),
    done: z.boolean(),
  })
}

export type Order = 'ascending' | 'descending'

export interface Listing<T> {
  readonly query: { readonly limit: number; readonly iterator?: string | undefined }
  readonly order: Order
  /** The order of the store's list; ids are descending, newest first, unless this says otherwise. */
  readonly stored?: Order
  id(row: T): string
  fetch(page: Page): Promise<readonly T[]>
  /** Leaves rows out. */
  readonly keep?: (row: T) => boolean | Promise<boolean>
}

export interface PageOf<T> {
  data: T[]
  iterator: string | null
  prevIterator: string | null
  done: boolean
}

/** One page. `done` is false while there is more in the direction that was asked for. */
export async function pageOf<T>(listing: Listing<T>): Promise<PageOf<T>> {
  const { limit, iterator = '' } = listing.query
  const back = iterator.startsWith('-')
  const cursor = back ? iterator.slice(1) : iterator
  const { rows, more, last } = await walk(listing, back, cursor, limit)

  const data = back ? rows.toReversed() : rows
  const first = data[0]
  const final = data.at(-1)
  const next = final === undefined ? null : listing.id(final)
  const previous = first === undefined ? null : `-${listing.id(first)}`
  // A page that ended early goes on from the last row read, which was left out.
  if (last !== null && back) return { data, iterator: next, prevIterator: `-${last}`, done: !more }
  return { data, iterator: last ?? next, prevIterator: previous, done: !more }
}

/** Reads from `cursor` on, or back, until `limit` rows are found and one more is seen. Nearest first. */
async function walk<T>(listing: Listing<T>, back: boolean, cursor: string, limit: number) {
  const { order, stored = 'descending', keep } = listing
  const along = (order === stored) !== back
  const end = stored === 'descending' ? BELOW_ALL : ABOVE_ALL
  const size = keep === undefined ? limit + 1 : SCAN_ROWS
  const rows: T[] = []
  let at = cursor
  for (let scan = 0; scan < SCANS_MAX; scan++) {
    const page = along ? { limit: size, after: at || undefined } : { limit: size, before: at || end }
    const read = await listing.fetch(page)
    for (const row of along ? read : read.toReversed()) {
      at = listing.id(row)
      if (keep !== undefined && !(await keep(row))) continue
      if (rows.length === limit) return { rows, more: true, last: null }
      rows.push(row)
    }
    if (read.length < size) return { rows, more: false, last: null }
  }
  return { rows, more: true, last: at }
}
