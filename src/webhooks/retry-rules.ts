/** How deliveries are tried again, by event type. */
import type { DesiredState } from '../model/gateway.ts'
import type { RetryRules } from './outcome.ts'

/** Compiled once a revision: what an event type does not say for itself is as for all. */
export function retryRules(
  { delivery, eventTypes }: DesiredState,
  random = Math.random,
): (eventType: string) => RetryRules {
  const usual: RetryRules = { retries: delivery.retries, random }
  const own = new Map<string, RetryRules>()
  for (const { name, retries } of Object.values(eventTypes))
    if (Object.keys(retries).length > 0) own.set(name, { retries: { ...delivery.retries, ...retries }, random })
  return own.size === 0 ? () => usual : (eventType) => own.get(eventType) ?? usual
}
