/** The post's nouns: who is called, what is sent, and what became of it. Plain data that any thread can receive. */

import type { Sending } from './sending.ts'

/** A consumer (Svix: application): somebody whose endpoints receive messages. */
export interface Consumer {
  /** `app_…` */
  readonly id: string
  /** The owner's own name for it, unique when present; a consumer of the configuration file has its name here. */
  readonly uid: string | null
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
  /** Deliveries a second that its owner wants at most, to all endpoints together; null is no bound. */
  readonly ratePerSecondMax: number | null
  readonly createdAt: number
  readonly updatedAt: number
}

/** Whose endpoints hear what happens to the others' endpoints; no consumer of anybody's, so no list shows it. */
export const OPERATIONAL_CONSUMER = 'app_operational'

/** A signing secret that has been replaced and signs beside its successor for a while. */
export interface RetiringSecret {
  readonly secret: string
  /** ms */
  readonly until: number
}

/** JavaScript of the consumer's that makes another request of a message for one endpoint. */
export interface Transformation {
  readonly code: string
  readonly enabled: boolean
  /** What the code finds beside the message. */
  readonly variables: Readonly<Record<string, string>>
  readonly updatedAt: number
}

/** Where a consumer is called; it carries its own subscription. */
export interface Endpoint {
  /** `ep_…` */
  readonly id: string
  readonly consumerId: string
  readonly uid: string | null
  readonly url: string
  readonly description: string
  /** Event types it wants; null is all. */
  readonly eventTypes: readonly string[] | null
  readonly channels: readonly string[] | null
  /** Extra headers for every delivery. */
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  /** Signing secrets, `whsec_…`, the current one first. */
  readonly secrets: readonly string[]
  /** Those that sign as well until their time is over, the newest first. */
  readonly retiring: readonly RetiringSecret[]
  readonly disabled: boolean
  /** Deliveries a second that the receiver wants at most; null is no bound. */
  readonly ratePerSecondMax: number | null
  readonly transformation: Transformation | null
  /** How deliveries are made. */
  readonly sending: Sending
  readonly createdAt: number
  readonly updatedAt: number
}

/** An endpoint that has done nothing but fail for a while. */
export interface EndpointHealth {
  readonly endpointId: string
  /** ms */
  readonly failingSince: number
  /** How many of the warnings its owner was given. */
  readonly warned: number
}

export interface EventType {
  readonly name: string
  readonly description: string
  /** JSON Schema, or one for each version: `{"1": {…}}`. */
  readonly schema: unknown
  readonly archived: boolean
  readonly deprecated: boolean
  /** Under which heading a catalogue shows it. */
  readonly groupName: string | null
  /** Shown only to those who have one of these; empty is everybody. */
  readonly featureFlags: readonly string[]
  readonly createdAt: number
  readonly updatedAt: number
}

/** One event, stored once however many deliveries it has. */
export interface Message {
  /** `msg_…`; the `webhook-id` of every attempt. */
  readonly id: string
  /** Whose message it is; null for what a source or a durable route received. */
  readonly consumerId: string | null
  /** `source:stripe` or `route:orders-import`; null for a published message. */
  readonly origin: string | null
  readonly eventType: string
  /** Unique within its consumer or origin when present; the second append of one is refused as a duplicate. */
  readonly eventId: string | null
  readonly channels: readonly string[] | null
  /** For finding it again; nobody chooses by them what to deliver. */
  readonly tags: readonly string[] | null
  /** Not to be delivered before, ms. */
  readonly deliverAt: number | null
  /** When its payload goes, ms. */
  readonly expiresAt: number | null
  /** Its payload has gone, and is empty: it is not delivered any more. */
  readonly expunged: boolean
  /** The exact bytes that are delivered and signed. */
  readonly payload: Uint8Array
  /** What was received, for deliveries that must look like the original: method, path with query, header lines. Null for published messages. */
  readonly received: Received | null
  readonly createdAt: number
}

export interface Received {
  readonly method: string
  /** Path and query as received. */
  readonly target: string
  /** Name, value, name, value … in the order and case received; hop-by-hop fields already left out. */
  readonly headers: readonly string[]
}

/** `pending → delivering → delivered | exhausted | cancelled | held` */
export type DeliveryState = 'pending' | 'delivering' | 'delivered' | 'exhausted' | 'cancelled' | 'held'

/**
 * A message on its way to one endpoint. `endpointId` is an endpoint's id, or names a service of the gateway:
 * `service:payments:/stripe-events`.
 */
export interface Delivery {
  /** `dlv_…` */
  readonly id: string
  readonly messageId: string
  readonly endpointId: string
  readonly state: DeliveryState
  /** Finished attempts. */
  readonly attempts: number
  /** When it is next tried, ms; null when it is over. */
  readonly nextAt: number | null
}

export type AttemptTrigger = 'scheduled' | 'manual'

/** One HTTP try of a delivery, kept. */
export interface Attempt {
  /** `atmpt_…` */
  readonly id: string
  readonly deliveryId: string
  readonly messageId: string
  readonly endpointId: string
  readonly url: string
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly ok: boolean
  /** Why there was no good answer: `timeout`, `connect-refused`, `reset`, `blocked-address`, `status`, …; null when ok. */
  readonly failure: string | null
  /** The first kilobytes of the answer; where none came, more of why: `CERT_HAS_EXPIRED`, `ECONNREFUSED`. */
  readonly response: string
  readonly latencyMs: number
  readonly trigger: AttemptTrigger
  readonly startedAt: number
}

/** Does an endpoint (or a source's delivery) want this event type on these channels? */
export function wants(
  subscription: { readonly eventTypes: readonly string[] | null; readonly channels: readonly string[] | null },
  eventType: string,
  channels: readonly string[] | null,
): boolean {
  if (subscription.eventTypes !== null && !subscription.eventTypes.includes(eventType)) return false
  if (subscription.channels === null) return true
  return channels !== null && channels.some((c) => subscription.channels!.includes(c))
}
