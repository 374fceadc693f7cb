/** Delivery states as the numbers in the table: rows and the predicates of partial indexes stay small. */
import type { DeliveryState } from '../../model/webhook.ts'

/** The index is what is stored. */
export const STATES = [
  'pending',
  'delivering',
  'delivered',
  'exhausted',
  'cancelled',
  'held',
] as const satisfies readonly DeliveryState[]

export const PENDING = 0
export const DELIVERING = 1
export const DELIVERED = 2
export const EXHAUSTED = 3
export const CANCELLED = 4
export const HELD = 5

export function stateNumber(state: DeliveryState): number {
  return STATES.indexOf(state)
}

export function stateName(number: number): DeliveryState {
  return STATES[number]!
}
