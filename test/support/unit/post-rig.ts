/** The post on a real store, before a real receiver: one engine's worth of it, its clock held in hand. */
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RetrySpec } from '../../../src/model/gateway.ts'
import type { Endpoint, Message } from '../../../src/model/webhook.ts'
import { type LogLine, remoteLog } from '../../../src/observe/log.ts'
import { newConsumer, newEndpoint } from '../../../src/store/conformance/subject.ts'
import { createSharedCounters, sharedCounters } from '../../../src/counters/shared-memory.ts'
import type { Settlement, Store } from '../../../src/store/port.ts'
import type { BreakerRules } from '../../../src/webhooks/lanes.ts'
import { type StoreHost, openSqliteStore } from '../../../src/store/sqlite/open.ts'
import { Services } from '../../../src/upstream/service.ts'
import { type Accept, type NewEvent, acceptor } from '../../../src/webhooks/accept.ts'
import type { DeliverDeps } from '../../../src/webhooks/deliver.ts'
import { DestinationAuths } from '../../../src/webhooks/destination-auth.ts'
import { Directory } from '../../../src/webhooks/directory.ts'
import { Dispatcher } from '../../../src/webhooks/dispatcher.ts'
import { Transformations } from '../../../src/webhooks/transformations.ts'
import { AddressGuard } from '../../../src/wire/address-guard.ts'
import { Deadlines } from '../../../src/wire/deadlines.ts'
import { Pools } from '../../../src/wire/pool.ts'
import { USUAL_TLS } from '../../../src/wire/upstream-tls.ts'
import { HeldClock } from '../policy.ts'
import { type RecordedRequest, RecordingUpstream } from '../../../src/selftest/recording-upstream.ts'
import { tempFolder } from '../temp.ts'

/** Answers each request that the receiver gets: the status, or what to do. */
type Behaviour = number | ((request: RecordedRequest) => void)

const PATIENCE_MS = 10_000

/** Without jitter: 10 s, then 60 s. */
const SCHEDULE_MS = [10_000, 60_000]
export const TIMEOUT_MS = 15_000

/** Everybody is at the one receiver's address, and yet on a site of his own. */
class LonelyDirectory extends Directory {
  override siteOf(endpointId: string): string {
    return endpointId
  }
}

/** An engine of its own lessee on the rig's store. */
export interface Engine {
  readonly store: Store
  readonly dispatcher: Dispatcher
  readonly accept: Accept
}

export class PostRig {
  readonly clock = new HeldClock()
  readonly logged: LogLine[] = []
  /** What the other engines were told. */
  readonly pauses: [string, number][] = []
  readonly settlements: Settlement[] = []
  retries: RetrySpec = { scheduleMs: SCHEDULE_MS, jitter: 'proportional', expireMs: 0 }
  /** Closed unless a test says otherwise. */
  breaker: BreakerRules = { failures: Number.POSITIVE_INFINITY, openMs: 10_000, openMsMax: 60_000 }
  private readonly counters = sharedCounters(createSharedCounters(64))
  readonly directory = new LonelyDirectory()
  readonly guard = new AddressGuard()
  readonly receiver: RecordingUpstream
  readonly services: Services
  readonly engine: Engine
  private readonly host: StoreHost
  private readonly deadlines = new Deadlines(this.clock)
  private readonly pools = new Pools(this.deadlines)
  private readonly auths: DestinationAuths
  private readonly transformations = new Transformations()
  tls = USUAL_TLS
  private readonly behaviours = new Map<string, Behaviour>()
  private readonly engines: Engine[] = []

  private constructor(host: StoreHost, receiver: RecordingUpstream, wrap: (store: Store) => Store) {
    this.host = host
    this.receiver = receiver
    this.services = new Services(this.pools)
    this.auths = new DestinationAuths({ clock: this.clock, pools: this.pools, guard: this.guard })
    this.guard.update(['127.0.0.0/8'])
    receiver.script = { answer: () => this.answer(receiver.requests.at(-1)!) }
    this.engine = this.newEngine('engine 1', wrap)
  }

  /** `wrap` puts something between the first engine and the store. Ends with the test. */
  static async start(t: TestContext, wrap: (store: Store) => Store = (store) => store): Promise<PostRig> {
    const folder = await tempFolder()
    const host = await openSqliteStore(join(folder.path, 'post.db'))
    const rig = new PostRig(host, await RecordingUpstream.start(), wrap)
    await rig.engine.store.putConsumer(newConsumer({ id: 'app_1' }))
    t.after(async () => {
      for (const { dispatcher } of rig.engines) await dispatcher.stop(0)
      await rig.transformations.close()
      rig.pools.close()
      await rig.receiver.close()
      rig.deadlines.close()
      await host.close()
      await folder.remove()
    })
    return rig
  }

  /** Not started: it claims nothing of its own accord. */
  newEngine(lessee: string, wrap: (store: Store) => Store = (store) => store): Engine {
    const store = wrap(this.host.client())
    const log = remoteLog((line) => this.logged.push(line))
    const { clock } = this
    const dispatcher = new Dispatcher({
      store,
      lessee,
      clock,
      log,
      counters: this.counters,
      deliverDeps: () => this.deliverDeps(),
      breaker: () => this.breaker,
      paused: (endpointId, ms) => this.pauses.push([endpointId, ms]),
      ended: (_claimed, settlement) => this.settlements.push(settlement),
    })
    const engine = { store, dispatcher, accept: acceptor({ store, lessee, clock, dispatcher }) }
    this.engines.push(engine)
    return engine
  }

  /** The clock goes on; what starts from now on has its whole time. */
  advance(ms: number): void {
    this.clock.advance(ms)
    this.deadlines.now = this.clock.elapsed()
  }

  deliverDeps(): DeliverDeps {
    const { clock, directory, services, pools, guard, auths, transformations, tls } = this
    const { retries } = this
    return {
      clock,
      directory,
      services,
      pools,
      guard,
      rulesOf: () => ({ retries, random: () => 0.5 }),
      timeoutMs: TIMEOUT_MS,
      auths,
      transformations,
      tls,
    }
  }

  get store(): Store {
    return this.engine.store
  }

  /** An endpoint of `app_1` at the receiver's `/id`, known to store and directory. */
  async endpoint(id: string, behaves: Behaviour = 204, fields: Partial<Endpoint> = {}): Promise<Endpoint> {
    const endpoint = newEndpoint({ id, url: `${this.receiver.url}/${id}`, ...fields })
    this.behaves(id, behaves)
    await this.put(endpoint)
    return endpoint
  }

  async put(endpoint: Endpoint): Promise<void> {
    await this.store.putEndpoint(endpoint)
    this.directory.apply({ endpoints: [endpoint] })
  }

  behaves(id: string, behaves: Behaviour): void {
    this.behaviours.set(`/${id}`, behaves)
  }

  /** Accepts an event for these endpoints. */
  async send(to: readonly string[], fields: Partial<NewEvent> = {}, engine = this.engine): Promise<Message> {
    const accepted = await engine.accept({ ...EVENT, to, ...fields })
    if (!accepted.ok) throw new Error('it has been accepted before')
    return accepted.message
  }

  /** What the receiver got for an endpoint, in order. */
  requestsTo(id: string): readonly RecordedRequest[] {
    return this.receiver.requests.filter((request) => request.target === `/${id}`)
  }

  async untilRequests(id: string, count: number): Promise<readonly RecordedRequest[]> {
    return this.receiver.until(() => {
      const requests = this.requestsTo(id)
      return requests.length >= count ? requests : undefined
    }, `${count} requests to ${id}`)
  }

  async stateOf(message: Message, endpointId: string): Promise<string> {
    const deliveries = await this.store.listDeliveries(message.id)
    return deliveries.find((one) => one.endpointId === endpointId)!.state
  }

  async untilState(message: Message, endpointId: string, state: string): Promise<void> {
    await this.until(async () => (await this.stateOf(message, endpointId)) === state, `${endpointId} to be ${state}`)
  }

  /** Waits until the store has so many deliveries in a state. */
  async untilCount(state: string, count: number): Promise<void> {
    const have = async () => (await this.store.stats()).deliveries[state] ?? 0
    await this.until(async () => (await have()) === count, `${count} deliveries to be ${state}`)
  }

  async until(done: () => boolean | Promise<boolean>, what: string): Promise<void> {
    for (let waited = 0; !(await done()); waited += 5) {
      if (waited > PATIENCE_MS) throw new Error(`gave up waiting for ${what}`)
      await sleep(5)
    }
  }

  /** Long enough for whatever is due by the held clock to have been started. */
  passes(): Promise<void> {
    return sleep(350)
  }

  private answer(request: RecordedRequest): void {
    const behaves = this.behaviours.get(request.target) ?? 204
    if (typeof behaves === 'number') respond(request, behaves)
    else behaves(request)
  }
}

export function respond({ connection }: RecordedRequest, status: number, lines = '', body = ''): void {
  if (!connection.socket.writable) return
  connection.socket.write(`HTTP/1.1 ${status} X\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`)
}

/** Keeps requests unanswered until they are let go. */
export class Hanging {
  readonly requests: RecordedRequest[] = []
  private status = 0

  readonly behaviour = (request: RecordedRequest): void => {
    if (this.status === 0) this.requests.push(request)
    else respond(request, this.status)
  }

  /** Answers so many of those that wait, the first ones first. */
  release(count: number, status = 204): void {
    for (const request of this.requests.splice(0, count)) respond(request, status)
  }

  /** Answers all that wait and all that come. */
  releaseAll(status = 204): void {
    this.status = status
    this.release(this.requests.length, status)
  }
}

/** Of nobody's in particular: a test says where to. */
export const EVENT: NewEvent = {
  consumerId: 'app_1',
  origin: null,
  eventType: 'cart.item_added',
  eventId: null,
  channels: null,
  payload: Buffer.from('{"item":1}'),
  received: null,
  to: [],
}

/** The store, with one method in the test's hands. */
export function wrapping<K extends keyof Store>(name: K, method: (real: Store) => Store[K]): (store: Store) => Store {
  return (store) => {
    const mine = method(store)
    return new Proxy(store, { get: (of, key) => (key === name ? mine : Reflect.get(of, key, of)) })
  }
}
