/** The post of one engine: what the gateway, its policies and the API hand over to be kept and delivered. */
import type { Clock } from '../base/clock.ts'
import { PROBLEMS } from '../base/problem.ts'
import type { DesiredState } from '../model/gateway.ts'
import { type Consumer, OPERATIONAL_CONSUMER, type Received } from '../model/webhook.ts'
import { type Reply, json, refuse } from '../pipeline/reply.ts'
import type { Emission } from '../pipeline/policy.ts'
import { type Accept, type Accepted } from './accept.ts'
import { type Directory, serviceEndpointId } from './directory.ts'
import type { Announcement } from './guardian.ts'
import { type Sources, compileSources, ingest } from './sources.ts'

export interface PostDeps {
  readonly accept: Accept
  readonly directory: Directory
  readonly clock: Clock
}

/** A published event, from the API. */
export interface Publication {
  readonly consumer: Consumer
  readonly eventType: string
  readonly eventId: string | null
  readonly channels: readonly string[] | null
  readonly payload: Uint8Array
  readonly tags?: readonly string[] | null
  readonly deliverAt?: number | null
  readonly retentionMs?: number | null
  readonly idempotencyKey?: string | null
  readonly retryKey?: string | null
}

export class Post {
  private readonly deps: PostDeps
  private sources: Sources = new Map()

  constructor(deps: PostDeps) {
    this.deps = deps
  }

  /** Takes a revision's sources. Throws when one of them cannot be compiled; then the old ones stay. */
  update(state: DesiredState): void {
    this.sources = compileSources(state.sources)
  }

  publish({ consumer, ...event }: Publication): Promise<Accepted> {
    const { accept, directory } = this.deps
    const [to, held]: [string[], string[]] = [[], []]
    let content: { readonly value: unknown } | null = null
    for (const { endpoint, filter } of directory.wanting(consumer.id, event.eventType, event.channels)) {
      if (filter !== null && !filter((content ??= parsed(event.payload)).value)) continue
      ;(endpoint.disabled ? held : to).push(endpoint.id)
    }
    return accept({ ...event, consumerId: consumer.id, origin: null, received: null, to, held })
  }

  /** Tells the operational endpoints that want to know; nobody else hears of it. */
  async announce({ eventType, data }: Announcement): Promise<void> {
    const { accept, directory } = this.deps
    const to = directory.wanting(OPERATIONAL_CONSUMER, eventType, null).filter((one) => !one.endpoint.disabled)
    if (to.length === 0) return
    const payload = Buffer.from(JSON.stringify({ type: eventType, data }))
    const none = { origin: null, eventId: null, channels: null, received: null }
    await accept({
      ...none,
      consumerId: OPERATIONAL_CONSUMER,
      eventType,
      payload,
      to: to.map((one) => one.endpoint.id),
    })
  }

  /**
   * Stores an event for one consumer, or for every consumer with an endpoint that wants it; when nobody does, once and for
   * nobody, so that it can be seen. Rejects when it could not be stored.
   */
  async emit({ eventType, payload, to }: Emission): Promise<void> {
    const { accept, directory } = this.deps
    const named = to === null ? null : directory.consumerByIdOrUid(to)
    if (to !== null && named === null) throw new Error(`emit: there is no consumer ${to}`)
    const consumers = named === null ? [...directory.consumersWanting(eventType)] : [named]
    if (consumers.length === 0) {
      const [origin, none] = [`event:${eventType}`, { eventId: null, channels: null, received: null, to: [] }]
      await accept({ consumerId: null, origin, eventType, payload, ...none })
    }
    await Promise.all(
      consumers.map((consumer) => this.publish({ consumer, eventType, eventId: null, channels: null, payload })),
    )
  }

  /** The body of a request to a `publish` route, as an event. */
  async publishBody(event: string, to: string, body: Uint8Array): Promise<Reply> {
    try {
      JSON.parse(Buffer.from(body).toString('utf8'))
    } catch {
      return refuse(PROBLEMS.payloadInvalid, 'The body is not JSON.')
    }
    const consumer = this.deps.directory.consumerByIdOrUid(to)
    if (consumer === null) return refuse(PROBLEMS.notFound, `There is no consumer ${to}.`)
    return this.stored(async () => {
      const accepted = await this.publish({ consumer, eventType: event, eventId: null, channels: null, payload: body })
      return json(202, { id: accepted.ok ? accepted.message.id : accepted.existingId }, 'published')
    })
  }

  ingest(source: string, received: Received, body: Uint8Array): Promise<Reply> {
    const live = this.sources.get(source)
    if (live === undefined) return Promise.resolve(refuse(PROBLEMS.routeNotFound))
    return this.stored(() => ingest(live, received, body, this.deps.accept, this.deps.clock))
  }

  /** Stores a request for a service, to be delivered with retries. The receipt is the message's id. */
  defer(service: string, routeName: string, received: Received, body: Uint8Array): Promise<Reply> {
    return this.stored(async () => {
      const accepted = await this.deps.accept({
        consumerId: null,
        origin: `route:${routeName}`,
        eventType: `route.${routeName}`,
        eventId: null,
        channels: null,
        payload: body,
        received,
        to: [serviceEndpointId(service, '')],
      })
      return json(202, { id: accepted.ok ? accepted.message.id : accepted.existingId }, 'deferred')
    })
  }

  /** A store that cannot keep it means that nothing was accepted, and the sender hears so. */
  private async stored(work: () => Promise<Reply>): Promise<Reply> {
    try {
      return await work()
    } catch {
      return refuse(PROBLEMS.storeUnavailable, undefined, ['Retry-After', '5'])
    }
  }
}

/** For filters, so only where there is one; undefined for what is not JSON. */
function parsed(payload: Uint8Array): { readonly value: unknown } {
  try {
    return { value: JSON.parse(Buffer.from(payload).toString('utf8')) }
  } catch {
    return { value: undefined }
  }
}
