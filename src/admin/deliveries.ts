/** What was received and sent, across all consumers and sources: messages, deliveries, attempts, and replaying one. */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { PROBLEMS } from '../base/problem.ts'
import type { Attempt, Delivery, Message } from '../model/webhook.ts'
import { answer, jsonBody, onInvalid, ProblemError, problemResponse, Stamp, secured } from './answers.ts'
import type { AdminDeps } from './deps.ts'
import { stamp } from './stamp.ts'
import { listOf, PageQuery, pageOf } from './svix/page.ts'

const MessageSummary = z
  .object({
    id: z.string(),
    consumerId: z.string().nullable(),
    origin: z.string().nullable(),
    eventType: z.string(),
    eventId: z.string().nullable(),
    bytes: z.number().int(),
    createdAt: Stamp,
  })
  .openapi('MessageSummary')

const DeliveryOut = z
  .object({
    id: z.string(),
    messageId: z.string(),
    endpointId: z.string(),
    state: z.enum(['pending', 'delivering', 'delivered', 'exhausted', 'cancelled', 'held']),
    attempts: z.number().int(),
    nextAt: Stamp.nullable(),
  })
  .openapi('Delivery')

const AttemptOut = z
  .object({
    id: z.string(),
    deliveryId: z.string(),
    messageId: z.string(),
    endpointId: z.string(),
    url: z.string(),
    /** 0 when there was no answer. */
    status: z.number().int(),
    ok: z.boolean(),
    failure: z.string().nullable(),
    latencyMs: z.number(),
    trigger: z.enum(['scheduled', 'manual']),
    startedAt: Stamp,
  })
  .openapi('Attempt')

export const StatsOut = z
  .object({ messages: z.number(), deliveries: z.record(z.string(), z.number()), bytes: z.number() })
  .openapi('Stats')

export const MessagesOut = listOf(MessageSummary)
export const AttemptsOut = listOf(AttemptOut)
export const DeliveriesOut = z.object({ data: z.array(DeliveryOut) })
const ReplayIn = z.object({ messageId: z.string(), endpointId: z.string() }).openapi('ReplayIn')

const listMessages = createRoute({
  ...secured('listMessages', 'deliveries'),
  method: 'get',
  path: '/messages',
  request: {
    query: PageQuery.extend({
      /** `source:stripe`, `route:orders-import` */
      origin: z.string().optional(),
      consumer: z.string().optional(),
    }),
  },
  responses: { 200: answer(MessagesOut, 'A page of messages, newest first.') },
})

const listDeliveries = createRoute({
  ...secured('listDeliveries', 'deliveries'),
  method: 'get',
  path: '/deliveries',
  request: { query: z.object({ message: z.string() }) },
  responses: { 200: answer(DeliveriesOut, 'The deliveries of one message.') },
})

const listAttempts = createRoute({
  ...secured('listAttempts', 'deliveries'),
  method: 'get',
  path: '/attempts',
  request: { query: PageQuery.extend({ message: z.string().optional(), endpoint: z.string().optional() }) },
  responses: { 200: answer(AttemptsOut, 'A page of attempts, newest first.') },
})

const replay = createRoute({
  ...secured('replayDelivery', 'deliveries'),
  method: 'post',
  path: '/deliveries/replay',
  request: { body: jsonBody(ReplayIn) },
  responses: {
    202: answer(z.object({}), 'The delivery is due now.'),
    404: problemResponse('There is no such delivery.'),
    409: problemResponse('An attempt of it is in flight.'),
  },
})

const getStats = createRoute({
  ...secured('getStats', 'deliveries'),
  method: 'get',
  path: '/stats',
  responses: { 200: answer(StatsOut, 'What the store holds: messages, deliveries by state, bytes on disk.') },
})

export function deliveryRoutes({ store, clock, wake }: AdminDeps): OpenAPIHono {
  const routes = new OpenAPIHono({ defaultHook: onInvalid, strict: false })

  routes.openapi(listMessages, async (c) => {
    const query = c.req.valid('query')
    const page = await pageOf<Message>({
      query,
      order: 'descending',
      id: (message) => message.id,
      fetch: (page) => store.listMessages({ ...page, origin: query.origin, consumerId: query.consumer }),
    })
    return c.json({ ...page, data: page.data.map(messageSummary) }, 200)
  })

  routes.openapi(listDeliveries, async (c) => {
    const deliveries = await store.listDeliveries(c.req.valid('query').message)
    return c.json({ data: deliveries.map(deliveryOut) }, 200)
  })

  routes.openapi(listAttempts, async (c) => {
    const query = c.req.valid('query')
    const page = await pageOf<Attempt>({
      query,
      order: 'descending',
      id: (attempt) => attempt.id,
      fetch: (page) => store.listAttempts({ ...page, messageId: query.message, endpointId: query.endpoint }),
    })
    return c.json({ ...page, data: page.data.map(attemptOut) }, 200)
  })

  routes.openapi(replay, async (c) => {
    const { messageId, endpointId } = c.req.valid('json')
    if (!(await store.requeue(messageId, endpointId, clock.now()))) {
      const deliveries = await store.listDeliveries(messageId)
      const exists = deliveries.some((delivery) => delivery.endpointId === endpointId)
      throw new ProblemError(exists ? PROBLEMS.conflict : PROBLEMS.notFound)
    }
    wake()
    return c.json({}, 202)
  })

  routes.openapi(getStats, async (c) => c.json(await store.stats(), 200))

  return routes
}

function messageSummary(message: Message): z.infer<typeof MessageSummary> {
  const { id, consumerId, origin, eventType, eventId, payload, createdAt } = message
  return { id, consumerId, origin, eventType, eventId, bytes: payload.byteLength, createdAt: stamp(createdAt) }
}

/** Without the answer's body: that is the webhook API's to show. */
function attemptOut(attempt: Attempt): z.infer<typeof AttemptOut> {
  return {
    id: attempt.id,
    deliveryId: attempt.deliveryId,
    messageId: attempt.messageId,
    endpointId: attempt.endpointId,
    url: attempt.url,
    status: attempt.status,
    ok: attempt.ok,
    failure: attempt.failure,
    latencyMs: attempt.latencyMs,
    trigger: attempt.trigger,
    startedAt: stamp(attempt.startedAt),
  }
}

function deliveryOut(delivery: Delivery): z.infer<typeof DeliveryOut> {
  const { id, messageId, endpointId, state, attempts, nextAt } = delivery
  return { id, messageId, endpointId, state, attempts, nextAt: nextAt === null ? null : stamp(nextAt) }
}
