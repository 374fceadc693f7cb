/**
 * Operational webhooks' endpoints: where the operator hears what happens to consumers' endpoints. They are the endpoints of a consumer
 * that nobody else sees, so that the one engine delivers to them as well.
 */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { type Consumer, type Endpoint, OPERATIONAL_CONSUMER } from '../../model/webhook.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { freshEndpoint, replacedEndpoint } from './endpoint-change.ts'
import { EndpointHeadersOut, headersOut } from './endpoint-headers.ts'
import { EndpointIn, EndpointUpsertIn, Headers } from './endpoint-input.ts'
import { EndpointOut, endpointOut } from './endpoint-out.ts'
import { EndpointSecretOut, EndpointSecretRotateIn, rotated } from './endpoint-secret.ts'
import { Uid } from './fields.ts'
import { listOf, OrderedPageQuery, pageOf } from './page.ts'
import { notFound } from './refusal.ts'
import { operation, svixRouter } from './routes.ts'

const root = '/operational-webhook/endpoint'
const Path = z.object({ endpoint_id: z.string() })

const Out = EndpointOut.omit({ channels: true }).openapi('OperationalWebhookEndpointOut')
const In = EndpointIn.omit({ channels: true }).openapi('OperationalWebhookEndpointIn')
const UpsertIn = EndpointUpsertIn.omit({ channels: true }).openapi('OperationalWebhookEndpointUpsertIn')

const list = operation('v1.operational-webhook.endpoint.list', {
  method: 'get',
  path: root,
  request: { query: OrderedPageQuery },
  responses: { 200: answer(listOf(Out), 'A page of operational webhooks’ endpoints, newest first.') },
})

const create = operation('v1.operational-webhook.endpoint.create', {
  method: 'post',
  path: root,
  request: { body: jsonBody(In) },
  responses: { 201: answer(Out, 'Created; without `secret` one is made.') },
})

const get = operation('v1.operational-webhook.endpoint.get', {
  method: 'get',
  path: `${root}/{endpoint_id}`,
  request: { params: Path },
  responses: { 200: answer(Out, 'The endpoint with this id or uid.') },
})

const update = operation('v1.operational-webhook.endpoint.update', {
  method: 'put',
  path: `${root}/{endpoint_id}`,
  request: { params: Path, body: jsonBody(UpsertIn) },
  responses: {
    200: answer(Out, 'Replaced; secrets and headers stay.'),
    201: answer(Out, 'Created with this uid.'),
  },
})

const remove = operation('v1.operational-webhook.endpoint.delete', {
  method: 'delete',
  path: `${root}/{endpoint_id}`,
  request: { params: Path },
  responses: { 204: { description: 'Deleted; what waited for it is cancelled.' } },
})

const getHeaders = operation('v1.operational-webhook.endpoint.get-headers', {
  method: 'get',
  path: `${root}/{endpoint_id}/headers`,
  request: { params: Path },
  responses: { 200: answer(EndpointHeadersOut, 'The headers; of those with credentials only the names.') },
})

const setHeaders = operation('v1.operational-webhook.endpoint.update-headers', {
  method: 'put',
  path: `${root}/{endpoint_id}/headers`,
  request: { params: Path, body: jsonBody(z.object({ headers: Headers })) },
  responses: { 204: { description: 'Replaced.' } },
})

const getSecret = operation('v1.operational-webhook.endpoint.get-secret', {
  method: 'get',
  path: `${root}/{endpoint_id}/secret`,
  request: { params: Path },
  responses: { 200: answer(EndpointSecretOut, 'The current secret.') },
})

const rotate = operation('v1.operational-webhook.endpoint.rotate-secret', {
  method: 'post',
  path: `${root}/{endpoint_id}/secret/rotate`,
  request: { params: Path, body: jsonBody(EndpointSecretRotateIn) },
  responses: { 204: { description: 'Signed with the new secret, and with the previous one for its grace.' } },
})

export function operationalEndpointRoutes(deps: AdminDeps): OpenAPIHono<AccessEnv> {
  const { store, clock, directoryChanged, egressAllowed } = deps
  const routes = svixRouter()

  async function known(idOrUid: string): Promise<Endpoint> {
    const endpoint = await store.getEndpoint(OPERATIONAL_CONSUMER, idOrUid)
    if (endpoint === null) throw notFound('endpoint')
    return endpoint
  }

  async function save(endpoint: Endpoint) {
    await store.putEndpoint(endpoint)
    await directoryChanged({ endpoints: [endpoint] })
    return endpointOut(endpoint)
  }

  async function make(input: z.infer<typeof In>) {
    const now = clock.now()
    const endpoint = freshEndpoint(OPERATIONAL_CONSUMER, input, now, egressAllowed)
    if ((await store.getConsumer(OPERATIONAL_CONSUMER)) === null) {
      const consumer: Consumer = {
        id: OPERATIONAL_CONSUMER,
        uid: null,
        name: 'Operational webhooks',
        metadata: {},
        ratePerSecondMax: null,
        createdAt: now,
        updatedAt: now,
      }
      await store.putConsumer(consumer)
      await directoryChanged({ consumers: [consumer] })
    }
    return save(endpoint)
  }

  routes.openapi(list, async (c) => {
    const query = c.req.valid('query')
    const page = await pageOf<Endpoint>({
      query,
      order: query.order ?? 'descending',
      id: (endpoint) => endpoint.id,
      fetch: (page) => store.listEndpoints(OPERATIONAL_CONSUMER, page),
    })
    return c.json({ ...page, data: page.data.map(endpointOut) }, 200)
  })

  routes.openapi(create, async (c) => c.json(await make(c.req.valid('json')), 201))

  routes.openapi(get, async (c) => c.json(endpointOut(await known(c.req.valid('param').endpoint_id)), 200))

  routes.openapi(update, async (c) => {
    const input = c.req.valid('json')
    const key = c.req.valid('param').endpoint_id
    const existing = await store.getEndpoint(OPERATIONAL_CONSUMER, key)
    if (existing !== null) {
      return c.json(await save(replacedEndpoint(existing, input, clock.now(), egressAllowed)), 200)
    }
    const uid = input.uid === undefined ? Uid.safeParse(key) : { success: true, data: input.uid }
    if (!uid.success) throw notFound('endpoint')
    return c.json(await make({ ...input, uid: uid.data }), 201)
  })

  routes.openapi(remove, async (c) => {
    const { id } = await known(c.req.valid('param').endpoint_id)
    await store.deleteEndpoint(OPERATIONAL_CONSUMER, id)
    await directoryChanged({ removedEndpoints: [id] })
    return c.body(null, 204)
  })

  routes.openapi(getHeaders, async (c) => {
    return c.json(headersOut(await known(c.req.valid('param').endpoint_id)), 200)
  })

  routes.openapi(setHeaders, async (c) => {
    const endpoint = await known(c.req.valid('param').endpoint_id)
    await save({ ...endpoint, headers: c.req.valid('json').headers, updatedAt: clock.now() })
    return c.body(null, 204)
  })

  routes.openapi(getSecret, async (c) => {
    const { secrets } = await known(c.req.valid('param').endpoint_id)
    return c.json({ key: secrets[0]! }, 200)
  })

  routes.openapi(rotate, async (c) => {
    const endpoint = await known(c.req.valid('param').endpoint_id)
    await save(rotated(endpoint, c.req.valid('json'), clock.now()))
    return c.body(null, 204)
  })

  return routes
}
