/** Following attempts while they are recorded, by asking again and again. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from '@hono/zod-openapi'
import type { AttemptsOut } from './deliveries.ts'

export type AttemptRecord = z.infer<typeof AttemptsOut>['data'][number]

export interface TailQuery {
  readonly message?: string
  readonly endpoint?: string
  /** The attempt to begin behind; without it, from now on. */
  readonly after?: string
}

/** Reads a page of attempts, newest first. */
export type ReadAttempts = (query: {
  message?: string
  endpoint?: string
  limit: number
  iterator?: string
}) => Promise<z.infer<typeof AttemptsOut>>

const EVERY_MS = 500
const PAGE = 250
const PAGES_MAX = 8
/** Ids remembered: twice what one look can read. */
const SEEN_MAX = 2 * PAGE * PAGES_MAX

/**
 * Attempts as they are recorded, each once, until `signal` aborts. An id says when an attempt began, and a slow one is recorded
 * after faster ones that began later: so each look goes back until a whole page is known, instead of on from the newest id.
 */
export async function* tailAttempts(
  read: ReadAttempts,
  { after, ...filter }: TailQuery,
  signal: AbortSignal,
): AsyncGenerator<AttemptRecord> {
  const floor = after ?? (await read({ ...filter, limit: 1 })).data[0]?.id ?? ''
  const seen = new Set<string>()

  async function look(): Promise<AttemptRecord[]> {
    const fresh: AttemptRecord[] = []
    let iterator: string | null = null
    for (let pages = 0; pages < PAGES_MAX; pages++) {
      const page = await read({ ...filter, limit: PAGE, ...(iterator === null ? {} : { iterator }) })
      const unseen = page.data.filter(({ id }) => id > floor && !seen.has(id))
      fresh.push(...unseen)
      if (unseen.length === 0 || page.done) break
      iterator = page.iterator
    }
    return fresh.toReversed()
  }

  while (!signal.aborted) {
    const fresh = await look()
    for (const { id } of fresh) seen.add(id)
    for (const id of seen) {
      if (seen.size <= SEEN_MAX) break
      seen.delete(id)
    }
    yield* fresh
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
}
