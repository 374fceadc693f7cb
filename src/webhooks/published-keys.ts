/** What receivers may know of us: the keys that verify our signatures, what there is to hear of, and how often we try. From memory. */
import type { DesiredState } from '../model/gateway.ts'
import { type Reply, json } from '../pipeline/reply.ts'
import { PRIVATE_PREFIX, type PublicJwk, publicJwk } from '../signatures/asymmetric.ts'
import type { Catalogue } from './catalogue.ts'
import type { Directory } from './directory.ts'

/** Keys in one answer; how many more there are is said. `?endpoint=ID` gives those of one endpoint. */
const KEYS_MAX = 1_000

export class PublishedKeys {
  private readonly directory: Directory
  private readonly catalogue: Catalogue
  private state: DesiredState | null = null
  /** Of everybody's, until something changes. */
  private all: { readonly generation: number; readonly keys: readonly PublicJwk[] } | null = null

  constructor(directory: Directory, catalogue: Catalogue) {
    this.directory = directory
    this.catalogue = catalogue
  }

  update(state: DesiredState): void {
    this.state = state
  }

  /** `query` as in a path: empty, or with its question mark. A JWK Set (RFC 7517 §5) that says more than keys. */
  reply(query: string): Reply {
    const endpointId = new URLSearchParams(query).get('endpoint')
    const keys = endpointId === null ? this.allKeys() : this.keysOf([endpointId])
    const delivery = this.state?.delivery
    const body = {
      keys: keys.slice(0, KEYS_MAX),
      keys_omitted: Math.max(0, keys.length - KEYS_MAX),
      signatures: { v1: 'HMAC-SHA256', v1a: 'Ed25519', specification: 'https://www.standardwebhooks.com' },
      event_types: this.catalogue.published(),
      retries: delivery && {
        delays_seconds: delivery.retries.scheduleMs.map((ms) => ms / 1_000),
        timeout_seconds: delivery.timeoutMs / 1_000,
      },
    }
    const { headers, ...reply } = json(200, body, 'webhook-keys')
    return { ...reply, headers: [...headers, 'Cache-Control', 'public, max-age=300'] }
  }

  private allKeys(): readonly PublicJwk[] {
    const { generation } = this.directory
    if (this.all?.generation !== generation) this.all = { generation, keys: this.keysOf(this.directory.endpointIds()) }
    return this.all.keys
  }

  /** Each once: endpoints may share one. A key that retires still verifies what is on its way. */
  private keysOf(endpointIds: Iterable<string>): readonly PublicJwk[] {
    const keys = new Map<string, PublicJwk>()
    for (const id of endpointIds) {
      const { secrets = [], retiring = [] } = this.directory.endpoint(id)?.endpoint ?? {}
      for (const secret of [...secrets, ...retiring.map((one) => one.secret)]) {
        if (!secret.startsWith(PRIVATE_PREFIX)) continue
        const key = publicJwk(secret)
        keys.set(key.kid, key)
      }
    }
    return [...keys.values()]
  }
}
