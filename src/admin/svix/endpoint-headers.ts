/** An endpoint's own headers, sent with every delivery. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Endpoint } from '../../model/webhook.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { Headers } from './endpoint-input.ts'
import { EndpointPath, endpointOf, operation, svixRouter } from './routes.ts'

/** Fields that carry credentials: their names are shown, their values are not. */
const SENSITIVE = /^(authorization|proxy-authorization|cookie|.*(token|secret|api-?key|password).*)$/i

const path = '/app/{app_id}/endpoint/{endpoint_id}/headers'

export const EndpointHeadersOut = z
  .object({ headers: z.record(z.string(), z.string()), sensitive: z.array(z.string()) })
  .openapi('EndpointHeadersOut')

const get = operation('v1.endpoint.get-headers', {
  method: 'get',
  path,
  request: { params: EndpointPath },
  responses: { 200: answer(EndpointHeadersOut, 'The headers; of those with credentials only the names.') },
})

const update = operation('v1.endpoint.update-headers', {
  method: 'put',
  path,
  request: { params: EndpointPath, body: jsonBody(z.object({ headers: Headers })) },
  responses: { 204: { description: 'Replaced.' } },
})

const patch = operation('v1.endpoint.patch-headers', {
  method: 'patch',
  path,
  request: {
    params: EndpointPath,
    body: jsonBody(z.object({ headers: Headers.default({}), deleteHeaders: z.array(z.string()).optional() })),
  },
  responses: { 204: { description: 'Added, replaced and removed, names in any case.' } },
})

export function endpointHeaderRoutes({ store, clock, directoryChanged }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  async function save(endpoint: Endpoint, headers: Readonly<Record<string, string>>): Promise<void> {
    const changed = { ...endpoint, headers, updatedAt: clock.now() }
    await store.putEndpoint(changed)
    await directoryChanged({ endpoints: [changed] })
  }

  routes.openapi(get, async (c) => {
    return c.json(headersOut(await endpointOf(store, c.req.valid('param'))), 200)
  })

  routes.openapi(update, async (c) => {
    await save(await endpointOf(store, c.req.valid('param')), c.req.valid('json').headers)
    return c.body(null, 204)
  })

  routes.openapi(patch, async (c) => {
    const { headers, deleteHeaders = [] } = c.req.valid('json')
    const endpoint = await endpointOf(store, c.req.valid('param'))
    const gone = new Set([...deleteHeaders, ...Object.keys(headers)].map((name) => name.toLowerCase()))
    const kept = Object.entries(endpoint.headers).filter(([name]) => !gone.has(name.toLowerCase()))
    await save(endpoint, { ...Object.fromEntries(kept), ...headers })
    return c.body(null, 204)
  })

  return routes
}

export function headersOut({ headers }: Endpoint): z.infer<typeof EndpointHeadersOut> {
  const shown = Object.entries(headers).filter(([name]) => !SENSITIVE.test(name))
  const sensitive = Object.keys(headers).filter((name) => SENSITIVE.test(name))
  return { headers: Object.fromEntries(shown), sensitive }
}
