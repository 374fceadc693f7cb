/** Sending many messages to an endpoint once more, each as a task; and what became of those that were sent. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { DeliveryState } from '../../model/webhook.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { StartedTaskOut, startedTask } from './background-task.ts'
import { BodyInstant, EventTypes, Instant } from './fields.ts'
import { conflict, invalid } from './refusal.ts'
import { EndpointPath, endpointOf, operation, svixRouter } from './routes.ts'
import { statesOf } from './status.ts'

const path = '/app/{app_id}/endpoint/{endpoint_id}'

/** Messages created from `since` on, and before `until`. */
const Window = { since: BodyInstant, until: BodyInstant.nullish() }
const RecoverIn = z.object(Window).openapi('RecoverIn')
const ReplayIn = z.object(Window).openapi('ReplayIn')
const BulkReplayIn = z
  .object({
    ...Window,
    eventTypes: EventTypes.nullish(),
    channel: z.string().nullish(),
    tag: z.string().nullish(),
    /** 0 success, 1 pending, 2 fail, 3 sending, 4 canceled; without it those that are over. */
    status: z.number().int().min(0).max(4).nullish(),
    /** Of the last attempt: 0 no answer, 100, 200 … 500 */
    statusCodeClass: z.number().int().multipleOf(100).min(0).max(500).nullish(),
  })
  .openapi('BulkReplayIn')

const started = { 202: answer(StartedTaskOut, 'Started: the background task tells how far it has come.') }

const recover = operation('v1.endpoint.recover', {
  method: 'post',
  path: `${path}/recover`,
  request: { params: EndpointPath, body: jsonBody(RecoverIn) },
  responses: started,
})

const replayMissing = operation('v1.endpoint.replay-missing', {
  method: 'post',
  path: `${path}/replay-missing`,
  request: { params: EndpointPath, body: jsonBody(ReplayIn) },
  responses: started,
})

const bulkReplay = operation('v1.endpoint.bulk-replay', {
  method: 'post',
  path: `${path}/bulk-replay`,
  request: { params: EndpointPath, body: jsonBody(BulkReplayIn) },
  responses: started,
})

const Count = z.number().int()

const stats = operation('v1.endpoint.get-stats', {
  method: 'get',
  path: `${path}/stats`,
  request: { params: EndpointPath, query: z.object({ since: Instant, until: Instant }) },
  responses: {
    200: answer(
      z
        .object({ success: Count, pending: Count, sending: Count, fail: Count, canceled: Count })
        .openapi('EndpointStats'),
      'How many of the messages created within that time stand how.',
    ),
  },
})

export function endpointReplayRoutes({ store, clock, startTask }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  /** What a body says of the time, and where to: the part that every such work has. */
  async function target(param: { app_id: string; endpoint_id: string }, input: z.infer<typeof RecoverIn>) {
    const { id, consumerId, disabled } = await endpointOf(store, param)
    if (disabled) throw conflict('The endpoint is disabled: enable it first.')
    // What is published from now on is sent anyway.
    const until = Math.min(input.until ?? Number.POSITIVE_INFINITY, clock.now())
    if (input.until != null && input.until <= input.since) throw invalid('until', 'It must be after `since`.')
    return { consumerId, endpointId: id, from: input.since, until: Math.max(until, input.since) }
  }

  routes.openapi(recover, async (c) => {
    const to = await target(c.req.valid('param'), c.req.valid('json'))
    return c.json(startedTask(await startTask({ kind: 'recover', ...to })), 202)
  })

  routes.openapi(replayMissing, async (c) => {
    const to = await target(c.req.valid('param'), c.req.valid('json'))
    return c.json(startedTask(await startTask({ kind: 'replay-missing', ...to })), 202)
  })

  routes.openapi(bulkReplay, async (c) => {
    const input = c.req.valid('json')
    const to = await target(c.req.valid('param'), input)
    const states: readonly DeliveryState[] | null = input.status == null ? null : statesOf(input.status)
    const { eventTypes = null, channel = null, tag = null, statusCodeClass: statusClass = null } = input
    return c.json(
      startedTask(await startTask({ kind: 'replay', ...to, eventTypes, channel, tag, states, statusClass })),
      202,
    )
  })

  routes.openapi(stats, async (c) => {
    const endpoint = await endpointOf(store, c.req.valid('param'))
    const { since = 0, until = clock.now() + 1 } = c.req.valid('query')
    const count = await store.countDeliveries(endpoint.consumerId, endpoint.id, since, until)
    const shown = {
      success: count.delivered,
      pending: count.pending,
      sending: count.delivering,
      fail: count.exhausted + count.held,
      canceled: count.cancelled,
    }
    return c.json(shown, 200)
  })

  return routes
}
