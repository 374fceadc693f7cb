/** Endpoints: where a consumer is called, and what it wants to hear. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Endpoint } from '../../model/webhook.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { freshEndpoint, patchedEndpoint, replacedEndpoint } from './endpoint-change.ts'
import { EndpointIn, EndpointPatch, EndpointUpsertIn } from './endpoint-input.ts'
import { EndpointOut, endpointOut } from './endpoint-out.ts'
import { Uid } from './fields.ts'
import { listOf, OrderedPageQuery, pageOf } from './page.ts'
import { notFound } from './refusal.ts'
import { AppPath, consumerOf, EndpointPath, endpointOf, operation, svixRouter } from './routes.ts'

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

export function endpointRoutes({ store, clock, directoryChanged, egressAllowed }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  async function save(endpoint: Endpoint) {
    await store.putEndpoint(endpoint)
    await directoryChanged({ endpoints: [endpoint] })
    return endpointOut(endpoint)
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
    const endpoint = freshEndpoint(consumer.id, c.req.valid('json'), clock.now(), egressAllowed)
    return c.json(await save(endpoint), 201)
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
      const endpoint = freshEndpoint(consumer.id, { ...input, uid: uid.data }, clock.now(), egressAllowed)
      return c.json(await save(endpoint), 201)
    }
    return c.json(await save(replacedEndpoint(existing, input, clock.now(), egressAllowed)), 200)
  })

  routes.openapi(patch, async (c) => {
    const existing = await endpointOf(store, c.req.valid('param'))
    return c.json(await save(patchedEndpoint(existing, c.req.valid('json'), clock.now(), egressAllowed)), 200)
  })

  routes.openapi(remove, async (c) => {
    const endpoint = await endpointOf(store, c.req.valid('param'))
    await store.deleteEndpoint(endpoint.consumerId, endpoint.id)
    await directoryChanged({ removedEndpoints: [endpoint.id] })
    return c.body(null, 204)
  })

  return routes
}
