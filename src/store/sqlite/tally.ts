/** Keeps the counts of messages and of deliveries by state with every transaction: exact, and a few microseconds a commit. */
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { StoreStats } from '../port.ts'
import { integer, text } from './rows.ts'
import { STATES } from './states.ts'

const NAMES = [...STATES, 'message']
const MESSAGE = STATES.length

/** What the open transaction has changed so far; written just before its commit. */
export interface Tally {
  messages(added: number): void
  /** Deliveries that went from one state (null: did not exist) to another. Numbers as in STATES. */
  moved(from: number | null, to: number, deliveries: number): void
  /** Deliveries of this state that are no more. */
  removed(from: number, deliveries: number): void
  /** A copy to `restore` when a savepoint is rolled back. */
  mark(): readonly number[]
  restore(mark: readonly number[]): void
  /** Adds the changes to the table and starts from nothing. */
  write(): void
  /** Starts from nothing: the transaction was rolled back. */
  clear(): void
  stats(): StoreStats
}

export function tallyOf(db: DatabaseSync, path: string): Tally {
  const add = db.prepare('UPDATE tally SET count = count + ? WHERE name = ?')
  const all = db.prepare('SELECT name, count FROM tally')
  let deltas: number[] = NAMES.map(() => 0)
  return {
    messages(added) {
      deltas[MESSAGE]! += added
    },
    moved(from, to, deliveries) {
      if (from !== null) deltas[from]! -= deliveries
      deltas[to]! += deliveries
    },
    removed(from, deliveries) {
      deltas[from]! -= deliveries
    },
    mark: () => [...deltas],
    restore(mark) {
      deltas = [...mark]
    },
    write() {
      for (const [index, delta] of deltas.entries()) if (delta !== 0) add.run(delta, NAMES[index]!)
      deltas.fill(0)
    },
    clear() {
      deltas.fill(0)
    },
    stats() {
      const counts = Object.fromEntries(all.all().map((row) => [text(row.name), integer(row.count)]))
      const { message = 0, ...deliveries } = counts
      return { messages: message, deliveries, bytes: sizeOf(path) + sizeOf(`${path}-wal`) }
    },
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
