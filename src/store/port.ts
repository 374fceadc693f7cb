/**
 * What every store must do, whatever keeps the bytes. All calls are asynchronous and batch-shaped; an adapter may serve many
 * callers with one commit. A promise that resolves after a write means durable: it survives `kill -9` and a power cut.
 */
import type { OrderedCertificate } from '../model/tls.ts'
import type { AccessToken, KeptAnswer } from '../model/access.ts'
import type { Task, TaskKind, TaskState } from '../model/task.ts'
import type {
  Attempt,
  Consumer,
  Delivery,
  DeliveryState,
  Endpoint,
  EndpointHealth,
  EventType,
  Message,
} from '../model/webhook.ts'

/** A delivery to be made with its message. */
export interface NewDelivery {
  readonly id: string
  readonly endpointId: string
  /** `leased` to the caller, who will attempt it now; `due` now, for whoever claims it; `held`: its endpoint is disabled. */
  readonly as: 'leased' | 'due' | 'held'
}

export interface NewMessage {
  readonly message: Message
  /** Chosen by the publisher for this request, and remembered for a day within the scope. */
  readonly idempotencyKey?: string | null | undefined
  /** Made by a client for one call and its retries, unlike any other, and remembered for moments. */
  readonly retryKey?: string | null | undefined
  readonly deliveries: readonly NewDelivery[]
}

/** `stored`, or the id of the message that already has this eventId in this scope (consumer or origin), or came with this key. */
export type AppendResult =
  | { readonly stored: true }
  | {
      readonly stored: false
      readonly existingId: string
      /** By its key: the same request again, unless the key was used for another. */
      readonly repeats: boolean
    }

/** Where a delivery stands while nobody attempts it. */
export interface Standing {
  readonly state: 'pending' | 'delivered' | 'exhausted' | 'held'
  /** For `pending`: when it is due, ms. */
  readonly nextAt: number | null
}

/** A delivery claimed for an attempt, with all that the attempt needs. */
export interface ClaimedDelivery {
  readonly delivery: Delivery
  readonly message: Message
  /** Where it stood before: an attempt by hand that fails, or that is never made, leaves it there. */
  readonly before: Standing
}

/** A delivery given back, and where it stands then. */
export interface GivenBack {
  readonly messageId: string
  readonly endpointId: string
  readonly to: Standing
}

/** The end of an attempt and what becomes of its delivery, recorded in one statement's transaction. */
export interface Settlement {
  readonly attempt: Attempt
  readonly state: 'pending' | 'delivered' | 'exhausted' | 'cancelled' | 'held'
  /** For `pending`: when to try again. */
  readonly nextAt: number | null
}

export interface RevisionRecord {
  readonly number: number
  readonly origin: 'file' | 'api'
  /** The configuration text as written; secrets stay references. */
  readonly text: string
  readonly createdAt: number
}

/**
 * A page of a list, newest first. `after` and `before` are ids (exclusive) and say where in that order: `after` the
 * items that follow it (older), `before` the nearest that precede it (newer). Event types, which have no age, go by
 * name, A first.
 */
export interface Page {
  readonly limit: number
  readonly after?: string | undefined
  readonly before?: string | undefined
}

export interface MessageFilter extends Page {
  readonly consumerId?: string | undefined
  readonly origin?: string | undefined
  readonly eventTypes?: readonly string[] | undefined
  readonly channel?: string | undefined
  readonly tag?: string | undefined
  /** Created at or after / before, ms. */
  readonly createdFrom?: number | undefined
  readonly createdUntil?: number | undefined
}

export interface AttemptFilter extends Page {
  readonly messageId?: string | undefined
  readonly endpointId?: string | undefined
  readonly ok?: boolean | undefined
}

export interface TaskFilter extends Page {
  readonly kind?: TaskKind | undefined
  readonly state?: TaskState | undefined
}

/** Times are ms; -Infinity: none is so old. */
export interface Purge {
  readonly messagesBefore: number
  readonly attemptsBefore: number
  readonly limit: number
}

export interface StoreStats {
  readonly messages: number
  /** Deliveries by state. */
  readonly deliveries: Readonly<Record<string, number>>
  /** Size of the store on disk. */
  readonly bytes: number
}

/** How a lessee is known: unique to one engine of one process start. A lessee that stops its heartbeat loses its leases. */
export type Lessee = string

export interface Store {
  // ---- the append and the queue: hot, called by engines
  append(lessee: Lessee, messages: readonly NewMessage[]): Promise<readonly AppendResult[]>
  /**
   * Records attempts; one that is recorded already changes nothing. A settlement whose delivery is no longer leased to `lessee` keeps
   * its attempt but changes no state (fenced). `attempts` counts what the schedule has used up: not what was tried by hand, nor an
   * end as `cancelled` or `held`, which was never sent.
   */
  settle(lessee: Lessee, settlements: readonly Settlement[]): Promise<void>
  /**
   * Leases up to `limit` deliveries that are due at `nowMs`, oldest first, but none to the endpoints `except`; every endpoint gets its share
   * of a limit that is less than what is due. It may be fewer when payloads are large: none means that nothing is due. Leased, a delivery has no `nextAt`.
   */
  claim(lessee: Lessee, limit: number, nowMs: number, except: readonly string[]): Promise<readonly ClaimedDelivery[]>
  /** Leases one delivery for a manual attempt now, unless it is in flight. Null: no such delivery, in flight, or cancelled. */
  claimOne(lessee: Lessee, messageId: string, endpointId: string): Promise<ClaimedDelivery | null>
  /** Gives deliveries back unattempted (shutdown, overload). Those that are not leased to `lessee` stay as they are. */
  release(lessee: Lessee, deliveries: readonly GivenBack[]): Promise<void>
  /** When the next pending delivery is due, ms, of those not to the endpoints `except`; null when nothing waits. */
  nextDue(except: readonly string[]): Promise<number | null>
  /** Says that `lessee` lives. Its first heartbeat comes before its first lease. False: it was not known to, and has no lease any more. */
  heartbeat(lessee: Lessee, nowMs: number): Promise<boolean>
  /**
   * Makes the leases of those silent for `silentMs`, or never heard of, due again; returns how many. Only for a caller who knows that
   * others could have been heard all that time: after a stall of its own, or a step of the clock, everybody seems silent.
   */
  reclaim(nowMs: number, silentMs: number): Promise<number>

  // ---- resources
  /** Insert or replace by id. Throws StoreConflict when the uid is taken by another. */
  putConsumer(consumer: Consumer): Promise<void>
  /** By id or uid. */
  getConsumer(idOrUid: string): Promise<Consumer | null>
  listConsumers(page: Page): Promise<readonly Consumer[]>
  /** Deletes the consumer with its endpoints; cancels what waits for them. False: there was none. */
  deleteConsumer(id: string): Promise<boolean>

  /** As putConsumer. Throws StoreConflict as well when the consumer does not exist or the id is another consumer's. */
  putEndpoint(endpoint: Endpoint): Promise<void>
  /** By id or uid within the consumer. */
  getEndpoint(consumerId: string, idOrUid: string): Promise<Endpoint | null>
  /** Without a word about the rest of it, which somebody may be changing. False: there is none, or it is disabled already. */
  disableEndpoint(consumerId: string, id: string, nowMs: number): Promise<boolean>
  listEndpoints(consumerId: string, page: Page): Promise<readonly Endpoint[]>
  /** Every endpoint of every consumer: what an engine loads at start. */
  allEndpoints(): Promise<readonly Endpoint[]>
  allConsumers(): Promise<readonly Consumer[]>
  deleteEndpoint(consumerId: string, id: string): Promise<boolean>

  /** Of an endpoint that fails; without effect when there is no such endpoint. */
  putHealth(health: EndpointHealth): Promise<void>
  deleteHealth(endpointId: string): Promise<void>
  /** Of every endpoint that fails. */
  allHealth(): Promise<readonly EndpointHealth[]>

  putEventType(eventType: EventType): Promise<void>
  getEventType(name: string): Promise<EventType | null>
  allEventTypes(): Promise<readonly EventType[]>
  listEventTypes(page: Page): Promise<readonly EventType[]>
  deleteEventType(name: string): Promise<boolean>

  /**
   * Forgets up to `limit` messages accepted before the one time, with their deliveries and attempts, and attempts begun before the other.
   * What is pending or in flight stays. Resolves with how many it was: fewer than `limit` means that no more are so old.
   */
  purge(what: Purge): Promise<number>

  // ---- what was sent and received
  /** By message id, or by eventId within the consumer (or origin, given in its place). Null: by message id, whoever's it is. */
  getMessage(consumerId: string | null, idOrEventId: string): Promise<Message | null>
  listMessages(filter: MessageFilter): Promise<readonly Message[]>
  listDeliveries(messageId: string): Promise<readonly Delivery[]>
  getAttempt(id: string): Promise<Attempt | null>
  listAttempts(filter: AttemptFilter): Promise<readonly Attempt[]>
  /**
   * Replays a held, exhausted or delivered one: due now, its schedule from the start (`attempts` is 0 again). A pending one
   * is only hurried. False: no such delivery, in flight, or cancelled.
   */
  requeue(messageId: string, endpointId: string, nowMs: number): Promise<boolean>

  /** Counts the deliveries to one endpoint by state, of messages created at or after `from` and before `until`, ms. */
  countDeliveries(
    consumerId: string,
    endpointId: string,
    from: number,
    until: number,
  ): Promise<Readonly<Record<DeliveryState, number>>>

  /** Empties the payload of a message for good. False: there is none. */
  expunge(messageId: string): Promise<boolean>
  /** Empties those whose time has come, the oldest first, `limit` at most; returns how many. */
  expungeDue(nowMs: number, limit: number): Promise<number>
  /** Empties the answer that an attempt had. */
  expungeAttempt(id: string): Promise<boolean>

  // ---- tasks
  /** Keeps a new task. */
  putTask(task: Task): Promise<void>
  /**
   * Does the next slice of a running task, looking at `rows` rows at most, and keeps with it how far the task has come: what it says it
   * has done is done, once, however often and by whomever it is advanced. Null: there is no such task.
   */
  advanceTask(id: string, rows: number, nowMs: number): Promise<Task | null>
  getTask(id: string): Promise<Task | null>
  listTasks(filter: TaskFilter): Promise<readonly Task[]>

  // ---- access to one consumer's part of the API
  /** Keeps a new token, and forgets those that have expired. Throws StoreConflict when there is no such consumer. */
  putToken(token: AccessToken): Promise<void>
  /** Null as well when it has expired. */
  getToken(digest: string, nowMs: number): Promise<AccessToken | null>
  /** Lets a consumer's tokens, or those of the sessions alone, expire at `at` if they would later; returns how many. */
  expireTokens(consumerId: string, sessionIds: readonly string[] | null, at: number): Promise<number>
  deleteToken(digest: string): Promise<boolean>
  /** Keeps an answer unless there is one under its key; forgets those from before `since`. */
  keepAnswer(answer: KeptAnswer, since: number): Promise<void>
  getAnswer(key: string, since: number): Promise<KeptAnswer | null>

  // ---- revisions and settings
  /** Appends revision `expected + 1`. Throws StoreConflict when the newest is not `expected`. */
  putRevision(expected: number, origin: 'file' | 'api', text: string, nowMs: number): Promise<RevisionRecord>
  /** The newest, or the newest of one origin. */
  latestRevision(origin?: 'file' | 'api'): Promise<RevisionRecord | null>
  listRevisions(limit: number): Promise<readonly RevisionRecord[]>
  getSetting(key: string): Promise<string | null>
  /** Stores it unless there is one; returns what is stored (first run wins). */
  initSetting(key: string, value: string): Promise<string>
  /** Insert or replace. */
  putSetting(key: string, value: string): Promise<void>
  /** Keys and values. */
  allSettings(): Promise<readonly (readonly [string, string])[]>

  // ---- certificates that were ordered
  /** Insert or replace by issuer and name; one that was issued earlier than the one stored changes nothing. */
  putCertificate(certificate: OrderedCertificate): Promise<void>
  getCertificate(issuer: string, name: string): Promise<OrderedCertificate | null>
  allCertificates(): Promise<readonly OrderedCertificate[]>
  /** For what one process at a time may do. False: somebody else holds it, at `nowMs` not yet ended. Its holder may take it again. */
  takeLease(name: string, holder: string, nowMs: number, untilMs: number): Promise<boolean>
  /** Lets others have it now; without effect unless `holder` has it. */
  dropLease(name: string, holder: string): Promise<void>

  stats(): Promise<StoreStats>
  /** What was replaced or deleted before is no longer to be found in the store's files. */
  scrub(): Promise<void>
  /** Waits for this caller's own calls and lets go of the store; other callers go on. */
  close(): Promise<void>
}

/** A unique name is taken, or a compare-and-set lost. */
export class StoreConflict extends Error {
  override readonly name = 'StoreConflict'
}

/** The store cannot do it now: disk full, input or output failed, connection gone, closed. Nothing of the call is kept. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}
