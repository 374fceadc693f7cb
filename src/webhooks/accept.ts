/** Accepts an event: stored with a delivery for everybody who is to have it, then handed to the dispatcher. Resolved means durable. */
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import type { Message } from '../model/webhook.ts'
import type { Lessee, NewDelivery, Store } from '../store/port.ts'
import type { Dispatcher } from './dispatcher.ts'

/** A message before it has its id and its time. */
export interface NewEvent extends Omit<Message, 'id' | 'createdAt' | 'tags' | 'deliverAt' | 'expiresAt' | 'expunged'> {
  readonly tags?: readonly string[] | null
  readonly deliverAt?: number | null
  /** How long its payload is kept; null is as long as all. */
  readonly retentionMs?: number | null
  /** See NewMessage. */
  readonly idempotencyKey?: string | null
  readonly retryKey?: string | null
  /** Ids of the endpoints to deliver to. */
  readonly to: readonly string[]
  /** Ids of the disabled ones: theirs is kept, to be replayed. */
  readonly held?: readonly string[]
}

export type Accepted =
  | { readonly ok: true; readonly message: Message }
  /** The message that has this eventId already, or that came with this key. */
  | { readonly ok: false; readonly existingId: string; readonly repeats: boolean }

export interface AcceptDeps {
  readonly store: Store
  readonly lessee: Lessee
  readonly clock: Clock
  readonly dispatcher: Dispatcher
}

export type Accept = (event: NewEvent) => Promise<Accepted>

/** Rejects when the store does: then nothing was accepted. */
export function acceptor({ store, lessee, clock, dispatcher }: AcceptDeps): Accept {
  return async (event) => {
    const now = clock.now()
    const message: Message = {
      id: newId('msg_', now),
      consumerId: event.consumerId,
      origin: event.origin,
      eventType: event.eventType,
      eventId: event.eventId,
      channels: event.channels,
      tags: event.tags ?? null,
      deliverAt: event.deliverAt ?? null,
      expiresAt: event.retentionMs == null ? null : now + event.retentionMs,
      expunged: false,
      payload: event.payload,
      received: event.received,
      createdAt: now,
    }
    const deliveries: NewDelivery[] = []
    const isNow = message.deliverAt === null
    for (const endpointId of event.to) {
      const as = isNow && dispatcher.hasRoomFor(endpointId) ? 'leased' : 'due'
      deliveries.push({ id: newId('dlv_', now), endpointId, as })
    }
    if (event.held !== undefined)
      for (const endpointId of event.held) deliveries.push({ id: newId('dlv_', now), endpointId, as: 'held' })
    const { idempotencyKey, retryKey } = event
    const [result] = await store.append(lessee, [{ message, deliveries, idempotencyKey, retryKey }])
    if (!result!.stored) return { ok: false, existingId: result!.existingId, repeats: result!.repeats }
    for (const { id, endpointId, as } of deliveries) {
      if (as === 'leased') {
        dispatcher.take({
          delivery: { id, messageId: message.id, endpointId, state: 'delivering', attempts: 0, nextAt: null },
          message,
          before: { state: 'pending', nextAt: now },
        })
      } else if (as === 'due' && dispatcher.hasRoomFor(endpointId)) dispatcher.wake() // there is room by now
    }
    return { ok: true, message }
  }
}
