/** Svix's numbers for what became of a delivery or an attempt. */
import { z } from '@hono/zod-openapi'
import type { Attempt, DeliveryState } from '../../model/webhook.ts'

export const STATUS = { success: 0, pending: 1, fail: 2, sending: 3, canceled: 4 } as const

type StatusText = keyof typeof STATUS

export const statusFields = {
  /** 0 success, 1 pending, 2 fail, 3 sending, 4 canceled */
  status: z.number().int(),
  statusText: z.enum(['success', 'pending', 'fail', 'sending', 'canceled']),
}

export interface StatusPair {
  status: number
  statusText: StatusText
}

const pair = (statusText: StatusText): StatusPair => ({ status: STATUS[statusText], statusText })

const OF_STATE: Readonly<Record<DeliveryState, StatusText>> = {
  pending: 'pending',
  delivering: 'sending',
  delivered: 'success',
  exhausted: 'fail',
  cancelled: 'canceled',
  // The endpoint is disabled: nothing more happens by itself, a resend is needed, as after a failure.
  held: 'fail',
}

/** The states that are shown as this number. */
export function statesOf(status: number): DeliveryState[] {
  const states: DeliveryState[] = ['pending', 'delivering', 'delivered', 'exhausted', 'cancelled', 'held']
  return states.filter((state) => STATUS[OF_STATE[state]] === status)
}

/** Clients that do not know `canceled` (`expanded` false) get success for it, as Svix answers them. */
export function deliveryStatus(state: DeliveryState, expanded: boolean): StatusPair {
  const text = OF_STATE[state]
  return pair(text === 'canceled' && !expanded ? 'success' : text)
}

export const attemptStatus = (attempt: Attempt): StatusPair => pair(attempt.ok ? 'success' : 'fail')
