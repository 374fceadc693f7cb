/** Attempts: every HTTP try of a delivery, by message and by endpoint, and making one more by hand. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Attempt, Message } from '../../model/webhook.ts'
import type { AttemptFilter, Store } from '../../store/port.ts'
import { answer } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { AttemptOut, AttemptQuery, type AttemptQueryOut, attemptOut, attemptPredicate, okOf } from './attempt-out.ts'
import { Flag } from './fields.ts'
import { messageOf, messageOut } from './message.ts'
import { listOf, pageOf } from './page.ts'
import { conflict, notFound } from './refusal.ts'
import { EndpointPath, endpointOf, MessagePath, operation, svixRouter } from './routes.ts'

const listByMessage = operation('v1.message-attempt.list-by-msg', {
  method: 'get',
  path: '/app/{app_id}/attempt/msg/{msg_id}',
  request: { params: MessagePath, query: AttemptQuery.extend({ endpoint_id: z.string().optional() }) },
  responses: { 200: answer(listOf(AttemptOut), 'A page of attempts of one message, newest first.') },
})

const listByEndpoint = operation('v1.message-attempt.list-by-endpoint', {
  method: 'get',
  path: '/app/{app_id}/attempt/endpoint/{endpoint_id}',
  request: { params: EndpointPath, query: AttemptQuery.extend({ with_msg: Flag.default(false) }) },
  responses: { 200: answer(listOf(AttemptOut), 'A page of attempts to one endpoint, newest first.') },
})

const get = operation('v1.message-attempt.get', {
  method: 'get',
  path: '/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}',
  request: { params: MessagePath.extend({ attempt_id: z.string() }) },
  responses: { 200: answer(AttemptOut, 'The attempt.') },
})

const resend = operation('v1.message-attempt.resend', {
  method: 'post',
  path: '/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/resend',
  request: { params: MessagePath.extend({ endpoint_id: z.string() }) },
  responses: { 202: answer(z.object({}), 'An attempt is made now.') },
})

export function attemptRoutes({ store, resend: attemptNow }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  routes.openapi(listByMessage, async (c) => {
    const path = c.req.valid('param')
    const query = c.req.valid('query')
    const message = await messageOf(store, path)
    const endpoint =
      query.endpoint_id === undefined
        ? undefined
        : await endpointOf(store, { app_id: path.app_id, endpoint_id: query.endpoint_id })
    const filter = { messageId: message.id, endpointId: endpoint?.id }
    const page = await attemptPage(store, query, filter, async () => message)
    return c.json({ ...page, data: page.data.map((attempt) => attemptOut(attempt, query.with_content)) }, 200)
  })

  routes.openapi(listByEndpoint, async (c) => {
    const query = c.req.valid('query')
    const endpoint = await endpointOf(store, c.req.valid('param'))
    const lookUp = messagesOnce(store, endpoint.consumerId)
    const page = await attemptPage(store, query, { endpointId: endpoint.id }, lookUp)
    const data = await Promise.all(
      page.data.map(async (attempt) => {
        const message = query.with_msg ? await lookUp(attempt) : null
        const shown = attemptOut(attempt, query.with_content)
        return message === null ? shown : { ...shown, msg: messageOut(message, false) }
      }),
    )
    return c.json({ ...page, data }, 200)
  })

  routes.openapi(get, async (c) => {
    const path = c.req.valid('param')
    const message = await messageOf(store, path)
    const attempt = await store.getAttempt(path.attempt_id)
    if (attempt === null || attempt.messageId !== message.id) throw notFound('attempt')
    return c.json(attemptOut(attempt, true), 200)
  })

  routes.openapi(resend, async (c) => {
    const path = c.req.valid('param')
    const [message, endpoint] = [await messageOf(store, path), await endpointOf(store, path)]
    if (message.expunged) throw conflict('The payload of this message is gone.')
    if (!(await attemptNow(message.id, endpoint.id))) {
      const deliveries = await store.listDeliveries(message.id)
      if (!deliveries.some((delivery) => delivery.endpointId === endpoint.id)) throw notFound('delivery')
      throw conflict('An attempt of this delivery is in flight.')
    }
    return c.json({}, 202)
  })

  return routes
}

async function attemptPage(
  store: Store,
  query: AttemptQueryOut,
  filter: Pick<AttemptFilter, 'messageId' | 'endpointId'>,
  lookUp: (attempt: Attempt) => Promise<Message | null>,
) {
  const ok = okOf(query.status)
  if (ok === null) return { data: [], iterator: null, prevIterator: null, done: true }
  const keep = attemptPredicate(query, lookUp)
  return pageOf<Attempt>({
    query,
    order: 'descending',
    id: (attempt) => attempt.id,
    fetch: (page) => store.listAttempts({ ...filter, ...page, ok }),
    ...(keep === undefined ? {} : { keep }),
  })
}

/** Reads each message once however many attempts of it a page has. */
function messagesOnce(store: Store, consumerId: string): (attempt: Attempt) => Promise<Message | null> {
  const read = new Map<string, Promise<Message | null>>()
  return ({ messageId }) => {
    const known = read.get(messageId) ?? store.getMessage(consumerId, messageId)
    read.set(messageId, known)
    return known
  }
}
