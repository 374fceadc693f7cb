/** The connections to an origin that is told whose each of them is: one client's alone, and gone with that client's connection. */
import type { ClientEnd } from './client-end.ts'
import { type ProxyVersion, proxyAnnouncement } from './proxy-announcement.ts'

/** The connections of one client. */
interface OwnPool {
  readonly size: number
  close(): void
  retire(): void
}

export class ClientPools<Own extends OwnPool> {
  /** Null: of requests that are nobody's but ours. */
  private readonly pools = new Map<ClientEnd | null, Own>()
  private readonly version: ProxyVersion
  private readonly make: (announcement: Buffer) => Own
  private retired = false

  constructor(version: ProxyVersion, make: (announcement: Buffer) => Own) {
    this.version = version
    this.make = make
  }

  of(client: ClientEnd | null): Own {
    const known = this.pools.get(client)
    if (known !== undefined) return known
    const pool = this.make(proxyAnnouncement(this.version, client?.ends ?? null))
    this.pools.set(client, pool)
    client?.whenOver(() => {
      this.pools.delete(client)
      pool.retire()
    })
    if (this.retired) pool.retire()
    return pool
  }

  get size(): number {
    return this.pools.values().reduce((sum, pool) => sum + pool.size, 0)
  }

  close(): void {
    for (const pool of this.pools.values()) pool.close()
  }

  retire(): void {
    this.retired = true
    for (const pool of this.pools.values()) pool.retire()
  }
}
