/** An endpoint's transformation: JavaScript that makes another request of a message before it is sent there. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { answer, jsonBody, Stamp } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { stamp } from '../stamp.ts'
import { invalid } from './refusal.ts'
import { EndpointPath, endpointOf, operation, svixRouter } from './routes.ts'

const CODE_CHARS_MAX = 51_200
const VARIABLES_BYTES_MAX = 16_384
const path = '/app/{app_id}/endpoint/{endpoint_id}/transformation'

const Variables = z
  .record(z.string(), z.string())
  .refine((variables) => Buffer.byteLength(JSON.stringify(variables)) <= VARIABLES_BYTES_MAX, {
    message: `Variables are at most ${VARIABLES_BYTES_MAX} bytes of JSON.`,
  })

const EndpointTransformationOut = z
  .object({
    code: z.string().nullable(),
    enabled: z.boolean(),
    variables: z.record(z.string(), z.string()).nullable(),
    updatedAt: Stamp.nullable(),
  })
  .openapi('EndpointTransformationOut')

const EndpointTransformationPatch = z
  .object({
    /** Null takes it away. */
    code: z.string().min(1).max(CODE_CHARS_MAX).nullish(),
    enabled: z.boolean().optional(),
    variables: Variables.nullish(),
  })
  .openapi('EndpointTransformationPatch')

const get = operation('v1.endpoint.transformation-get', {
  method: 'get',
  path,
  request: { params: EndpointPath },
  responses: { 200: answer(EndpointTransformationOut, 'The code, null when there is none.') },
})

const patch = operation('v1.endpoint.patch-transformation', {
  method: 'patch',
  path,
  request: { params: EndpointPath, body: jsonBody(EndpointTransformationPatch) },
  responses: { 204: { description: 'Changed where the body says so.' } },
})

export function transformationRoutes({ store, clock, directoryChanged }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  routes.openapi(get, async (c) => {
    const { transformation } = await endpointOf(store, c.req.valid('param'))
    if (transformation === null) return c.json({ code: null, enabled: false, variables: null, updatedAt: null }, 200)
    return c.json({ ...transformation, updatedAt: stamp(transformation.updatedAt) }, 200)
  })

  routes.openapi(patch, async (c) => {
    const input = c.req.valid('json')
    const endpoint = await endpointOf(store, c.req.valid('param'))
    const before = endpoint.transformation
    const code = input.code === undefined ? (before?.code ?? null) : input.code
    if (code === null && input.enabled === true) throw invalid('code', 'There is no code to enable.')
    const updatedAt = clock.now()
    const transformation =
      code === null
        ? null
        : {
            code,
            enabled: input.enabled ?? before?.enabled ?? false,
            variables: input.variables === undefined ? (before?.variables ?? {}) : (input.variables ?? {}),
            updatedAt,
          }
    const changed = { ...endpoint, transformation, updatedAt }
    await store.putEndpoint(changed)
    await directoryChanged({ endpoints: [changed] })
    return c.body(null, 204)
  })

  return routes
}
