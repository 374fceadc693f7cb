/**
 * Decides which delivery is attempted when: a queue for each endpoint, so that one that hangs holds up only itself; a bound on what
 * is in memory, so that the rest waits in the store; and a record for every attempt, tried until it is kept.
 */
import type { Clock } from '../base/clock.ts'
import type { AttemptTrigger } from '../model/webhook.ts'
import type { Log } from '../observe/log.ts'
import type { ClaimedDelivery, Lessee, Settlement, Store } from '../store/port.ts'
import { type DeliverDeps, deliver } from './deliver.ts'

/** Deliveries leased and held in memory by one engine. */
const HELD_MAX = 10_000
/** Attempts running at once: of an engine, and of one endpoint. */
const RUNNING_MAX = 1_024
const RUNNING_PER_ENDPOINT_MAX = 64
const CLAIM_MAX = 500
/** How often the store is asked for what is due when nothing says that something is. */
const POLL_MS = 1_000
const HEARTBEAT_MS = 1_000
/** A lessee silent for this long is dead, and its leases are anybody's. */
const SILENT_MS = 5_000
const RECORD_AGAIN_MS = 500
/** Attempts are recorded together: so many at once, or after so long. A crash in between attempts them again. */
const RECORD_AT = 256
const RECORD_WITHIN_MS = 3

interface Job {
  readonly claimed: ClaimedDelivery
  readonly trigger: AttemptTrigger
}

/** What waits for one endpoint, and how many attempts to it are running. */
interface EndpointQueue {
  readonly jobs: Job[]
  /** Index of the first job: jobs before it are gone (a shift of a long array copies it). */
  next: number
  running: number
  ready: boolean
}

export interface DispatcherDeps {
  readonly store: Store
  readonly lessee: Lessee
  readonly clock: Clock
  readonly log: Log
  /** Read at every attempt: a reload replaces it. */
  deliverDeps(): DeliverDeps
}

export class Dispatcher {
  readonly counts = { delivered: 0, failed: 0, exhausted: 0, reclaimed: 0 }
  private readonly deps: DispatcherDeps
  private readonly queues = new Map<string, EndpointQueue>()
  /** Endpoints with a job that may start, in turn. */
  private ready: string[] = []
  private held = 0
  private running = 0
  private claiming = false
  private stopping = false
  private wakeAt = Number.POSITIVE_INFINITY
  private wakeTimer: NodeJS.Timeout | undefined
  private heartbeatTimer: NodeJS.Timeout | undefined
  private idle: (() => void) | null = null
  private unrecorded: Settlement[] = []
  private recordTimer: NodeJS.Timeout | undefined

  constructor(deps: DispatcherDeps) {
    this.deps = deps
  }

  start(): void {
    this.heartbeat()
    this.heartbeatTimer = setInterval(() => this.heartbeat(), HEARTBEAT_MS)
    this.wake()
  }

  /** True while new deliveries may be leased to this engine as they are stored; false: they are stored as due. */
  get hasRoom(): boolean {
    return this.held < HELD_MAX && !this.stopping
  }

  /** Takes deliveries that the store has just leased to this engine. */
  take(claimed: ClaimedDelivery, trigger: AttemptTrigger = 'scheduled'): void {
    const { id, endpointId } = claimed.delivery
    // Leased by a call that was under way when we were asked to stop.
    if (this.stopping) return this.giveBack([id])
    let queue = this.queues.get(endpointId)
    if (queue === undefined) this.queues.set(endpointId, (queue = { jobs: [], next: 0, running: 0, ready: false }))
    const job = { claimed, trigger }
    // Somebody waits for a resend: it goes first.
    if (trigger === 'manual') queue.jobs.splice(queue.next, 0, job)
    else queue.jobs.push(job)
    this.held++
    this.markReady(endpointId, queue)
    this.startWhatMay()
  }

  /** Attempts one delivery now. False: there is none, or it is being attempted. */
  async resend(messageId: string, endpointId: string): Promise<boolean> {
    const claimed = await this.deps.store.claimOne(this.deps.lessee, messageId, endpointId)
    if (claimed === null) return false
    this.take(claimed, 'manual')
    return true
  }

  /** Something may have become due. */
  wake(): void {
    this.wakeAt = 0
    void this.claim()
  }

  /** Starts nothing more, gives back what has not begun, and resolves when the running attempts are recorded or `withinMs` is over. */
  async stop(withinMs: number): Promise<void> {
    this.stopping = true
    clearTimeout(this.wakeTimer)
    this.keepRecords()
    const waiting = [...this.queues.values()].flatMap((queue) => queue.jobs.splice(queue.next))
    this.ready = []
    this.held -= waiting.length
    this.giveBack(waiting.map((job) => job.claimed.delivery.id))
    if (this.held > 0) {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.idle = resolve
        timer = setTimeout(resolve, withinMs)
      })
      clearTimeout(timer)
    }
    clearInterval(this.heartbeatTimer)
  }

  /** Unattempted, due at once for whoever is next. When that fails they wait for our silence. */
  private giveBack(deliveryIds: readonly string[]): void {
    const { store, lessee, clock } = this.deps
    if (deliveryIds.length === 0) return
    store.release(lessee, deliveryIds, clock.now()).catch((error: unknown) => this.report(error))
  }

  // ---- starting attempts

  private markReady(endpointId: string, queue: EndpointQueue): void {
    if (queue.ready || queue.next === queue.jobs.length || queue.running >= RUNNING_PER_ENDPOINT_MAX) return
    queue.ready = true
    this.ready.push(endpointId)
  }

  /** Endpoints take turns, one attempt each: a long queue does not come before a short one. */
  private startWhatMay(): void {
    while (this.running < RUNNING_MAX && this.ready.length > 0 && !this.stopping) {
      const endpointId = this.ready.shift()!
      const queue = this.queues.get(endpointId)!
      queue.ready = false
      const job = queue.jobs[queue.next++]
      if (job === undefined) continue
      if (queue.next > 1_024 && queue.next * 2 > queue.jobs.length) {
        queue.jobs.splice(0, queue.next)
        queue.next = 0
      }
      queue.running++
      this.running++
      this.markReady(endpointId, queue)
      deliver(job.claimed, job.trigger, this.deps.deliverDeps(), (settlement) => this.attempted(queue, settlement))
    }
  }

  private attempted(queue: EndpointQueue, settlement: Settlement): void {
    const { endpointId } = settlement.attempt
    queue.running--
    this.running--
    if (settlement.attempt.ok) this.counts.delivered++
    else this.counts.failed++
    if (settlement.state === 'exhausted') this.counts.exhausted++
    this.record(settlement)
    this.markReady(endpointId, queue)
    if (queue.running === 0 && queue.next === queue.jobs.length) this.queues.delete(endpointId)
    this.startWhatMay()
  }

  /** Gathers records for a moment: a transaction for a hundred costs little more than one for a single attempt. */
  private record(settlement: Settlement): void {
    this.unrecorded.push(settlement)
    if (this.unrecorded.length >= RECORD_AT || this.stopping) this.keepRecords()
    else this.recordTimer ??= setTimeout(() => this.keepRecords(), RECORD_WITHIN_MS)
  }

  private keepRecords(): void {
    clearTimeout(this.recordTimer)
    this.recordTimer = undefined
    const batch = this.unrecorded
    this.unrecorded = []
    if (batch.length > 0) void this.keep(batch)
  }

  /** Tried until the store keeps them: until then the leases are ours, and after a crash the deliveries are attempted again. */
  private async keep(batch: readonly Settlement[]): Promise<void> {
    for (;;) {
      try {
        await this.deps.store.settle(this.deps.lessee, batch)
        break
      } catch (error) {
        this.report(error)
        await new Promise((resolve) => setTimeout(resolve, RECORD_AGAIN_MS))
      }
    }
    const wasFull = this.held > HELD_MAX - CLAIM_MAX
    this.held -= batch.length
    for (const { nextAt } of batch) if (nextAt !== null) this.wakeBy(nextAt)
    if (this.stopping && this.held === 0) this.idle?.()
    else if (wasFull && this.held <= HELD_MAX - CLAIM_MAX) this.wake()
  }

  // ---- what is due

  private wakeBy(at: number): void {
    if (at >= this.wakeAt || this.stopping) return
    this.wakeAt = at
    clearTimeout(this.wakeTimer)
    this.wakeTimer = setTimeout(() => void this.claim(), Math.max(0, at - this.deps.clock.now()))
  }

  private async claim(): Promise<void> {
    if (this.claiming || this.stopping) return
    this.claiming = true
    const { store, lessee, clock } = this.deps
    try {
      for (;;) {
        const limit = Math.min(CLAIM_MAX, HELD_MAX - this.held)
        if (limit <= 0) break
        const due = await store.claim(lessee, limit, clock.now())
        for (const one of due) this.take(one)
        if (due.length < limit) break
      }
      this.wakeAt = Number.POSITIVE_INFINITY
      const next = await store.nextDue()
      this.wakeBy(Math.min(next ?? Number.POSITIVE_INFINITY, clock.now() + POLL_MS))
    } catch (error) {
      this.report(error)
      this.wakeAt = Number.POSITIVE_INFINITY
      this.wakeBy(clock.now() + POLL_MS)
    } finally {
      this.claiming = false
    }
  }

  /** Not awaited before the next: heartbeats that pile up behind a stalled disk still say that we lived. */
  private heartbeat(): void {
    const { store, lessee, clock } = this.deps
    store.heartbeat(lessee, clock.now(), SILENT_MS).then(
      (reclaimed) => {
        this.counts.reclaimed += reclaimed
        if (reclaimed > 0) this.wake()
      },
      (error: unknown) => this.report(error),
    )
  }

  private report(error: unknown): void {
    if (!this.stopping) this.deps.log.error({ err: error }, 'the store did not answer; trying again')
  }
}
