/** The engines as the main thread has them: started, spoken to as one, and replaced when they end. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { type ListenerSpec, listenerName } from './model/gateway.ts'
import type { Log } from './observe/log.ts'
import { type EngineMetrics, whatEndedEnginesCounted } from './observe/metrics.ts'
import { type EngineBoot, type EngineCalls, EngineEnded, callsTo } from './threads.ts'
import type { EndpointNews } from './webhooks/news.ts'
import type { Steering } from './wire/steer.ts'
import { UnixAddress } from './wire/unix-address.ts'

/** How often engines are asked what they have counted: so much of it is lost with one that dies. */
const METRICS_MS = 1_000
/** How long after an engine's end another is started in its place: one that fails at once must not spin. Doubles up to the bound. */
const ENGINE_AGAIN_MS = 250
const ENGINE_AGAIN_MAX_MS = 30_000

/** Where several sockets can share a port (SO_REUSEPORT, with connections spread over them), a successor can have it too. */
const CAN_SHARE = process.platform !== 'darwin' && process.platform !== 'win32'

/** Another process that is being relieved: what it listens on, and with how many engines. */
export interface Holder {
  /** Addresses by name. */
  readonly addresses: readonly string[]
  readonly engines: number
}

export interface EnginesDeps {
  readonly log: Log
  /** What an engine that starts now is born with: always the newest there is. */
  readonly boot: (index: number) => EngineBoot
  /** An engine has ended: what it alone kept is to be forgotten. */
  readonly ended: (index: number) => void
  /** An engine has news of endpoints. */
  readonly news: (endpoints: readonly EndpointNews[]) => void
  /** An engine could not be replaced, and no other serves. */
  readonly onFatal: (error: Error) => void
}

interface Engine {
  readonly worker: Worker
  readonly calls: EngineCalls
  serves: boolean
  /** What it had counted when it was last asked: all that is left of it when it ends. */
  counted: EngineMetrics | null
}

export class Engines {
  private readonly deps: EnginesDeps
  private readonly engines = new Map<number, Engine>()
  /** The admin listener is the last; with real ports once the first engine listens. */
  private addresses: readonly ListenerSpec[] = []
  /** By place in `addresses`: as the file has them. */
  private written: readonly string[] = []
  private readonly unix = new Map<number, UnixAddress>()
  private shared = false
  private stopping = false
  private before = whatEndedEnginesCounted([])
  private readonly asking = setInterval(() => void this.metrics().catch(() => {}), METRICS_MS).unref()

  constructor(deps: EnginesDeps) {
    this.deps = deps
  }

  /**
   * Starts so many; resolves to what they are bound to. Rejects when an address cannot be had or an engine does not start. Addresses
   * of the `holder` are shared with it. `written` are their names in the file.
   */
  async start(
    addresses: readonly ListenerSpec[],
    written: readonly string[],
    threads: number,
    holder: Holder | null,
  ): Promise<readonly ListenerSpec[]> {
    const isHeld = (address: ListenerSpec) => holder?.addresses.includes(listenerName(address)) ?? false
    this.addresses = addresses
    this.written = written
    this.shared = threads > 1 || CAN_SHARE
    if (this.shared) await insistOnFree(addresses.filter((one) => !isHeld(one)))
    for (const [place, address] of addresses.entries()) {
      if (!('path' in address)) continue
      const unix = new UnixAddress(address.path, process.pid)
      await unix.claim(isHeld(address))
      this.unix.set(place, unix)
    }
    for (let index = 0; index < threads; index++) this.addresses = await this.startOne(index)
    return this.addresses
  }

  /**
   * Asks every engine, those that are starting too: they answer when they have started. One that ends meanwhile counts as done,
   * because its replacement is born with the newest. Rejects, when all have answered, with what the first to fail said.
   */
  async every<T>(ask: (engine: EngineCalls) => Promise<T>): Promise<T[]> {
    const answers = await Promise.allSettled([...this.engines.values()].map(({ calls }) => ask(calls)))
    for (const answer of answers) {
      if (answer.status === 'rejected' && !(answer.reason instanceof EngineEnded)) throw answer.reason
    }
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  }

  /** What every engine has counted, and those had that have ended. */
  async metrics(): Promise<readonly EngineMetrics[]> {
    const ask = async (engine: Engine) => {
      if (engine.serves) engine.counted = await engine.calls.metrics()
    }
    const asked = Promise.allSettled([...this.engines.values()].map(ask))
    // One that is too busy to answer is known by its last answer.
    await Promise.race([asked, delay(METRICS_MS, undefined, { ref: false })])
    return [this.before, ...[...this.engines.values()].flatMap(({ counted }) => counted ?? [])]
  }

  /**
   * What listeners do about TLS from now on, also in engines that start later. `listeners` are a configuration's: each that stands
   * follows the one with its address, if both or neither speak TLS; other changes wait for the next start.
   */
  async secure(listeners: readonly ListenerSpec[]): Promise<void> {
    const { written } = this
    const tls = this.addresses.map((standing, place) => {
      // Free ports (0) have one name: the nth of them is the nth.
      const nth = written.slice(0, place).filter((name) => name === written[place]).length
      const wanted = listeners.filter((one) => listenerName(one) === written[place])[nth]?.tls ?? null
      return standing.tls === null ? null : (wanted ?? standing.tls)
    })
    this.addresses = this.addresses.map((one, place) => ({ ...one, tls: tls[place]! }))
    await this.every((engine) => engine.secure(tls))
  }

  /** Any engine that serves; undefined when none does. */
  any(): EngineCalls | undefined {
    return [...this.engines.values()].find((engine) => engine.serves)?.calls
  }

  /** Engines that serve. */
  get serving(): number {
    return [...this.engines.values()].filter((engine) => engine.serves).length
  }

  /** All new connections to the addresses of the `holder` are for these engines, if the system can be told so. */
  steerFrom(holder: Holder): Promise<boolean> {
    return this.steer(holder.addresses, { first: holder.engines, count: this.engines.size })
  }

  /** The holder has ended: whoever listens gets some. */
  steerFreely(holder: Holder): Promise<boolean> {
    return this.steer(holder.addresses, null)
  }

  private async steer(addresses: readonly string[], to: Steering['to']): Promise<boolean> {
    const descriptors = await this.any()?.descriptors()
    const steerings: Steering[] = []
    for (const [place, address] of this.addresses.entries()) {
      if ('path' in address || !addresses.includes(listenerName(address))) continue
      const fd = descriptors?.[place] ?? null
      if (fd === null) return false
      steerings.push({ fd, to })
    }
    return steerings.length === 0 || steered(steerings)
  }

  /** Paths of Unix sockets are led no further: a successor is about to lead them to himself, or nobody here listens any more. */
  stand(): void {
    for (const unix of this.unix.values()) unix.stand()
  }

  /** He has failed. */
  resume(): void {
    for (const unix of this.unix.values()) unix.resume()
  }

  /** None is replaced any more; each accepts for `acceptMs` more and finishes what runs within the bound. */
  async drain(withinMs: number, acceptMs: number, successors = 0): Promise<void> {
    this.stopping = true
    const drained = this.every((engine) => engine.drain(withinMs))
    drained.catch(() => {}) // heard below
    await delay(acceptMs, undefined, { ref: false })
    if (successors > 0) await this.leavePorts(successors)
    this.stand()
    await this.every((engine) => engine.stopAccepting())
    await drained
  }

  /**
   * A socket that closes gives its number to the one with the last, and a number that nobody has any more means anybody: so new
   * connections are given to those of the successor's sockets only that keep their numbers while ours close.
   */
  private async leavePorts(successors: number): Promise<void> {
    const ours = this.engines.size
    const names = this.addresses.map(listenerName)
    if (successors >= ours) await this.steer(names, { first: ours, count: successors - ours + 1 })
  }

  async terminate(): Promise<void> {
    this.stopping = true
    clearInterval(this.asking)
    for (const unix of this.unix.values()) unix.release()
    await Promise.all([...this.engines.values()].map(({ worker }) => worker.terminate()))
  }

  private async startOne(index: number): Promise<readonly ListenerSpec[]> {
    const boot = this.deps.boot(index)
    const worker = new Worker(new URL('./engine.ts', import.meta.url), {
      name: `engine-${index}`,
      workerData: boot,
      transferList: [boot.store],
      resourceLimits: { maxOldGenerationSizeMb: Math.floor(boot.state.engineHeapMax / 1_048_576) },
    })
    const engine: Engine = {
      worker,
      calls: callsTo(worker, this.deps.log, (event) => {
        if ('acceptedAt' in event) this.unix.get(event.acceptedAt)?.next()
        else this.deps.news(event.endpoints)
      }),
      serves: false,
      counted: null,
    }
    // From here on it is told everything: what is said before it listens to us waits for it.
    this.engines.set(index, engine)
    worker.on('error', (error) => this.deps.log.error({ err: error, engine: index }, 'an engine failed'))
    worker.once('exit', () => {
      this.engines.delete(index)
      if (engine.counted !== null) this.before = whatEndedEnginesCounted([this.before, engine.counted])
      this.deps.ended(index)
      if (!this.stopping) for (const unix of this.unix.values()) unix.left(index)
      // Its connections are lost and its leases fall free; the others serve on, and another takes its place.
      if (engine.serves) this.replace(index, ENGINE_AGAIN_MS)
    })
    try {
      const own = this.addresses.map((address, place) => {
        const unix = this.unix.get(place)
        return unix === undefined ? address : { ...address, path: unix.fileOf(index) }
      })
      const bound = await engine.calls.listen(own.slice(0, -1), own.at(-1)!, this.shared)
      engine.serves = true
      for (const unix of this.unix.values()) unix.joined(index)
      return bound.map((address, place) => (this.unix.has(place) ? this.addresses[place]! : address))
    } catch (error) {
      await worker.terminate()
      throw error
    }
  }

  private replace(index: number, afterMs: number): void {
    const start = () => {
      if (this.stopping) return
      const { log, onFatal } = this.deps
      const failed = (error: Error) => {
        if (this.stopping) return
        if (this.any() === undefined) return onFatal(error)
        log.error({ err: error, engine: index }, 'an engine could not be replaced; it is tried again')
        this.replace(index, Math.min(2 * afterMs, ENGINE_AGAIN_MAX_MS))
      }
      this.startOne(index).then(() => log.info({ engine: index }, 'an engine was replaced'), failed)
    }
    setTimeout(start, afterMs).unref()
  }
}

/** Asks the system, in a thread of its own: see wire/steer.ts. */
async function steered(steerings: readonly Steering[]): Promise<boolean> {
  const worker = new Worker(new URL('./wire/steer.ts', import.meta.url), {
    workerData: steerings,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const [done] = await once(worker, 'message').catch(() => [false])
  await worker.terminate()
  return done === true
}

/** Engines share a port (SO_REUSEPORT), and would share it with a stranger who does the same: so it is first taken alone. */
async function insistOnFree(addresses: readonly ListenerSpec[]): Promise<void> {
  await using taken = new AsyncDisposableStack()
  for (const address of addresses) {
    if ('path' in address || address.port === 0) continue
    const { host, port, dualStack } = address
    const server = taken.use(createServer())
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ host, port, ipv6Only: !dualStack, exclusive: true }, resolve)
    })
  }
}
