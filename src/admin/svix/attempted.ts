/** Deliveries as Svix shows them: the messages of an endpoint and the endpoints of a message, each with what became of it. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Delivery, Endpoint, Message } from '../../model/webhook.ts'
import { answer, Stamp } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { stamp } from '../stamp.ts'
import { StatusNumber } from './attempt-out.ts'
import { endpointFields, endpointOut } from './endpoint-out.ts'
import { Flag } from './fields.ts'
import { MessageFilterQuery, messageFields, messageFilter, messageOf, messageOut } from './message.ts'
import { listOf, PageQuery, pageOf } from './page.ts'
import { EndpointPath, endpointOf, MessagePath, operation, svixRouter } from './routes.ts'
import { deliveryStatus, statusFields } from './status.ts'

const deliveryFields = { ...statusFields, nextAttempt: Stamp.nullable() }

const EndpointMessageOut = z.object({ ...messageFields, ...deliveryFields }).openapi('EndpointMessageOut')
const MessageEndpointOut = z.object({ ...endpointFields, ...deliveryFields }).openapi('MessageEndpointOut')

const listMessages = operation('v1.message-attempt.list-attempted-messages', {
  method: 'get',
  path: '/app/{app_id}/endpoint/{endpoint_id}/msg',
  request: {
    params: EndpointPath,
    query: PageQuery.extend({
      ...MessageFilterQuery.shape,
      status: StatusNumber,
      expanded_statuses: Flag.default(false),
    }),
  },
  responses: { 200: answer(listOf(EndpointMessageOut), 'A page of messages for one endpoint, newest first.') },
})

const listDestinations = operation('v1.message-attempt.list-attempted-destinations', {
  method: 'get',
  path: '/app/{app_id}/msg/{msg_id}/endpoint',
  request: { params: MessagePath, query: PageQuery.extend({ expanded_statuses: Flag.default(true) }) },
  responses: { 200: answer(listOf(MessageEndpointOut), 'The endpoints of one message, by id.') },
})

export function attemptedRoutes({ store }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  routes.openapi(listMessages, async (c) => {
    const query = c.req.valid('query')
    const endpoint = await endpointOf(store, c.req.valid('param'))
    const filter = messageFilter(endpoint.consumerId, query)
    const deliveries = new Map<string, Delivery>()
    const page = await pageOf<Message>({
      query,
      order: 'descending',
      id: (message) => message.id,
      fetch: (page) => store.listMessages({ ...filter, ...page }),
      // The store keeps deliveries by message, so an endpoint's are found message by message.
      keep: async (message) => {
        const delivery = (await store.listDeliveries(message.id)).find(({ endpointId }) => endpointId === endpoint.id)
        if (delivery === undefined) return false
        const { status } = deliveryStatus(delivery.state, query.expanded_statuses)
        if (query.status !== undefined && query.status !== status) return false
        deliveries.set(message.id, delivery)
        return true
      },
    })
    const data = page.data.map((message) => ({
      ...messageOut(message, query.with_content),
      ...deliveryOut(deliveries.get(message.id)!, query.expanded_statuses),
    }))
    return c.json({ ...page, data }, 200)
  })

  routes.openapi(listDestinations, async (c) => {
    const query = c.req.valid('query')
    const message = await messageOf(store, c.req.valid('param'))
    const found: [Endpoint, Delivery][] = []
    for (const delivery of await store.listDeliveries(message.id)) {
      const endpoint = await store.getEndpoint(message.consumerId!, delivery.endpointId)
      if (endpoint !== null) found.push([endpoint, delivery])
    }
    found.sort(([a], [b]) => (a.id < b.id ? 1 : -1))
    const page = await pageOf<[Endpoint, Delivery]>({
      query,
      order: 'ascending',
      id: ([endpoint]) => endpoint.id,
      fetch: async (page) => slice(found, page),
    })
    const data = page.data.map(([endpoint, delivery]) => ({
      ...endpointOut(endpoint),
      ...deliveryOut(delivery, query.expanded_statuses),
    }))
    return c.json({ ...page, data }, 200)
  })

  return routes
}

function deliveryOut(delivery: Delivery, expanded: boolean) {
  const nextAttempt = delivery.state === 'pending' && delivery.nextAt !== null ? stamp(delivery.nextAt) : null
  return { ...deliveryStatus(delivery.state, expanded), nextAttempt }
}

/** A store's page of a list that is in memory, newest first. */
function slice(
  newestFirst: readonly [Endpoint, Delivery][],
  page: { limit: number; after?: string | undefined; before?: string | undefined },
) {
  const { after, before } = page
  if (before !== undefined) return newestFirst.filter(([{ id }]) => id > before).slice(-page.limit)
  return newestFirst.filter(([{ id }]) => after === undefined || id < after).slice(0, page.limit)
}
