/** What the file declares of the post's nouns stands in the store as well, so that endpoints and messages can be theirs. */
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import type { DesiredState } from '../model/gateway.ts'
import type { Consumer, EventType } from '../model/webhook.ts'
import type { Store } from '../store/port.ts'

/** Stores the consumers and event types of a revision that are not there yet or have changed. Returns the new consumers. */
export async function storeDeclared(store: Store, state: DesiredState, clock: Clock): Promise<readonly Consumer[]> {
  const now = clock.now()
  const consumers: Consumer[] = []
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
  }
  return consumers
}
