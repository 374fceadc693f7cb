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
  /** Stores what it declares, before the revision is: harmless when the revision is then refused. */
  declare(state: DesiredState): Promise<void>
  /** Swaps it in everywhere; `files` are those it names. Does not fail: what runs nowhere yet will run at the next start. */
  install(revision: number, state: DesiredState, files: ReadonlyMap<string, string>): Promise<void>
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

  /** Installs the newest revision of the store, when another process has added it. */
  catchUp(): Promise<void> {
    const turn = this.last.then(async () => {
      const newest = await this.deps.store.latestRevision()
      if (newest === null || newest.number <= (this.now?.revision ?? 0)) return
      const loaded = checked(this.deps, newest.number, newest.text)
      if (!loaded.ok) return
      await this.deps.declare(loaded.state)
      this.started(newest)
      await this.deps.install(newest.number, loaded.state, loaded.files)
    })
    this.last = turn.catch(() => {})
    return turn
  }

  /** Reads the running revision again, because a file that it names has changed. Refused, it goes on as it was read before. */
  reread(): Promise<Applied> {
    const turn = this.last.then(() => this.rereadNow())
    this.last = turn.catch(() => {})
    return turn
  }

  private async rereadNow(): Promise<Applied> {
    const { revision, text } = this.now!
    const loaded = checked(this.deps, revision, text)
    if (!loaded.ok) return loaded
    await this.deps.install(revision, loaded.state, loaded.files)
    return { ok: true, revision }
  }

  private async applyNow(text: string, expected: number | null, origin: 'file' | 'api'): Promise<Applied> {
    const { store, clock } = this.deps
    const current = this.now?.revision ?? 0
    if (expected !== null && expected !== current) return { ok: false, conflict: true, current }
    if (text === this.now?.text) return { ok: true, revision: current }
    const loaded = checked(this.deps, current + 1, text)
    if (!loaded.ok) return loaded
    await this.deps.declare(loaded.state)
    for (;;) {
      // Another start on this store may have added revisions; whoever names none wants the newest of all to be this one.
      const before = expected ?? (await store.latestRevision())?.number ?? 0
      try {
        const record = await store.putRevision(before, origin, text, clock.now())
        this.started(record)
        await this.deps.install(record.number, loaded.state, loaded.files)
        return { ok: true, revision: record.number }
      } catch (error) {
        if (!(error instanceof StoreConflict)) throw error
        if (expected !== null)
          return { ok: false, conflict: true, current: (await store.latestRevision())?.number ?? current }
      }
    }
  }
}

/** Parsed and compiled. */
function checked({ parse, rehearse }: Pick<RevisionsDeps, 'parse' | 'rehearse'>, number: number, text: string) {
  const loaded = parse(text)
  if (!loaded.ok) return loaded
  try {
    rehearse(number, loaded.state)
    return loaded
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { ok: false, faults: [{ path: '', line: 1, column: 1, message }] } as const
  }
}

export interface FirstRevision {
  readonly record: RevisionRecord
  readonly state: DesiredState
  readonly files: ReadonlyMap<string, string>
  /** The newest revision, when it cannot be served any more (a variable is gone). */
  readonly unservable: { readonly revision: number; readonly faults: readonly Fault[] } | null
}

/**
 * The revision to start with: the file when it has changed since it was last read, else the newest there is; the file as well when
 * that one cannot be served any more, and then as a new revision: what is shown is what runs. `text` is the file's and can be served.
 */
export async function firstRevision(
  deps: Pick<RevisionsDeps, 'store' | 'clock' | 'parse' | 'rehearse'>,
  text: string,
): Promise<FirstRevision> {
  const { store, clock } = deps
  const [newest, fromFile] = [await store.latestRevision(), await store.latestRevision('file')]
  let unservable: FirstRevision['unservable'] = null
  if (newest !== null && fromFile?.text === text) {
    const loaded = checked(deps, newest.number, newest.text)
    if (loaded.ok) return { record: newest, state: loaded.state, files: loaded.files, unservable }
    unservable = { revision: newest.number, faults: loaded.faults }
  }
  const number = newest?.number ?? 0
  const loaded = checked(deps, number + 1, text)
  if (!loaded.ok) throw new Error('the file cannot be served')
  const record = await store.putRevision(number, 'file', text, clock.now())
  return { record, state: loaded.state, files: loaded.files, unservable }
}
