/** Services at run time: which instance is next, and the connections to it. Outlives reloads: known by name and URL. */
import type { Instance, Service, Timeouts } from '../model/gateway.ts'
import type { Pool, PoolOptions, Pools } from '../wire/pool.ts'
import { UpstreamTls } from '../wire/upstream-tls.ts'

/** One instance, its place in the weighted round robin, and its connections. */
export interface LiveInstance {
  readonly url: string
  /** `host:port` or `unix:/path`, for records. */
  readonly name: string
  /** What a request is addressed to that names nobody. */
  readonly authority: string
  readonly weight: number
  readonly pool: Pool
  /** Current weight of the smooth round robin. */
  credit: number
}

const NONE: readonly LiveInstance[] = []

export class LiveService {
  readonly name: string
  timeouts: Timeouts
  instances: readonly LiveInstance[]
  private total = 0

  constructor(name: string, timeouts: Timeouts, instances: readonly LiveInstance[]) {
    this.name = name
    this.timeouts = timeouts
    this.instances = instances
    this.update(timeouts, instances)
  }

  update(timeouts: Timeouts, instances: readonly LiveInstance[]): void {
    this.timeouts = timeouts
    this.instances = instances
    this.total = instances.reduce((sum, one) => sum + one.weight, 0)
  }

  /**
   * The next instance by smooth weighted round robin: each gains its weight, the richest pays the total. Weights 3 and 1 give
   * a a b a, not a a a b. Null when the service has none besides those in `except`.
   */
  pick(except: readonly LiveInstance[] = NONE): LiveInstance | null {
    const { instances } = this
    if (instances.length === 1 && except.length === 0) return instances[0]!
    let best: LiveInstance | null = null
    for (const one of instances) {
      if (except.includes(one)) continue
      one.credit += one.weight
      if (best === null || one.credit > best.credit) best = one
    }
    if (best !== null) best.credit -= this.total
    return best
  }
}

/** Every service of an engine. */
export class Services {
  private readonly byName = new Map<string, LiveService>()
  private readonly pools: Pools

  constructor(pools: Pools) {
    this.pools = pools
  }

  get(name: string): LiveService | null {
    return this.byName.get(name) ?? null
  }

  /** Takes a revision's services; what has not changed keeps its state. Connections that nobody will ask for any more are let go. */
  update(specs: Readonly<Record<string, Service>>): void {
    const before = this.poolsInUse()
    for (const name of this.byName.keys()) if (specs[name] === undefined) this.byName.delete(name)
    for (const spec of Object.values(specs)) {
      const current = this.byName.get(spec.name)
      const { protocol, proxyProtocol } = spec
      const how = { protocol, proxyProtocol, tls: new UpstreamTls(spec.tls) }
      const instances = spec.instances.map((one) => this.instance(one, how, current))
      if (current === undefined) this.byName.set(spec.name, new LiveService(spec.name, spec.timeouts, instances))
      else current.update(spec.timeouts, instances)
    }
    for (const pool of before.difference(this.poolsInUse())) this.pools.retire(pool)
  }

  private poolsInUse(): ReadonlySet<Pool> {
    return new Set([...this.byName.values()].flatMap(({ instances }) => instances.map(({ pool }) => pool)))
  }

  private instance(spec: Instance, how: PoolOptions, service: LiveService | undefined): LiveInstance {
    const pool = this.pools.of(spec.url, null, how)
    const known = service?.instances.find((one) => one.pool === pool && one.weight === spec.weight)
    if (known !== undefined) return known
    const isUnix = spec.url.startsWith('unix:')
    return {
      url: spec.url,
      name: isUnix ? spec.url : new URL(spec.url).host,
      authority: isUnix ? 'localhost' : new URL(spec.url).host,
      weight: spec.weight,
      pool,
      credit: 0,
    }
  }
}
