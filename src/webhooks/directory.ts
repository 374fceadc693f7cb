/** Who is called where: consumers and endpoints as an engine holds them in memory, so that publishing reads nothing. */
import { type Consumer, type Endpoint, OPERATIONAL_CONSUMER, wants } from '../model/webhook.ts'
import type { CatalogueChange } from './catalogue.ts'
import { type Filter, compileFilter } from './filter.ts'
import { AttemptSigner } from './sign-attempt.ts'
import { siteOf } from './site.ts'

/** An endpoint ready to be called: its URL taken apart, its secrets decoded. */
export interface LiveEndpoint {
  readonly endpoint: Endpoint
  /** `http://host:port` */
  readonly origin: string
  /** `host[:port]` */
  readonly host: string
  /** Whose load it shares. */
  readonly site: string
  /** Path and query. */
  readonly target: string
  readonly signer: AttemptSigner
  /** The payload as it is, and nothing but a signature says who sends it. */
  readonly isPlain: boolean
  /** What the payload must look like; null: anything. */
  readonly filter: Filter | null
}

/** Deliveries a second, counted together under a key. */
export interface Pace {
  readonly key: string
  readonly perSecond: number
}

const UNPACED: readonly Pace[] = []

/** What changed, as the admin server tells the engines. */
export interface DirectoryChange extends CatalogueChange {
  readonly consumers?: readonly Consumer[] | undefined
  readonly endpoints?: readonly Endpoint[] | undefined
  /** By id; their endpoints go with them. */
  readonly removedConsumers?: readonly string[] | undefined
  readonly removedEndpoints?: readonly string[] | undefined
}

export class Directory {
  private readonly consumers = new Map<string, Consumer>()
  private readonly idOfUid = new Map<string, string>()
  private readonly endpoints = new Map<string, LiveEndpoint>()
  private readonly endpointsOf = new Map<string, LiveEndpoint[]>()

  /** Counts the changes. */
  generation = 0

  apply(change: DirectoryChange): void {
    this.generation++
    for (const consumer of change.consumers ?? []) this.putConsumer(consumer)
    for (const endpoint of change.endpoints ?? []) this.putEndpoint(endpoint)
    for (const id of change.removedEndpoints ?? []) this.removeEndpoint(id)
    for (const id of change.removedConsumers ?? []) this.removeConsumer(id)
  }

  /** Knows nothing but these from now on. */
  replace(consumers: readonly Consumer[], endpoints: readonly Endpoint[]): void {
    for (const map of [this.consumers, this.idOfUid, this.endpoints, this.endpointsOf]) map.clear()
    this.apply({ consumers, endpoints })
  }

  /** Never the operational one: nobody may publish as it. */
  consumerByIdOrUid(key: string): Consumer | null {
    if (key === OPERATIONAL_CONSUMER) return null
    return this.consumers.get(key) ?? this.consumers.get(this.idOfUid.get(key) ?? '') ?? null
  }

  endpoint(id: string): LiveEndpoint | null {
    return this.endpoints.get(id) ?? null
  }

  endpointIds(): Iterable<string> {
    return this.endpoints.keys()
  }

  /** The endpoints of a consumer that want this event, disabled ones too: theirs is held. */
  wanting(consumerId: string, eventType: string, channels: readonly string[] | null): LiveEndpoint[] {
    const all = this.endpointsOf.get(consumerId)
    if (all === undefined) return []
    return all.filter(({ endpoint }) => wants(endpoint, eventType, channels))
  }

  /** Whose load an endpoint's receiver shares; a service of the gateway is its own. */
  siteOf(endpointId: string): string {
    return this.endpoints.get(endpointId)?.site ?? endpointId
  }

  /** Nothing is sent to this endpoint: it is disabled, or there is none. */
  takesNone(endpointId: string): boolean {
    if (endpointId.startsWith('service:')) return false
    return this.endpoints.get(endpointId)?.endpoint.disabled !== false
  }

  /** What its deliveries are paced to: its receiver's wish, and its consumer's. */
  ratesOf(endpointId: string): readonly Pace[] {
    const live = this.endpoints.get(endpointId)
    if (live === undefined) return UNPACED
    const { consumerId, ratePerSecondMax: own } = live.endpoint
    const shared = this.consumers.get(consumerId)?.ratePerSecondMax ?? null
    if (own === null && shared === null) return UNPACED
    const rates: Pace[] = []
    if (own !== null) rates.push({ key: `deliveries ${endpointId}`, perSecond: own })
    if (shared !== null) rates.push({ key: `deliveries ${consumerId}`, perSecond: shared })
    return rates
  }

  /** Every consumer with an endpoint that wants this event. */
  *consumersWanting(eventType: string): IterableIterator<Consumer> {
    for (const consumer of this.consumers.values()) {
      if (consumer.id === OPERATIONAL_CONSUMER) continue
      if (this.wanting(consumer.id, eventType, null).length > 0) yield consumer
    }
  }

  private putConsumer(consumer: Consumer): void {
    const before = this.consumers.get(consumer.id)
    if (before?.uid) this.idOfUid.delete(before.uid)
    this.consumers.set(consumer.id, consumer)
    if (consumer.uid !== null) this.idOfUid.set(consumer.uid, consumer.id)
  }

  private removeConsumer(id: string): void {
    const consumer = this.consumers.get(id)
    if (consumer?.uid) this.idOfUid.delete(consumer.uid)
    this.consumers.delete(id)
    for (const { endpoint } of this.endpointsOf.get(id) ?? []) this.endpoints.delete(endpoint.id)
    this.endpointsOf.delete(id)
  }

  private putEndpoint(endpoint: Endpoint): void {
    const url = new URL(endpoint.url)
    const live: LiveEndpoint = {
      endpoint,
      origin: url.origin,
      host: url.host,
      site: siteOf(url.host),
      target: url.pathname + url.search,
      signer: new AttemptSigner(endpoint),
      isPlain: isPlain(endpoint),
      filter: filterOf(endpoint),
    }
    const others = (this.endpointsOf.get(endpoint.consumerId) ?? []).filter((one) => one.endpoint.id !== endpoint.id)
    this.endpointsOf.set(endpoint.consumerId, [...others, live])
    this.endpoints.set(endpoint.id, live)
  }

  private removeEndpoint(id: string): void {
    const live = this.endpoints.get(id)
    if (live === undefined) return
    this.endpoints.delete(id)
    const { consumerId } = live.endpoint
    const left = (this.endpointsOf.get(consumerId) ?? []).filter((one) => one.endpoint.id !== id)
    this.endpointsOf.set(consumerId, left)
  }
}

/** A filter that a later version wrote and this one cannot read lets nothing through: nobody gets what they did not ask for. */
function filterOf({ sending: { filter } }: Endpoint): Filter | null {
  if (filter === null) return null
  const compiled = compileFilter(filter)
  return typeof compiled === 'function' ? compiled : () => false
}

function isPlain({ transformation, sending: { auth, clientCertificate, format } }: Endpoint): boolean {
  const isTransformed = transformation?.enabled ?? false
  return !isTransformed && auth === null && clientCertificate === null && format === 'plain'
}

/** The endpoint id of a delivery to one of the gateway's services. An empty path means the path that was received. */
export function serviceEndpointId(service: string, path: string): string {
  return `service:${service}:${path}`
}

/** Takes a service's endpoint id apart; null when the id is an endpoint's. */
export function serviceOf(endpointId: string): { readonly service: string; readonly path: string } | null {
  if (!endpointId.startsWith('service:')) return null
  const at = endpointId.indexOf(':', 8)
  return { service: endpointId.slice(8, at), path: endpointId.slice(at + 1) }
}
