/**
 * Who serves a store: one process, and while it is being relieved its successor. A lock that SQLite itself holds on a file beside the
 * store, because the system drops it with the process, however that ends.
 */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** `alone`: nobody else may serve it. `successor`: takes the place of who does, when that one ends. `visitor`: looks in, and serves nothing. */
export type Tenancy = 'alone' | 'successor' | 'visitor'

/** How often a successor asks whether the place is free. */
const AGAIN_MS = 100

/** Another process serves this store. */
export class StoreInUse extends Error {
  // Its own, so that it comes through from one thread to another.
  override readonly name = 'StoreInUse'
}

/** Returns what lets go of the place, and is to be kept: a lock that nobody knows any more is collected. Throws StoreInUse. */
export function takePlace(path: string, tenancy: Tenancy): () => void {
  if (tenancy === 'visitor') return () => {}
  let lock = tryLock(path)
  if (lock !== null) return () => lock?.close()
  if (tenancy === 'alone') throw new StoreInUse(`${path} is served by another process`)
  const timer = setInterval(() => {
    lock = tryLock(path)
    if (lock !== null) clearInterval(timer)
  }, AGAIN_MS).unref()
  return () => {
    clearInterval(timer)
    lock?.close()
  }
}

function tryLock(path: string): DatabaseSync | null {
  const file = `${path}-lock`
  closeSync(openSync(file, 'a', 0o600))
  const lock = new DatabaseSync(file, { timeout: 0 })
  try {
    // Held as long as the transaction is open; nothing is ever written.
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (isBusy(error)) return null
    throw error
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}

const SQLITE_BUSY = 5
