/** An endpoint's signing secrets: read the current one, rotate to another. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Endpoint } from '../../model/webhook.ts'
import { PRIVATE_PREFIX, generatePrivateKey } from '../../signatures/asymmetric.ts'
import { SECRET_PREFIX } from '../../signatures/keys.ts'
import { generateSecret, signingSecretProblem } from '../../signatures/standard.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { invalid } from './refusal.ts'
import { EndpointPath, endpointOf, operation, svixRouter } from './routes.ts'

const GRACE_SECONDS = 24 * 3600
const GRACE_SECONDS_MAX = 7 * 24 * 3600
/** Every one of them is another signature in the header. */
const RETIRING_MAX = 10

export const EndpointSecretOut = z.object({ key: z.string() }).openapi('EndpointSecretOut')

const get = operation('v1.endpoint.get-secret', {
  method: 'get',
  path: '/app/{app_id}/endpoint/{endpoint_id}/secret',
  request: { params: EndpointPath },
  responses: { 200: answer(EndpointSecretOut, 'The current secret.') },
})

export const EndpointSecretRotateIn = z
  .object({
    /** Without it one is made. */
    key: z.string().nullish(),
    /** How long the previous secret signs as well. Without it a day; 0 is not at all, nor does any before it. */
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

export function endpointSecretRoutes({ store, clock, directoryChanged }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  routes.openapi(get, async (c) => {
    const { secrets } = await endpointOf(store, c.req.valid('param'))
    return c.json({ key: secrets[0]! }, 200)
  })

  routes.openapi(rotate, async (c) => {
    const endpoint = await endpointOf(store, c.req.valid('param'))
    const changed = rotated(endpoint, c.req.valid('json'), clock.now())
    await store.putEndpoint(changed)
    await directoryChanged({ endpoints: [changed] })
    return c.body(null, 204)
  })

  return routes
}

/**
 * With another current secret of its kind, as the first is unless one is given; those before sign on until their time is over. Throws 422
 * when it is the current one already.
 */
export function rotated(endpoint: Endpoint, input: z.infer<typeof EndpointSecretRotateIn>, now: number): Endpoint {
  const next = input.key == null && isPrivate(endpoint.secrets[0]) ? generatePrivateKey() : secretOf(input.key, 'key')
  const current = endpoint.secrets.filter((secret) => isPrivate(secret) === isPrivate(next))
  if (current.includes(next)) throw invalid('key', 'This is the current secret.')
  const until = now + (input.gracePeriodSeconds ?? GRACE_SECONDS) * 1_000
  // Who gives no grace has a secret in the wrong hands: none that went before signs on.
  const isKept = (secret: string) => input.gracePeriodSeconds !== 0 || isPrivate(secret) !== isPrivate(next)
  const earlier = endpoint.retiring.filter((one) => isKept(one.secret))
  // One that comes back retires no more: it would sign twice.
  const retiring = [...current.map((secret) => ({ secret, until })), ...earlier].filter(
    (one) => one.until > now && one.secret !== next,
  )
  const others = endpoint.secrets.filter((secret) => !current.includes(secret))
  return { ...endpoint, secrets: [next, ...others], retiring: retiring.slice(0, RETIRING_MAX), updatedAt: now }
}

/** The secret somebody gave, with its prefix, or a new one. Throws 422 naming `field` when it cannot sign. */
export function secretOf(given: string | null | undefined, field: string): string {
  if (given == null) return generateSecret()
  const secret = given.startsWith(SECRET_PREFIX) || isPrivate(given) ? given : SECRET_PREFIX + given
  const fault = signingSecretProblem(secret)
  if (fault !== null) throw invalid(field, fault)
  return secret
}

function isPrivate(secret: string | undefined): boolean {
  return secret?.startsWith(PRIVATE_PREFIX) ?? false
}
