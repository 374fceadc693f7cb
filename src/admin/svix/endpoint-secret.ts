/** An endpoint's signing secrets: read the current one, rotate to another. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { SECRET_PREFIX } from '../../signatures/keys.ts'
import { generateSecret, signingSecretProblem } from '../../signatures/standard.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import { invalid } from './refusal.ts'
import { EndpointPath, endpointOf, operation, svixRouter } from './routes.ts'

const GRACE_SECONDS_MAX = 7 * 24 * 3600

const get = operation('v1.endpoint.get-secret', {
  method: 'get',
  path: '/app/{app_id}/endpoint/{endpoint_id}/secret',
  request: { params: EndpointPath },
  responses: { 200: answer(z.object({ key: z.string() }).openapi('EndpointSecretOut'), 'The current secret.') },
})

const EndpointSecretRotateIn = z
  .object({
    /** Without it one is made. */
    key: z.string().nullish(),
    /** 0 retires the previous secret at once. Any other value keeps it until the next rotation: expiry is not timed yet. */
    gracePeriodSeconds: z.number().int().min(0).max(GRACE_SECONDS_MAX).nullish(),
  })
  .openapi('EndpointSecretRotateIn')

const rotate = operation('v1.endpoint.rotate-secret', {
  method: 'post',
  path: '/app/{app_id}/endpoint/{endpoint_id}/secret/rotate',
  request: { params: EndpointPath, body: jsonBody(EndpointSecretRotateIn) },
  responses: {
    204: { description: 'Deliveries are signed with the new secret, and with the previous one beside it.' },
  },
})

export function endpointSecretRoutes({ store, clock, directoryChanged }: AdminDeps): OpenAPIHono {
  const routes = svixRouter()

  routes.openapi(get, async (c) => {
    const { secrets } = await endpointOf(store, c.req.valid('param'))
    return c.json({ key: secrets[0]! }, 200)
  })

  routes.openapi(rotate, async (c) => {
    const input = c.req.valid('json')
    const endpoint = await endpointOf(store, c.req.valid('param'))
    const current = endpoint.secrets[0]!
    const next = secretOf(input.key, 'key')
    // The same secret again would sign twice and push out the previous one.
    if (next === current) throw invalid('key', 'This is the current secret.')
    const secrets = input.gracePeriodSeconds === 0 ? [next] : [next, current]
    const changed = { ...endpoint, secrets, updatedAt: clock.now() }
    await store.putEndpoint(changed)
    await directoryChanged({ endpoints: [changed] })
    return c.body(null, 204)
  })

  return routes
}

/** The secret somebody gave, with its prefix, or a new one. Throws 422 naming `field` when it cannot sign. */
export function secretOf(given: string | null | undefined, field: string): string {
  if (given == null) return generateSecret()
  const secret = given.startsWith(SECRET_PREFIX) ? given : SECRET_PREFIX + given
  const fault = signingSecretProblem(secret)
  if (fault !== null) throw invalid(field, fault)
  return secret
}
