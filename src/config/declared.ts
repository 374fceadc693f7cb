/** What the file declares of the post's nouns stands in the store as well, so that endpoints and messages can be theirs. */
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import type { DesiredState } from '../model/gateway.ts'
import type { Consumer, EventType } from '../model/webhook.ts'
import type { Store } from '../store/port.ts'

/** What a revision declares and the store did not have so. */
export interface Declared {
  readonly consumers: readonly Consumer[]
  readonly eventTypes: readonly EventType[]
}

/** Stores the consumers and event types of a revision that are not there yet or have changed, and returns these. */
export async function storeDeclared(store: Store, state: DesiredState, clock: Clock): Promise<Declared> {
  const now = clock.now()
  const consumers: Consumer[] = []
  const eventTypes: EventType[] = []
  for (const { name } of Object.values(state.consumers)) {
    if ((await store.getConsumer(name)) !== null) continue
    const consumer: Consumer = {
      id: newId('app_', now),
      uid: name,
      name,
      metadata: {},
      ratePerSecondMax: null,
      createdAt: now,
      updatedAt: now,
    }
    await store.putConsumer(consumer)
    consumers.push(consumer)
  }
  for (const { name, description, schema } of Object.values(state.eventTypes)) {
    const known = await store.getEventType(name)
    if (known?.description === description && JSON.stringify(known.schema) === JSON.stringify(schema)) continue
    const eventType: EventType = {
      name,
      description,
      schema,
      archived: false,
      deprecated: known?.deprecated ?? false,
      groupName: known?.groupName ?? null,
      featureFlags: known?.featureFlags ?? [],
      createdAt: known?.createdAt ?? now,
      updatedAt: now,
    }
    await store.putEventType(eventType)
    eventTypes.push(eventType)
  }
  return { consumers, eventTypes }
}
