/**
 * Decides which delivery is attempted when: a lane for each endpoint, so that one that hangs, fails or asks for patience holds up only
 * itself; and a bound on what is in memory, so that the rest waits in the store.
 */
import type { Clock } from '../base/clock.ts'
import type { Counters } from '../counters/port.ts'
import type { AttemptTrigger } from '../model/webhook.ts'
import type { Log } from '../observe/log.ts'
import type { ClaimedDelivery, Lessee, Settlement, Store } from '../store/port.ts'
import { Claims } from './claims.ts'
import { type DeliverDeps, deliver } from './deliver.ts'
import { type BreakerRules, type Lane, Lanes } from './lanes.ts'
import { type Ending, patienceMs } from './outcome.ts'
import { pacedMs } from './pacing.ts'
import { Pulse } from './pulse.ts'
import { type Job, Records } from './records.ts'
import { Room, isHalfDone, isLong } from './room.ts'
import { Turns } from './turns.ts'

/** Attempts running at once in an engine. */
const RUNNING_MAX = 1_024
/** What waits for a receiver that is left alone for longer than this is given back to the store. */
const KEPT_MS = 2_000
const HEARTBEAT_MS = 1_000

export interface DispatcherDeps {
  readonly store: Store
  readonly lessee: Lessee
  readonly clock: Clock
  readonly log: Log
  /** Counts what is paced, exactly across the engines of this process. */
  readonly counters: Counters
  /** Read at every attempt: a reload replaces it. */
  deliverDeps(): DeliverDeps
  breaker(): BreakerRules
  /** A receiver asks for patience, ms: the other engines are to know. */
  paused(endpointId: string, ms: number): void
  /** An attempt is over: for whoever watches over endpoints. */
  ended(claimed: ClaimedDelivery, settlement: Settlement, ending: Ending): void
}

export class Dispatcher {
  readonly counts = { delivered: 0, failed: 0, exhausted: 0, reclaimed: 0 }
  private readonly deps: DispatcherDeps
  private readonly pulse: Pulse
  private readonly records: Records
  private readonly claims: Claims
  private readonly lanes: Lanes
  private readonly turns: Turns
  private readonly room = new Room()
  private running = 0
  private starting = false
  private stopping = false
  private heartbeatTimer: NodeJS.Timeout | undefined
  private idle: (() => void) | null = null

  constructor(deps: DispatcherDeps) {
    this.deps = deps
    const { store, lessee, clock } = deps
    const directory = () => deps.deliverDeps().directory
    this.pulse = new Pulse(store, lessee, clock, () => this.lost())
    this.records = new Records({ ...deps, over: (jobs, nextAt) => this.over(jobs, nextAt) })
    this.lanes = new Lanes({
      hostNameOf: (endpointId) => directory().siteOf(endpointId),
      breaker: () => deps.breaker(),
    })
    this.turns = new Turns(clock, (lanes) => this.unpark(lanes))
    this.claims = new Claims({
      store,
      lessee,
      clock,
      directory,
      room: () => this.room.left,
      except: () => [...this.lanes].flatMap((lane) => (this.turnsAway(lane) ? [lane.endpointId] : [])),
      giveBack: (claimed) => this.records.giveBack(claimed.map((one): Job => ({ claimed: one, trigger: 'scheduled' }))),
      take: (claimed) => this.take(claimed),
      failed: (error) => this.report(error),
    })
  }

  start(): void {
    this.heartbeat()
    this.heartbeatTimer = setInterval(() => this.heartbeat(), HEARTBEAT_MS)
    this.wake()
  }

  /** True while a new delivery to this endpoint may be leased to this engine as it is stored; false: it is stored as due. */
  hasRoomFor(endpointId: string): boolean {
    if (this.stopping) return false
    const lane = this.lanes.get(endpointId)
    return lane === undefined || !this.turnsAway(lane)
  }

  /** Takes a delivery that the store has just leased to this engine. */
  take(claimed: ClaimedDelivery, trigger: AttemptTrigger = 'scheduled'): void {
    const job = { claimed, trigger }
    // Leased by a call that was under way when we were asked to stop.
    if (this.stopping) return this.records.giveBack([job])
    const lane = this.lanes.of(claimed.delivery.endpointId)
    // Claimed just before its receiver was left alone.
    if (trigger === 'scheduled' && this.isLeftAlone(lane)) return this.records.giveBack([job])
    this.room.add(job)
    // Somebody waits for a resend: it goes at once, whatever is known of the receiver.
    if (trigger === 'manual') return this.attempt(lane, job)
    lane.put(job)
    if (isLong(lane)) lane.wasFull = true
    this.turns.mark(lane)
    this.startWhatMay()
  }

  /** Attempts one delivery now. False: there is none, it is being attempted, or this engine stops. */
  async resend(messageId: string, endpointId: string): Promise<boolean> {
    if (this.stopping) return false
    const { store, lessee } = this.deps
    const claimed = await store.claimOne(lessee, messageId, endpointId)
    if (claimed === null) return false
    await this.claims.learn([claimed])
    const isMade = !this.stopping
    this.take(claimed, 'manual')
    return isMade
  }

  /** Something may have become due. */
  wake(): void {
    this.claims.wake()
  }

  /** Endpoints are others than they were: what was known of their receivers holds no more. */
  changed(endpointIds: readonly string[]): void {
    if (this.stopping) return
    const lanes = endpointIds.flatMap((id) => this.lanes.get(id) ?? [])
    for (const lane of lanes) {
      lane.throttle.reset()
      this.turns.unpark(lane)
    }
    this.unpark(lanes)
  }

  /** Another engine has heard that a receiver asks for patience. */
  pause(endpointId: string, ms: number): void {
    if (this.stopping) return
    const lane = this.lanes.of(endpointId)
    lane.throttle.pause(ms, this.deps.clock.elapsed())
    this.park(lane, ms)
  }

  /** Starts nothing more, gives back what has not begun, and resolves when the running attempts are recorded or `withinMs` is over. */
  async stop(withinMs: number): Promise<void> {
    this.stopping = true
    this.records.hurry()
    for (const lane of this.lanes) this.letGo(lane)
    this.turns.clear()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, withinMs)))
    const idle = new Promise<void>((resolve) => (this.idle = resolve))
    await Promise.race([Promise.all([this.claims.stop(), this.room.held > 0 ? idle : null]), late])
    clearTimeout(timer)
    clearInterval(this.heartbeatTimer)
    this.records.end()
  }

  // ---- room

  /** It takes in no more now; what is turned away is fetched when there is room. */
  private turnsAway(lane: Lane): boolean {
    if (!this.isLeftAlone(lane) && this.room.hasRoomFor(lane)) return false
    lane.wasFull = true
    return true
  }

  private isLeftAlone(lane: Lane): boolean {
    return lane.parkedUntil > this.deps.clock.elapsed() + KEPT_MS
  }

  /** Gives back what waits in a lane. */
  private letGo(lane: Lane): void {
    const jobs = lane.empty()
    this.room.remove(jobs)
    this.records.giveBack(jobs)
  }

  // ---- starting attempts

  /**
   * Endpoints take turns, one attempt each: a long queue does not come before a short one. An attempt may end before `deliver`
   * returns; what it lets start is started here, not from within.
   */
  private startWhatMay(): void {
    if (this.starting) return
    this.starting = true
    const next = () => this.turns.next(this.running >= RUNNING_MAX)
    for (let lane = next(); lane !== undefined; lane = next()) {
      if (lane.jobs.length === 0) continue
      const wait = this.waitMs(lane)
      if (wait === 0) {
        this.attempt(lane, lane.shift())
        this.turns.mark(lane)
      } else if (wait !== Number.POSITIVE_INFINITY) this.park(lane, wait)
    }
    this.starting = false
  }

  private waitMs(lane: Lane): number {
    const now = this.deps.clock.elapsed()
    const { directory } = this.deps.deliverDeps()
    // Nothing will be sent: what waits is cancelled or held at once.
    if (directory.takesNone(lane.endpointId)) return 0
    return lane.waitMs(now) || pacedMs(directory.ratesOf(lane.endpointId), this.deps.counters, now)
  }

  private attempt(lane: Lane, job: Job): void {
    const startedAt = this.deps.clock.elapsed()
    lane.started(startedAt)
    this.running++
    deliver(job.claimed, job.trigger, this.deps.deliverDeps(), (settlement, ending) =>
      this.attempted(lane, job, startedAt, settlement, ending),
    )
  }

  private attempted(lane: Lane, job: Job, startedAt: number, settlement: Settlement, ending: Ending): void {
    lane.ended()
    this.running--
    if (settlement.attempt.ok) this.counts.delivered++
    else this.counts.failed++
    if (settlement.state === 'exhausted' && job.trigger === 'scheduled') this.counts.exhausted++
    this.records.add(job, settlement)
    this.learnFrom(lane, startedAt, ending)
    this.deps.ended(job.claimed, settlement, ending)
    // Those that wait for their host come first, or this one would take its own room again and again.
    for (const blocked of lane.host.blocked) {
      lane.host.blocked.delete(blocked)
      this.turns.mark(blocked)
    }
    this.turns.mark(lane)
    if (lane.wasFull && isHalfDone(lane) && !this.turnsAway(lane)) {
      lane.wasFull = false
      this.wake()
    }
    this.startWhatMay()
  }

  private learnFrom(lane: Lane, startedAt: number, ending: Ending): void {
    const { clock } = this.deps
    const now = clock.elapsed()
    lane.learn(ending, startedAt, now)
    const patience = patienceMs(ending, clock.now())
    if (patience === 0 || this.stopping) return
    lane.throttle.pause(patience, now)
    this.park(lane, patience)
    this.deps.paused(lane.endpointId, patience)
  }

  private park(lane: Lane, ms: number): void {
    this.turns.park(lane, ms)
    if (ms <= KEPT_MS) return
    lane.wasFull = true
    this.letGo(lane)
  }

  private unpark(lanes: readonly Lane[]): void {
    for (const lane of lanes) {
      if (lane.wasFull) {
        lane.wasFull = false
        this.wake()
      }
      this.turns.mark(lane)
    }
    this.startWhatMay()
  }

  /** These are no longer ours: recorded, or given back. */
  private over(jobs: readonly Job[], nextAt: number): void {
    const wasFull = !this.room.isRoomy
    this.room.remove(jobs)
    this.claims.wakeBy(nextAt)
    if (this.stopping && this.room.held === 0) this.idle?.()
    else if (wasFull && this.room.isRoomy) this.wake()
  }

  private heartbeat(): void {
    this.lanes.sweep(this.deps.clock.elapsed())
    this.pulse.beat().then(
      (reclaimed) => {
        this.counts.reclaimed += reclaimed
        if (reclaimed > 0) this.wake()
      },
      (error: unknown) => this.report(error),
    )
  }

  /** We were silent for so long that our leases were taken back: what has not begun is whoever claims it. */
  private lost(): void {
    for (const lane of this.lanes) this.letGo(lane)
    this.wake()
  }

  private report(error: unknown): void {
    if (!this.stopping) this.deps.log.error({ err: error }, 'the store did not answer; trying again')
  }
}
