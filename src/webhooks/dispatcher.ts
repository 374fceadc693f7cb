/**
 * Decides which delivery is attempted when: a queue for each endpoint, so that one that hangs holds up only itself; and a bound on
 * what is in memory, so that the rest waits in the store.
 */
import type { Clock } from '../base/clock.ts'
import type { AttemptTrigger } from '../model/webhook.ts'
import type { Log } from '../observe/log.ts'
import type { ClaimedDelivery, Lessee, Settlement, Store } from '../store/port.ts'
import { type DeliverDeps, deliver } from './deliver.ts'
import { serviceOf } from './directory.ts'
import { Pulse } from './pulse.ts'
import { type Job, Records } from './records.ts'

/** Deliveries leased and held in memory by one engine. From then on an endpoint may have its reserve there and no more. */
const HELD_MAX = 10_000
/** Of one endpoint, waiting in memory; a claim may exceed it once. */
const WAITING_MAX = 256
/** Attempts running at once: of an engine, and of one endpoint. */
const RUNNING_MAX = 1_024
const RUNNING_PER_ENDPOINT_MAX = 64
/** What every endpoint may always have running: those that hang cannot take it from the others. */
const RESERVE = 2
const CLAIM_MAX = 256
/** How often the store is asked for what is due when nothing says that something is. */
const POLL_MS = 1_000
const HEARTBEAT_MS = 1_000

/** What waits for one endpoint, and how many attempts to it are running. */
interface EndpointQueue {
  readonly jobs: Job[]
  running: number
  /** It had no more room: the store may have more for it. */
  wasFull: boolean
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
  private readonly pulse: Pulse
  private readonly records: Records
  private readonly queues = new Map<string, EndpointQueue>()
  /** Endpoints with a job that may start, in turn: those within their reserve, which start at once, and the others. */
  private readonly reserved = new Set<string>()
  private readonly ready = new Set<string>()
  private held = 0
  private running = 0
  private starting = false
  private stopping = false
  /** The claim in progress, and whether something has become due since it looked. */
  private claiming: Promise<void> | null = null
  private again = false
  /** The time of the armed timer. */
  private wakeAt = Number.POSITIVE_INFINITY
  private wakeTimer: NodeJS.Timeout | undefined
  private heartbeatTimer: NodeJS.Timeout | undefined
  private idle: (() => void) | null = null

  constructor(deps: DispatcherDeps) {
    this.deps = deps
    this.pulse = new Pulse(deps.store, deps.lessee, deps.clock)
    this.records = new Records({ ...deps, over: (deliveries, nextAt) => this.over(deliveries, nextAt) })
  }

  start(): void {
    this.heartbeat()
    this.heartbeatTimer = setInterval(() => this.heartbeat(), HEARTBEAT_MS)
    this.wake()
  }

  /** True while new deliveries to these may be leased to this engine as they are stored; false: they are stored as due. */
  hasRoomFor(endpointIds: readonly string[]): boolean {
    return !this.stopping && endpointIds.every((id) => !this.isFull(this.queues.get(id)))
  }

  /** Takes deliveries that the store has just leased to this engine. */
  take(claimed: ClaimedDelivery, trigger: AttemptTrigger = 'scheduled'): void {
    const job = { claimed, trigger }
    // Leased by a call that was under way when we were asked to stop.
    if (this.stopping) return this.records.giveBack([job])
    const { endpointId } = claimed.delivery
    let queue = this.queues.get(endpointId)
    if (queue === undefined) this.queues.set(endpointId, (queue = { jobs: [], running: 0, wasFull: false }))
    // Somebody waits for a resend: it goes first.
    if (trigger === 'manual') queue.jobs.unshift(job)
    else queue.jobs.push(job)
    if (queue.jobs.length >= WAITING_MAX) queue.wasFull = true
    this.held++
    this.markReady(endpointId, queue)
    this.startWhatMay()
  }

  /** Attempts one delivery now. False: there is none, it is being attempted, or this engine stops. */
  async resend(messageId: string, endpointId: string): Promise<boolean> {
    if (this.stopping) return false
    const { store, lessee } = this.deps
    const claimed = await store.claimOne(lessee, messageId, endpointId)
    if (claimed === null) return false
    await this.learn([claimed])
    const isMade = !this.stopping
    this.take(claimed, 'manual')
    return isMade
  }

  /** Something may have become due. */
  wake(): void {
    this.again = true
    if (this.stopping) return
    this.claiming ??= this.claim()
  }

  /** Starts nothing more, gives back what has not begun, and resolves when the running attempts are recorded or `withinMs` is over. */
  async stop(withinMs: number): Promise<void> {
    this.stopping = true
    clearTimeout(this.wakeTimer)
    this.records.hurry()
    const waiting = [...this.queues.values()].flatMap((queue) => queue.jobs.splice(0))
    this.reserved.clear()
    this.ready.clear()
    this.held -= waiting.length
    this.records.giveBack(waiting)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, withinMs)))
    const idle = new Promise<void>((resolve) => (this.idle = resolve))
    await Promise.race([Promise.all([this.claiming, this.held > 0 ? idle : null]), late])
    clearTimeout(timer)
    clearInterval(this.heartbeatTimer)
    this.records.end()
  }

  // ---- starting attempts

  /** With everything full, an endpoint still has its reserve: the others' patience is not its own. */
  private isFull(queue: EndpointQueue | undefined): boolean {
    if (queue === undefined) return false
    if (this.held >= HELD_MAX) return queue.jobs.length + queue.running >= RESERVE
    return queue.jobs.length >= WAITING_MAX
  }

  private markReady(endpointId: string, queue: EndpointQueue): void {
    if (queue.jobs.length === 0 || queue.running >= RUNNING_PER_ENDPOINT_MAX) return
    if (queue.running >= RESERVE) this.ready.add(endpointId)
    else if (!this.reserved.has(endpointId)) {
      this.ready.delete(endpointId)
      this.reserved.add(endpointId)
    }
  }

  /** Takes the endpoint whose turn it is. */
  private nextReady(): string | undefined {
    const list = this.reserved.size > 0 || this.running >= RUNNING_MAX ? this.reserved : this.ready
    const [id] = list
    if (id !== undefined) list.delete(id)
    return id
  }

  /**
   * Endpoints take turns, one attempt each: a long queue does not come before a short one. An attempt may end before `deliver`
   * returns; what it lets start is started here, not from within.
   */
  private startWhatMay(): void {
    if (this.starting) return
    this.starting = true
    for (let id = this.nextReady(); id !== undefined; id = this.nextReady()) {
      const queue = this.queues.get(id)!
      const job = queue.jobs.shift()!
      queue.running++
      this.running++
      this.markReady(id, queue)
      deliver(job.claimed, job.trigger, this.deps.deliverDeps(), (settlement) => this.attempted(queue, job, settlement))
    }
    this.starting = false
  }

  private attempted(queue: EndpointQueue, job: Job, settlement: Settlement): void {
    const { endpointId } = settlement.attempt
    queue.running--
    this.running--
    if (settlement.attempt.ok) this.counts.delivered++
    else this.counts.failed++
    if (settlement.state === 'exhausted' && job.trigger === 'scheduled') this.counts.exhausted++
    this.records.add(job, settlement)
    this.markReady(endpointId, queue)
    if (queue.running === 0 && queue.jobs.length === 0) this.queues.delete(endpointId)
    if (queue.wasFull && queue.jobs.length <= WAITING_MAX / 2) {
      queue.wasFull = false
      this.wake()
    }
    this.startWhatMay()
  }

  private over(deliveries: number, nextAt: number): void {
    const wasFull = this.held > HELD_MAX - CLAIM_MAX
    this.held -= deliveries
    this.wakeBy(nextAt)
    if (this.stopping && this.held === 0) this.idle?.()
    else if (wasFull && this.held <= HELD_MAX - CLAIM_MAX) this.wake()
  }

  // ---- what is due

  private wakeBy(at: number): void {
    if (at >= this.wakeAt || this.stopping) return
    this.wakeAt = at
    clearTimeout(this.wakeTimer)
    const onTime = () => {
      this.wakeAt = Number.POSITIVE_INFINITY
      this.wake()
    }
    this.wakeTimer = setTimeout(onTime, Math.max(0, at - this.deps.clock.now()))
  }

  /** One at a time; whoever wakes us meanwhile is served by another round of this one. */
  private async claim(): Promise<void> {
    const { store, clock } = this.deps
    let next: number | null = null
    try {
      while (this.again && !this.stopping) {
        this.again = false
        await this.claimWhatIsDue()
        // What is for endpoints without room is left out: it is claimed when there is some.
        if (!this.stopping) next = await store.nextDue(this.full())
      }
    } catch (error) {
      this.report(error)
    }
    this.claiming = null
    this.wakeBy(Math.min(next ?? Number.POSITIVE_INFINITY, clock.now() + POLL_MS))
  }

  private async claimWhatIsDue(): Promise<void> {
    const { store, lessee, clock } = this.deps
    for (let all = false; !all && !this.stopping;) {
      const limit = this.held < HELD_MAX ? Math.min(CLAIM_MAX, HELD_MAX - this.held) : RESERVE
      const due = await store.claim(lessee, limit, clock.now(), this.full())
      await this.learn(due)
      for (const one of due) this.take(one)
      all = due.length < limit
    }
  }

  private full(): string[] {
    return [...this.queues].flatMap(([id, queue]) => (this.isFull(queue) ? [id] : []))
  }

  /**
   * Another process may have made an endpoint that this engine has not heard of: the store knows. What cannot be asked for is given
   * back, and the claim fails.
   */
  private async learn(claimed: readonly ClaimedDelivery[]): Promise<void> {
    if (this.stopping) return // they are given back
    const { directory } = this.deps.deliverDeps()
    const isUnknown = (id: string) => serviceOf(id) === null && directory.endpoint(id) === null
    const consumers = new Map<string, string>()
    for (const { delivery, message } of claimed) {
      if (message.consumerId !== null && isUnknown(delivery.endpointId))
        consumers.set(delivery.endpointId, message.consumerId)
    }
    try {
      const asked = [...consumers].map(([id, consumerId]) => this.deps.store.getEndpoint(consumerId, id))
      const found = (await Promise.all(asked)).filter((one) => one !== null)
      directory.apply({ endpoints: found.filter(({ id }) => consumers.has(id) && isUnknown(id)) })
    } catch (error) {
      this.records.giveBack(claimed.map((one): Job => ({ claimed: one, trigger: 'scheduled' })))
      throw error
    }
  }

  private heartbeat(): void {
    this.pulse.beat().then(
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
