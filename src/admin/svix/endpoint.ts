/** Endpoints: where a consumer is called, and what it wants to hear. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { newId } from '../../base/ids.ts'
import type { Consumer, Endpoint } from '../../model/webhook.ts'
import { answer, jsonBody, Stamp } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import { stamp } from '../stamp.ts'
import { checkUrl, EndpointIn, EndpointPatch, EndpointUpsertIn, subscription } from './endpoint-input.ts'
import { secretOf } from './endpoint-secret.ts'
import { Uid } from './fields.ts'
import { listOf, OrderedPageQuery, pageOf } from './page.ts'
import { notFound } from './refusal.ts'
import { AppPath, consumerOf, EndpointPath, endpointOf, operation, svixRouter } from './routes.ts'

export const endpointFields = {
  id: z.string(),
  uid: z.string().nullable(),
  url: z.string(),
  description: z.string(),
  disabled: z.boolean(),
  eventTypes: z.array(z.string()).nullable(),
  /** The same under its name in 1.x. */
  filterTypes: z.array(z.string()).nullable(),
  channels: z.array(z.string()).nullable(),
  /** Throttling is not offered yet: a rate that is sent is not kept. */
  throttleRate: z.null(),
  /** For 1.x. */
  version: z.literal(1),
  createdAt: Stamp,
  updatedAt: Stamp,
}

const EndpointOut = z.object({ ...endpointFields, metadata: z.record(z.string(), z.string()) }).openapi('EndpointOut')

export function endpointOut(endpoint: Endpoint): z.infer<typeof EndpointOut> {
  const eventTypes = endpoint.eventTypes && [...endpoint.eventTypes]
  return {
    id: endpoint.id,
    uid: endpoint.uid,
    url: endpoint.url,
    description: endpoint.description,
    disabled: endpoint.disabled,
    eventTypes,
    filterTypes: eventTypes,
    channels: endpoint.channels && [...endpoint.channels],
    throttleRate: null,
    version: 1,
    metadata: endpoint.metadata,
    createdAt: stamp(endpoint.createdAt),
    updatedAt: stamp(endpoint.updatedAt),
  }
}

const list = operation('v1.endpoint.list', {
  method: 'get',
  path: '/app/{app_id}/endpoint',
  request: { params: AppPath, query: OrderedPageQuery },
  responses: { 200: answer(listOf(EndpointOut), 'A page of endpoints, newest first.') },
})

const create = operation('v1.endpoint.create', {
  method: 'post',
  path: '/app/{app_id}/endpoint',
  request: { params: AppPath, body: jsonBody(EndpointIn) },
  responses: { 201: answer(EndpointOut, 'Created; without `secret` one is made.') },
})

const get = operation('v1.endpoint.get', {
  method: 'get',
  path: '/app/{app_id}/endpoint/{endpoint_id}',
  request: { params: EndpointPath },
  responses: { 200: answer(EndpointOut, 'The endpoint with this id or uid.') },
})

const update = operation('v1.endpoint.update', {
  method: 'put',
  path: '/app/{app_id}/endpoint/{endpoint_id}',
  request: { params: EndpointPath, body: jsonBody(EndpointUpsertIn) },
  responses: {
    200: answer(EndpointOut, 'Replaced; secrets and headers stay.'),
    201: answer(EndpointOut, 'Created with this uid.'),
  },
})

const patch = operation('v1.endpoint.patch', {
  method: 'patch',
  path: '/app/{app_id}/endpoint/{endpoint_id}',
  request: { params: EndpointPath, body: jsonBody(EndpointPatch) },
  responses: { 200: answer(EndpointOut, 'Changed where the body says so.') },
})

const remove = operation('v1.endpoint.delete', {
  method: 'delete',
  path: '/app/{app_id}/endpoint/{endpoint_id}',
  request: { params: EndpointPath },
  responses: { 204: { description: 'Deleted; what waited for it is cancelled.' } },
})

export function endpointRoutes({ store, clock, directoryChanged, egressAllowed }: AdminDeps): OpenAPIHono {
  const routes = svixRouter()

  async function save(endpoint: Endpoint) {
    await store.putEndpoint(endpoint)
    await directoryChanged({ endpoints: [endpoint] })
    return endpointOut(endpoint)
  }

  function fresh(consumer: Consumer, input: z.infer<typeof EndpointIn>): Endpoint {
    checkUrl(input.url, egressAllowed)
    const now = clock.now()
    return {
      id: newId('ep_', now),
      consumerId: consumer.id,
      uid: input.uid ?? null,
      headers: input.headers ?? {},
      secrets: [secretOf(input.secret, 'secret')],
      createdAt: now,
      ...replaceable(input, now),
    }
  }

  routes.openapi(list, async (c) => {
    const query = c.req.valid('query')
    const consumer = await consumerOf(store, c.req.valid('param').app_id)
    const page = await pageOf<Endpoint>({
      query,
      order: query.order ?? 'descending',
      id: (endpoint) => endpoint.id,
      fetch: (page) => store.listEndpoints(consumer.id, page),
    })
    return c.json({ ...page, data: page.data.map(endpointOut) }, 200)
  })

  routes.openapi(create, async (c) => {
    const consumer = await consumerOf(store, c.req.valid('param').app_id)
    return c.json(await save(fresh(consumer, c.req.valid('json'))), 201)
  })

  routes.openapi(get, async (c) => c.json(endpointOut(await endpointOf(store, c.req.valid('param'))), 200))

  routes.openapi(update, async (c) => {
    const input = c.req.valid('json')
    const { app_id, endpoint_id } = c.req.valid('param')
    const consumer = await consumerOf(store, app_id)
    const existing = await store.getEndpoint(consumer.id, endpoint_id)
    if (existing === null) {
      const uid = input.uid === undefined ? Uid.safeParse(endpoint_id) : { success: true, data: input.uid }
      // An id of ours that is gone cannot be created again.
      if (!uid.success) throw notFound('endpoint')
      return c.json(await save(fresh(consumer, { ...input, uid: uid.data })), 201)
    }
    checkUrl(input.url, egressAllowed)
    const { uid = existing.uid } = input
    return c.json(await save({ ...existing, uid, ...replaceable(input, clock.now()) }), 200)
  })

  routes.openapi(patch, async (c) => {
    const input = c.req.valid('json')
    const existing = await endpointOf(store, c.req.valid('param'))
    if (input.url !== undefined) checkUrl(input.url, egressAllowed)
    const changed: Endpoint = {
      ...existing,
      url: input.url ?? existing.url,
      uid: input.uid === undefined ? existing.uid : input.uid,
      description: input.description ?? existing.description,
      disabled: input.disabled ?? existing.disabled,
      eventTypes: subscription(input) === undefined ? existing.eventTypes : (subscription(input) ?? null),
      channels: input.channels === undefined ? existing.channels : input.channels,
      metadata: input.metadata ?? existing.metadata,
      updatedAt: clock.now(),
    }
    return c.json(await save(changed), 200)
  })

  routes.openapi(remove, async (c) => {
    const endpoint = await endpointOf(store, c.req.valid('param'))
    await store.deleteEndpoint(endpoint.consumerId, endpoint.id)
    await directoryChanged({ removedEndpoints: [endpoint.id] })
    return c.body(null, 204)
  })

  return routes
}

/** What a replacement sets, absent fields to their defaults. */
function replaceable(input: z.infer<typeof EndpointUpsertIn>, now: number) {
  return {
    url: input.url,
    description: input.description ?? '',
    disabled: input.disabled ?? false,
    eventTypes: subscription(input) ?? null,
    channels: input.channels ?? null,
    metadata: input.metadata ?? {},
    updatedAt: now,
  }
}
