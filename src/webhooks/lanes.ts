/** A lane for each receiver: what waits for it in memory, what is under way, and how hard it and its host are pushed. */
import type { ClaimedDelivery } from '../store/port.ts'
import { type Ending, signOf, signOfHost } from './outcome.ts'
import type { Job } from './records.ts'
import { Throttle, type ThrottleBounds } from './throttle.ts'

/** What every endpoint may always have running, however busy its host or the engine is: those that hang cannot take it from the others. */
export const RESERVE = 2
/** Attempts at once to one endpoint: before anything is known of it, and at most. */
const ENDPOINT_BOUNDS = { first: 16, max: 64, min: 1, slowFactor: 4 }
/** To all endpoints of one site together. Latency is the endpoints' own; a host that fails is left to their breakers. */
const HOST_BOUNDS: ThrottleBounds = {
  first: 128,
  max: 512,
  min: 16,
  failures: Number.POSITIVE_INFINITY,
  openMs: 0,
  openMsMax: 0,
  slowFactor: Number.POSITIVE_INFINITY,
}
/** What is known of a receiver that nothing is sent to is forgotten after so long. */
const FORGOTTEN_MS = 600_000
const IDLE_MS = 10_000

/** When a receiver that fails is left alone, as the configuration says. */
export interface BreakerRules {
  readonly failures: number
  readonly openMs: number
  readonly openMsMax: number
}

export interface Host {
  readonly throttle: Throttle
  running: number
  /** Lanes that wait for another of the host's attempts to end. */
  readonly blocked: Set<Lane>
  lanes: number
}

export class Lane {
  readonly endpointId: string
  readonly hostName: string
  readonly host: Host
  readonly throttle: Throttle
  readonly jobs: Job[] = []
  /** Of the payloads that wait. */
  bytes = 0
  running = 0
  /** It had no more room: the store may have more for it. */
  wasFull = false
  /** Nothing is started before, monotonic ms; 0: it is not parked. */
  parkedUntil = 0
  usedAt = 0

  constructor(endpointId: string, hostName: string, host: Host, breaker: BreakerRules) {
    this.endpointId = endpointId
    this.hostName = hostName
    this.host = host
    this.throttle = new Throttle({ ...ENDPOINT_BOUNDS, ...breaker })
  }

  put(job: Job): void {
    this.jobs.push(job)
    this.bytes += bytesOf(job.claimed)
  }

  shift(): Job {
    const job = this.jobs.shift()!
    this.bytes -= bytesOf(job.claimed)
    return job
  }

  /** Everything that waits. */
  empty(): Job[] {
    this.bytes = 0
    return this.jobs.splice(0)
  }

  started(now: number): void {
    this.usedAt = now
    this.running++
    this.host.running++
  }

  ended(): void {
    this.running--
    this.host.running--
  }

  /** What an attempt's end says of the receiver, and of its host. */
  learn(ending: Ending, startedAt: number, now: number): void {
    const sign = signOf(ending)
    if (sign !== null) this.throttle.ended(sign, startedAt, now)
    const hostSign = signOfHost(ending)
    if (hostSign !== null) this.host.throttle.ended(hostSign, startedAt, now)
  }

  /** How long until its throttle and its host's let another attempt start, ms; Infinity: until one that runs has ended. */
  waitMs(now: number): number {
    const { host, throttle, running } = this
    const own = throttle.waitMs(running, now)
    if (own > 0 || running < RESERVE) return own
    const wait = host.throttle.waitMs(host.running, now)
    if (wait === Number.POSITIVE_INFINITY) host.blocked.add(this)
    return wait
  }
}

export function bytesOf({ message }: ClaimedDelivery): number {
  return message.payload.byteLength
}

export interface LanesDeps {
  /** Which host an endpoint's receiver is on, as far as load is concerned. */
  readonly hostNameOf: (endpointId: string) => string
  readonly breaker: () => BreakerRules
}

export class Lanes {
  private readonly deps: LanesDeps
  private readonly lanes = new Map<string, Lane>()
  private readonly hosts = new Map<string, Host>()

  constructor(deps: LanesDeps) {
    this.deps = deps
  }

  get(endpointId: string): Lane | undefined {
    return this.lanes.get(endpointId)
  }

  of(endpointId: string): Lane {
    const known = this.lanes.get(endpointId)
    if (known !== undefined) return known
    const hostName = this.deps.hostNameOf(endpointId)
    let host = this.hosts.get(hostName)
    if (host === undefined) {
      host = { throttle: new Throttle(HOST_BOUNDS), running: 0, blocked: new Set(), lanes: 0 }
      this.hosts.set(hostName, host)
    }
    host.lanes++
    const lane = new Lane(endpointId, hostName, host, this.deps.breaker())
    this.lanes.set(endpointId, lane)
    return lane
  }

  [Symbol.iterator](): Iterator<Lane> {
    return this.lanes.values()
  }

  /** Forgets receivers that have not been sent anything for a while: for long, if anything worth keeping is known of them. */
  sweep(now: number): void {
    for (const lane of this.lanes.values()) {
      if (!isEmpty(lane) || lane.parkedUntil !== 0) continue
      if (lane.usedAt < now - (lane.throttle.isFresh(now) ? IDLE_MS : FORGOTTEN_MS)) this.forget(lane)
    }
  }

  private forget(lane: Lane): void {
    this.lanes.delete(lane.endpointId)
    lane.host.blocked.delete(lane)
    if (--lane.host.lanes === 0) this.hosts.delete(lane.hostName)
  }
}

function isEmpty(lane: Lane): boolean {
  return lane.jobs.length === 0 && lane.running === 0
}
