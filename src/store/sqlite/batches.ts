/**
 * The two hot calls as they cross threads: columns of plain values, everybody's calls of one turn in one batch, and all
 * payload bytes in one buffer that is transferred. `…Ends[i]` is where item i's part of a longer column ends.
 */
import type { NewMessage, Settlement } from '../port.ts'
import { DELIVERING, HELD, PENDING, stateNumber } from './states.ts'

export interface MessageExtras {
  /** JSON. */
  readonly tags: string | null
  readonly deliverAt: number | null
  readonly expiresAt: number | null
  readonly idempotencyKey: string | null
}

export interface AppendBatch {
  // one a call
  readonly lessees: string[]
  readonly messageEnds: number[]
  // one a message
  readonly ids: string[]
  readonly consumerIds: (string | null)[]
  readonly origins: (string | null)[]
  readonly eventTypes: string[]
  readonly eventIds: (string | null)[]
  /** JSON. */
  readonly channels: (string | null)[]
  /** JSON. */
  readonly received: (string | null)[]
  readonly createdAt: number[]
  readonly retryKeys: (string | null)[]
  /** What few messages have; null for the others. */
  readonly extras: (MessageExtras | null)[]
  readonly payloadEnds: number[]
  readonly deliveryEnds: number[]
  // one a delivery
  readonly deliveryIds: string[]
  readonly endpointIds: string[]
  /** Numbers as in STATES. */
  readonly deliveryStates: number[]
  /** The payloads one after the other; may be longer than they are. */
  bytes: ArrayBuffer
}

export interface SettleBatch {
  // one a call
  readonly lessees: string[]
  readonly settlementEnds: number[]
  // one a settlement
  readonly ids: string[]
  readonly messageIds: string[]
  readonly endpointIds: string[]
  readonly deliveryIds: string[]
  readonly urls: string[]
  readonly statuses: number[]
  readonly ok: boolean[]
  readonly failures: (string | null)[]
  readonly latenciesMs: number[]
  readonly manual: boolean[]
  readonly startedAt: number[]
  readonly responses: string[]
  readonly states: number[]
  readonly nextAt: (number | null)[]
}

const FIRST_BYTES = 4096
const STATE_OF = { leased: DELIVERING, due: PENDING, held: HELD } as const

/** An empty batch; `bytesHint` is how many payload bytes to expect. */
export function appendBatch(bytesHint: number): AppendBatch {
  return {
    lessees: [],
    messageEnds: [],
    ids: [],
    consumerIds: [],
    origins: [],
    eventTypes: [],
    eventIds: [],
    channels: [],
    received: [],
    createdAt: [],
    retryKeys: [],
    extras: [],
    payloadEnds: [],
    deliveryEnds: [],
    deliveryIds: [],
    endpointIds: [],
    deliveryStates: [],
    bytes: buffer(Math.max(FIRST_BYTES, bytesHint)),
  }
}

/** Adds one call. The payload is copied now: callers may reuse theirs. Throws TypeError, and adds nothing, when it is not bytes. */
export function addAppend(batch: AppendBatch, lessee: string, messages: readonly NewMessage[]): void {
  for (const { message } of messages) {
    if (!(message.payload instanceof Uint8Array)) throw new TypeError(`The payload of ${message.id} is not bytes.`)
  }
  for (const one of messages) {
    const { message, deliveries } = one
    batch.ids.push(message.id)
    batch.consumerIds.push(message.consumerId)
    batch.origins.push(message.origin)
    batch.eventTypes.push(message.eventType)
    batch.eventIds.push(message.eventId)
    batch.channels.push(message.channels === null ? null : JSON.stringify(message.channels))
    batch.received.push(message.received === null ? null : JSON.stringify(message.received))
    batch.createdAt.push(Math.round(message.createdAt))
    batch.retryKeys.push(one.retryKey ?? null)
    batch.extras.push(extrasOf(one))
    batch.payloadEnds.push(addBytes(batch, message.payload))
    for (const delivery of deliveries) {
      batch.deliveryIds.push(delivery.id)
      batch.endpointIds.push(delivery.endpointId)
      batch.deliveryStates.push(STATE_OF[delivery.as])
    }
    batch.deliveryEnds.push(batch.deliveryIds.length)
  }
  batch.lessees.push(lessee)
  batch.messageEnds.push(batch.ids.length)
}

function extrasOf({ message, idempotencyKey = null }: NewMessage): MessageExtras | null {
  const { tags, deliverAt, expiresAt } = message
  if (tags === null && deliverAt === null && expiresAt === null && idempotencyKey === null) return null
  return {
    tags: tags && JSON.stringify(tags),
    deliverAt: deliverAt && Math.round(deliverAt),
    expiresAt: expiresAt && Math.round(expiresAt),
    idempotencyKey,
  }
}

export function settleBatch(): SettleBatch {
  return {
    lessees: [],
    settlementEnds: [],
    ids: [],
    messageIds: [],
    endpointIds: [],
    deliveryIds: [],
    urls: [],
    statuses: [],
    ok: [],
    failures: [],
    latenciesMs: [],
    manual: [],
    startedAt: [],
    responses: [],
    states: [],
    nextAt: [],
  }
}

export function addSettle(batch: SettleBatch, lessee: string, settlements: readonly Settlement[]): void {
  for (const { attempt, state, nextAt } of settlements) {
    batch.ids.push(attempt.id)
    batch.messageIds.push(attempt.messageId)
    batch.endpointIds.push(attempt.endpointId)
    batch.deliveryIds.push(attempt.deliveryId)
    batch.urls.push(attempt.url)
    batch.statuses.push(attempt.status)
    batch.ok.push(attempt.ok)
    batch.failures.push(attempt.failure)
    batch.latenciesMs.push(Math.round(attempt.latencyMs))
    batch.manual.push(attempt.trigger === 'manual')
    batch.startedAt.push(Math.round(attempt.startedAt))
    batch.responses.push(attempt.response)
    batch.states.push(stateNumber(state))
    batch.nextAt.push(nextAt === null ? null : Math.round(nextAt))
  }
  batch.lessees.push(lessee)
  batch.settlementEnds.push(batch.ids.length)
}

/** Copies a payload behind the others and says where it ends. The buffer doubles when it is full. */
function addBytes(batch: AppendBatch, payload: Uint8Array): number {
  const start = batch.payloadEnds.at(-1) ?? 0
  const end = start + payload.byteLength
  if (end > batch.bytes.byteLength) {
    const larger = buffer(Math.max(end, batch.bytes.byteLength * 2))
    new Uint8Array(larger).set(new Uint8Array(batch.bytes, 0, start))
    batch.bytes = larger
  }
  new Uint8Array(batch.bytes).set(payload, start)
  return end
}

/** Memory of its own (a pooled one could not be transferred), not zeroed: only what has been written is read. */
function buffer(bytes: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(bytes).buffer
}
