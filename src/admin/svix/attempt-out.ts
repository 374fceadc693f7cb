/** How attempts look in the webhook API, and what lists of them can be narrowed by. */
import { z } from '@hono/zod-openapi'
import type { Attempt, Message } from '../../model/webhook.ts'
import { Stamp } from '../answers.ts'
import { stamp } from '../stamp.ts'
import { Flag, Instant, NameList } from './fields.ts'
import { MessageOut } from './message.ts'
import { PageQuery } from './page.ts'
import { attemptStatus, STATUS, statusFields } from './status.ts'

export const AttemptOut = z
  .object({
    id: z.string(),
    msgId: z.string(),
    endpointId: z.string(),
    url: z.string(),
    /** The first kilobytes of the answer. */
    response: z.string(),
    /** 0 when there was no answer. */
    responseStatusCode: z.number().int(),
    responseDurationMs: z.number(),
    ...statusFields,
    /** 0 scheduled, 1 manual */
    triggerType: z.number().int(),
    timestamp: Stamp,
    msg: MessageOut.optional(),
  })
  .openapi('MessageAttemptOut')

/** With `withContent` false the response is `{}`, as in Svix. */
export function attemptOut(attempt: Attempt, withContent: boolean) {
  return {
    id: attempt.id,
    msgId: attempt.messageId,
    endpointId: attempt.endpointId,
    url: attempt.url,
    response: withContent ? attempt.response : '{}',
    responseStatusCode: attempt.status,
    responseDurationMs: attempt.latencyMs,
    ...attemptStatus(attempt),
    triggerType: attempt.trigger === 'manual' ? 1 : 0,
    timestamp: stamp(attempt.startedAt),
  }
}

export const StatusNumber = z.coerce.number().int().min(0).max(4).optional()

export const AttemptQuery = PageQuery.extend({
  status: StatusNumber,
  /** 0 no answer, 100, 200 … 500 */
  status_code_class: z.coerce.number().int().multipleOf(100).min(0).max(500).optional(),
  channel: z.string().optional(),
  tag: z.string().optional(),
  event_types: NameList,
  /** Started before this instant. */
  before: Instant,
  /** Started after this instant. */
  after: Instant,
  with_content: Flag.default(true),
  expanded_statuses: Flag.default(false),
})

export type AttemptQueryOut = z.infer<typeof AttemptQuery>

/** The store's `ok` for a status number; null when no attempt can have it, because attempts are recorded when they are over. */
export function okOf(status: number | undefined): boolean | undefined | null {
  if (status === undefined) return undefined
  if (status === STATUS.success) return true
  return status === STATUS.fail ? false : null
}

/** The part of a query that the store's filter does not know; undefined when the query has none of it. */
export function attemptPredicate(query: AttemptQueryOut, messageOf: (attempt: Attempt) => Promise<Message | null>) {
  const { status_code_class: codes, channel, tag, event_types: types = [], before, after } = query
  const ofMessage = channel !== undefined || tag !== undefined || types.length > 0
  if (codes === undefined && before === undefined && after === undefined && !ofMessage) return undefined
  return async (attempt: Attempt): Promise<boolean> => {
    if (codes !== undefined && Math.floor(attempt.status / 100) * 100 !== codes) return false
    if (before !== undefined && attempt.startedAt >= before) return false
    if (after !== undefined && attempt.startedAt < after) return false
    if (!ofMessage) return true
    const message = await messageOf(attempt)
    if (message === null) return false
    if (types.length > 0 && !types.includes(message.eventType)) return false
    if (tag !== undefined && !message.tags?.includes(tag)) return false
    return channel === undefined || (message.channels?.includes(channel) ?? false)
  }
}
