/** What the admin server is given: the store, the running configuration, and a voice to the engines. */
import type { Clock } from '../base/clock.ts'
import type { Task, Work } from '../model/task.ts'
import type { Consumer, Endpoint, EventType } from '../model/webhook.ts'
import type { RevisionRecord, Store } from '../store/port.ts'

/** Why a configuration is refused, and where in its text. */
export interface Fault {
  /** `routes.profile.match.path` */
  readonly path: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  readonly message: string
  readonly suggestion?: string | undefined
}

export type Applied =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly faults: readonly Fault[] }
  | { readonly ok: false; readonly conflict: true; readonly current: number }

export interface ConfigHost {
  /** What runs now, as written; null before the first revision. `appliedAt` in ms. */
  current(): { readonly revision: number; readonly text: string; readonly appliedAt: number } | null
  /** Checks `text` and makes it the next revision. With `expected`, only if that one still runs. */
  apply(text: string, expected: number | null): Promise<Applied>
  /** Newest first. */
  history(limit: number): Promise<readonly RevisionRecord[]>
}

/** What engines keep in memory and must hear of. */
export interface DirectoryChange {
  readonly consumers?: readonly Consumer[]
  readonly endpoints?: readonly Endpoint[]
  readonly eventTypes?: readonly EventType[]
  readonly removedConsumers?: readonly string[]
  readonly removedEndpoints?: readonly string[]
  /** Names. */
  readonly removedEventTypes?: readonly string[]
}

export interface AdminDeps {
  readonly store: Store
  /** The admin bearer token. */
  readonly token: string
  readonly clock: Clock
  readonly config: ConfigHost
  /** Which route and policies a request would meet; JSON. */
  readonly explain: (method: string, url: string) => unknown
  /** Prometheus text, all threads added up. */
  readonly metrics: () => Promise<string>
  /** Every engine serves. */
  readonly ready: () => boolean
  /** Tells every engine; resolves when all have acknowledged. Called after the store has it and before the answer is sent. */
  readonly directoryChanged: (change: DirectoryChange) => Promise<unknown>
  /** Asks an engine for a manual attempt now. False: no such delivery, or one is in flight. */
  readonly resend: (messageId: string, endpointId: string) => Promise<boolean>
  /** Begins work that goes on by itself; resolves when it is durable. */
  readonly startTask: (work: Work) => Promise<Task>
  /** Deliveries became due. */
  readonly wake: () => void
  /** Why deliveries to this URL would be refused; null when they would not. */
  readonly egressAllowed: (url: string) => string | null
  /** Something unexpected was thrown while answering; the client saw a 500 without details. */
  readonly fault: (error: unknown) => void
}
