/** The configuration as a sequence of revisions: checked whole, stored, then swapped in; or refused, and nothing changes. */
import type { Clock } from '../base/clock.ts'
import type { DesiredState } from '../model/gateway.ts'
import { type RevisionRecord, type Store, StoreConflict } from '../store/port.ts'
import type { Fault } from './fault.ts'
import type { LoadResult } from './load.ts'

export type Applied =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly faults: readonly Fault[] }
  | { readonly ok: false; readonly conflict: true; readonly current: number }

export interface RevisionsDeps {
  readonly store: Store
  readonly clock: Clock
  /** Text to state, or what is wrong with it. */
  parse(text: string): LoadResult
  /** Compiles without effect; throws when that fails. */
  rehearse(revision: number, state: DesiredState): void
  /** Swaps it in everywhere. */
  install(revision: number, state: DesiredState): Promise<void>
}

export interface CurrentRevision {
  readonly revision: number
  readonly text: string
  readonly appliedAt: number
}

export class Revisions {
  private readonly deps: RevisionsDeps
  private now: CurrentRevision | null = null
  /** One at a time: a revision is compared, stored and installed before the next is looked at. */
  private last: Promise<unknown> = Promise.resolve()

  constructor(deps: RevisionsDeps) {
    this.deps = deps
  }

  current(): CurrentRevision | null {
    return this.now
  }

  history(limit: number): Promise<readonly RevisionRecord[]> {
    return this.deps.store.listRevisions(limit)
  }

  /** Says what runs already, at start. */
  started(record: RevisionRecord): void {
    this.now = { revision: record.number, text: record.text, appliedAt: this.deps.clock.now() }
  }

  /** With `expected`, only if that revision still runs. A text that is what runs already is no new revision. */
  apply(text: string, expected: number | null, origin: 'file' | 'api'): Promise<Applied> {
    const turn = this.last.then(() => this.applyNow(text, expected, origin))
    this.last = turn.catch(() => {})
    return turn
  }

  private async applyNow(text: string, expected: number | null, origin: 'file' | 'api'): Promise<Applied> {
    const { store, clock } = this.deps
    const current = this.now?.revision ?? 0
    if (expected !== null && expected !== current) return { ok: false, conflict: true, current }
    const loaded = this.deps.parse(text)
    if (!loaded.ok) return { ok: false, faults: loaded.faults }
    try {
      this.deps.rehearse(current + 1, loaded.state)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      return { ok: false, faults: [{ path: '', line: 1, column: 1, message }] }
    }
    let record: RevisionRecord
    try {
      record = await store.putRevision(current, origin, text, clock.now())
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error
      const newest = await store.latestRevision()
      return { ok: false, conflict: true, current: newest?.number ?? 0 }
    }
    await this.deps.install(record.number, loaded.state)
    this.now = { revision: record.number, text, appliedAt: clock.now() }
    return { ok: true, revision: record.number }
  }
}

/** The revision to start with: the file when it has changed since it was last read, else the newest there is. */
export async function firstRevision(store: Store, text: string, clock: Clock): Promise<RevisionRecord> {
  const newest = await store.latestRevision()
  const fromFile = await store.latestRevision('file')
  if (newest !== null && fromFile?.text === text) return newest
  return store.putRevision(newest?.number ?? 0, 'file', text, clock.now())
}
