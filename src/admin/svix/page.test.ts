/** Iterators: every row once, in both orders and directions, with rows left out, over the store's kind of page. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Page } from '../../store/port.ts'
import { type Listing, type Order, pageOf } from './page.ts'

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `id_${String(i).padStart(5, '0')}`)

const ORDER = fc.constantFrom<Order>('ascending', 'descending')

/** A list in memory that pages as a store does: nearest to the cursor, in the store's own order. */
function listing(all: readonly string[], order: Order, stored: Order = 'descending', keep?: Listing<string>['keep']) {
  const rows = stored === 'ascending' ? all : all.toReversed()
  const follows = (a: string, b: string): boolean => (stored === 'ascending' ? a > b : a < b)
  const fetch = async ({ limit, after, before }: Page): Promise<readonly string[]> =>
    before === undefined
      ? rows.filter((id) => after === undefined || follows(id, after)).slice(0, limit)
      : rows.filter((id) => follows(before, id)).slice(-limit)
  return (query: Listing<string>['query']) =>
    pageOf<string>({ query, order, stored, id: (id) => id, fetch, ...(keep === undefined ? {} : { keep }) })
}

async function all(page: ReturnType<typeof listing>, limit: number): Promise<string[]> {
  const seen: string[] = []
  for (let iterator: string | null = null; ;) {
    const read = await page({ limit, ...(iterator === null ? {} : { iterator }) })
    seen.push(...read.data)
    if (read.done) return seen
    iterator = read.iterator
  }
}

test('following the iterator gives every row once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(40), fc.integer({ min: 1, max: 12 }), ORDER, ORDER, async (count, limit, order, stored) => {
      const rows = ids(count)
      const found = await all(listing(rows, order, stored), limit)
      assert.deepEqual(found, order === 'ascending' ? rows : rows.toReversed())
    }),
  )
})

test('the previous iterator gives the page before, in the same order', async () => {
  for (const [order, stored] of [
    ['ascending', 'descending'],
    ['descending', 'descending'],
    ['ascending', 'ascending'],
  ] as const) {
    const page = listing(ids(10), order, stored)
    const first = await page({ limit: 3 })
    const second = await page({ limit: 3, iterator: first.iterator! })
    const back = await page({ limit: 3, iterator: second.prevIterator! })
    assert.deepEqual(back.data, first.data)
    assert.equal(back.done, true, 'nothing comes before the first page')
    assert.equal(back.iterator, first.iterator)
  }
})

test('an empty list is done and has no iterators', async () => {
  assert.deepEqual(await listing([], 'descending')({ limit: 5 }), {
    data: [],
    iterator: null,
    prevIterator: null,
    done: true,
  })
})

test('rows that are left out cost a bounded read, and the iterator goes on behind them', async () => {
  const rows = ids(5000)
  const rare = listing(rows, 'descending', 'descending', (id) => id.endsWith('0001') || id.endsWith('4999'))
  const first = await rare({ limit: 5 })
  assert.deepEqual(first.data, ['id_04999'])
  assert.equal(first.done, false)
  assert.notEqual(first.iterator, 'id_04999')
  assert.deepEqual(await all(rare, 5), ['id_04999', 'id_00001'])
})
