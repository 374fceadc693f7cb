/** Connections to upstreams, kept between requests: newest first, and never longer than the upstream keeps them. */
import { isIP } from 'node:net'
import type { AddressGuard } from './address-guard.ts'
import { ClientPools } from './client-pools.ts'
import type { Deadlines } from './deadlines.ts'
import { Dialer } from './dial.ts'
import { Sessions } from './h2/sessions.ts'
import { OutboundH1 } from './outbound-h1.ts'
import type { Origin, Outbound, OutboundRequest } from './outbound.ts'
import type { ProxyVersion } from './proxy-announcement.ts'
import { USUAL_TLS, UpstreamTls } from './upstream-tls.ts'

/** Idle connections kept to one origin. */
const IDLE_MAX = 256
/** How long one is kept idle when the upstream has not said (common servers close between 60 s and 75 s; Node after 5 s says so). */
const IDLE_MS = 55_000

/** What is spoken with an origin; over TLS `h2`, in clear `h2c`. */
export type Protocol = 'http/1.1' | 'h2' | 'h2c'

/** What of a request decides who can carry it. */
type Demands = Pick<OutboundRequest, 'upgrade' | 'bindsConnection' | 'client'>
const NONE: Demands = { upgrade: '' }

/** How an origin's connections are made. */
export interface PoolOptions {
  readonly protocol: Protocol
  /** For origins that are secure. */
  readonly tls: UpstreamTls
  /** How the origin is told whose connection it is given; null: it is not. */
  readonly proxyProtocol: ProxyVersion | null
}

/** What an origin's connections are made by, for either protocol. */
interface Dialers {
  readonly h1: Dialer
  /** Null: it speaks HTTP/1.1. */
  readonly h2: Dialer | null
}

export class Pool {
  private readonly idle: OutboundH1[] = []
  private readonly live = new Set<OutboundH1>()
  /** For HTTP/1.1. */
  private readonly dialer: Dialer
  private readonly deadlines: Deadlines
  private readonly guard: AddressGuard | null
  /** The shortest idle age at which the upstream has been seen to close; learned, so that we let go first. */
  private learnedMs = IDLE_MS
  private generation = 0
  private retired = false
  /** Of an origin that speaks HTTP/2; else null. */
  private readonly sessions: Sessions | null
  /** Of an origin that is told whose connections it is given: then there are none here. */
  private readonly clients: ClientPools<Pool> | null

  constructor({ h1, h2 }: Dialers, deadlines: Deadlines, guard: AddressGuard | null, version: ProxyVersion | null) {
    this.dialer = h1
    this.deadlines = deadlines
    this.guard = guard
    this.sessions = h2 === null ? null : new Sessions(h2, deadlines)
    this.clients =
      version === null
        ? null
        : new ClientPools(version, (announcement) => {
            const own = { h1: h1.announcing(announcement), h2: h2?.announcing(announcement) ?? null }
            return new Pool(own, deadlines, guard, null)
          })
  }

  /** An idle connection that is young enough for `request`, or a new one. `fresh`: a new one, for a reused one has just died. */
  take(fresh: boolean, request: Demands = NONE): Outbound {
    if (this.clients !== null) return this.clients.of(request.client ?? null).take(fresh, request)
    const { now } = this.deadlines
    if (this.guard !== null && this.guard.generation !== this.generation) {
      // Dialled when other addresses were allowed.
      this.generation = this.guard.generation
      this.close()
    }
    if (this.sessions !== null && !this.needsH1(this.sessions, request)) return this.sessions.take(fresh)
    for (let kept = fresh ? undefined : this.idle.pop(); kept !== undefined; kept = this.idle.pop()) {
      const age = now - kept.idleSince
      if (!kept.closed && age < Math.min(kept.idleMaxMs, this.learnedMs)) return kept
      kept.destroy()
    }
    const connection = new OutboundH1(
      this.dialer,
      this.deadlines,
      (idle) => this.keep(idle),
      (closed) => this.forget(closed),
    )
    this.live.add(connection)
    return connection
  }

  /** Its origin can say that it has not looked at a request: then it may be made again, whatever its method. */
  get canRefuse(): boolean {
    return this.sessions !== null
  }

  /**
   * HTTP/2 has no connection of one's own, and not every service makes streams into tunnels. Over TLS it can be asked for HTTP/1.1
   * instead; what is spoken in clear is agreed on by nobody.
   */
  private needsH1({ takesTunnels }: Sessions, { upgrade, bindsConnection }: Demands): boolean {
    return this.dialer.origin.secure && (bindsConnection === true || (upgrade !== '' && !takesTunnels))
  }

  /** The reason why this origin's port or literal address may not be dialled; names are judged when they are resolved. */
  refusal(): string | null {
    const { guard } = this
    if (guard === null) return null
    const { host, port } = this.dialer.origin
    return guard.portRefusal(port) ?? (isIP(host) === 0 ? null : guard.refusal(host))
  }

  private keep(connection: OutboundH1): void {
    if (this.retired || this.idle.length >= IDLE_MAX) return connection.destroy()
    connection.deadline = connection.idleSince + Math.min(connection.idleMaxMs, this.learnedMs)
    this.idle.push(connection)
  }

  private forget(connection: OutboundH1): void {
    this.live.delete(connection)
    const at = this.idle.lastIndexOf(connection)
    if (at === -1) return
    this.idle.splice(at, 1)
    const age = this.deadlines.now - connection.idleSince
    // Closed by the upstream while idle: from now on let go at nine tenths of that age, but keep trying at least a second. One that
    // it let live until we closed it says that it may be kept a little longer again.
    if (!connection.droppedByPeer) this.learnedMs = Math.min(IDLE_MS, this.learnedMs * 1.1)
    else if (age >= 1_000) this.learnedMs = Math.max(1_000, Math.min(this.learnedMs, age * 0.9))
  }

  get size(): number {
    return this.live.size + (this.sessions?.size ?? 0) + (this.clients?.size ?? 0)
  }

  close(): void {
    for (const connection of this.idle.splice(0)) connection.destroy()
    this.sessions?.close()
    this.clients?.close()
  }

  /** No request of a later revision will come: what runs is finished, and nothing is kept. */
  retire(): void {
    this.retired = true
    this.close()
    this.clients?.retire()
  }
}

/** Every pool of an engine, by origin and by how its connections are made; outlives reloads. */
export class Pools {
  private readonly pools = new Map<string, Pool>()
  private readonly deadlines: Deadlines
  /** Of origins that nothing more is said about. */
  private tls: UpstreamTls

  constructor(deadlines: Deadlines, tls = new UpstreamTls(USUAL_TLS)) {
    this.deadlines = deadlines
    this.tls = tls
  }

  /** `url` is an origin: `http://host:port`, or `unix:/path`. Connections to addresses that `guard` refuses fail as `blocked-address`. */
  of(url: string, guard: AddressGuard | null, options: Partial<PoolOptions> = {}): Pool {
    const { protocol = 'http/1.1', tls = this.tls, proxyProtocol = null } = options
    const said = `${guard === null ? '' : 'guarded '}${protocol} ${proxyProtocol ?? ''}`
    const key = `${said} ${url}${url.startsWith('https:') ? ` ${tls.id}` : ''}`
    let pool = this.pools.get(key)
    if (pool === undefined) {
      const { clock } = this.deadlines
      const [origin, how] = [originOf(url), { tls, lookup: guard?.lookup, clock }]
      const h1 = new Dialer(origin, { ...how, protocol: 'http/1.1' })
      const h2 = protocol === 'http/1.1' ? null : new Dialer(origin, { ...how, protocol: 'h2' })
      pool = new Pool({ h1, h2 }, this.deadlines, guard, proxyProtocol)
      this.pools.set(key, pool)
    }
    return pool
  }

  /** From now on origins that nothing more is said about are spoken with so. */
  update(tls: UpstreamTls): void {
    const before = this.tls.id
    if (before === tls.id) return
    this.tls = tls
    for (const [key, pool] of this.pools) if (key.startsWith('guarded ') && key.endsWith(before)) this.retire(pool)
  }

  /** Nobody will ask for it any more. */
  retire(pool: Pool): void {
    for (const [key, one] of this.pools) if (one === pool) this.pools.delete(key)
    pool.retire()
  }

  close(): void {
    for (const pool of this.pools.values()) pool.close()
  }
}

function originOf(url: string): Origin {
  if (url.startsWith('unix:')) return { path: url.slice('unix:'.length), host: 'localhost', port: 0, secure: false }
  const parsed = new URL(url)
  const secure = parsed.protocol === 'https:'
  const host = parsed.hostname.startsWith('[') ? parsed.hostname.slice(1, -1) : parsed.hostname
  return { host, port: parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port), secure }
}
