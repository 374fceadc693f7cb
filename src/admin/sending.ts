/** What Svix's API has no words for: how an endpoint's deliveries are signed, authenticated and shaped. */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { PROBLEMS } from '../base/problem.ts'
import type { Endpoint } from '../model/webhook.ts'
import { PRIVATE_PREFIX, generatePrivateKey, publicKeyText } from '../signatures/asymmetric.ts'
import { compileFilter } from '../webhooks/filter.ts'
import { answer, jsonBody, onInvalid, ProblemError, problemResponse, secured } from './answers.ts'
import type { AdminDeps } from './deps.ts'
import { SendingOut, SendingPatch, sendingOut } from './sending-schema.ts'

const params = z.object({ consumer: z.string(), endpoint: z.string() })
const path = '/consumers/{consumer}/endpoints/{endpoint}/sending'
const missing = problemResponse('There is no such endpoint.')

const get = createRoute({
  ...secured('getSending', 'endpoints'),
  method: 'get',
  path,
  request: { params },
  responses: { 200: answer(SendingOut, 'How deliveries are made; of secrets only that they are there.'), 404: missing },
})

const patch = createRoute({
  ...secured('patchSending', 'endpoints'),
  method: 'patch',
  path,
  request: { params, body: jsonBody(SendingPatch) },
  responses: {
    200: answer(SendingOut, 'Changed where the body says so; from the next attempt on.'),
    404: missing,
    422: problemResponse('The input is not valid; nothing changed.'),
  },
})

const makeKey = createRoute({
  ...secured('makeSigningKey', 'endpoints'),
  method: 'post',
  path: `${path}/keys`,
  request: { params },
  responses: {
    201: answer(SendingOut, 'Deliveries are signed with an Ed25519 key (`v1a`) beside what signed them before.'),
    404: missing,
    409: problemResponse('It has such a key; rotate it.'),
  },
})

export function sendingRoutes({ store, clock, directoryChanged, egressAllowed }: AdminDeps): OpenAPIHono {
  const routes = new OpenAPIHono({ defaultHook: onInvalid, strict: false })

  async function endpointOf({ consumer, endpoint }: z.infer<typeof params>): Promise<Endpoint> {
    const owner = await store.getConsumer(consumer)
    const found = owner && (await store.getEndpoint(owner.id, endpoint))
    if (found === null) throw new ProblemError(PROBLEMS.notFound)
    return found
  }

  async function save(endpoint: Endpoint) {
    const changed = { ...endpoint, updatedAt: clock.now() }
    await store.putEndpoint(changed)
    await directoryChanged({ endpoints: [changed] })
    return out(changed)
  }

  routes.openapi(get, async (c) => c.json(out(await endpointOf(c.req.valid('param'))), 200))

  routes.openapi(patch, async (c) => {
    const input = c.req.valid('json')
    const endpoint = await endpointOf(c.req.valid('param'))
    const reason = input.auth?.kind === 'oauth2' ? egressAllowed(input.auth.tokenUrl) : null
    if (reason !== null) throw invalid('auth.tokenUrl', reason)
    const filter = compileFilter(input.filter)
    if (typeof filter !== 'function') throw invalid(['filter', ...filter.path].join('.'), filter.message)
    const sending = { ...endpoint.sending, ...input }
    if (sending.headerPrefixes.length === 0 && sending.scheme === null)
      throw invalid('headerPrefixes', 'Deliveries would not be signed at all.')
    return c.json(await save({ ...endpoint, sending }), 200)
  })

  routes.openapi(makeKey, async (c) => {
    const endpoint = await endpointOf(c.req.valid('param'))
    if (endpoint.secrets.some(isPrivate)) throw new ProblemError(PROBLEMS.conflict)
    return c.json(await save({ ...endpoint, secrets: [...endpoint.secrets, generatePrivateKey()] }), 201)
  })

  return routes
}

function out({ sending, secrets, retiring }: Endpoint) {
  const all = [...secrets, ...retiring.map(({ secret }) => secret)]
  return sendingOut(sending, all.filter(isPrivate).map(publicKeyText))
}

const isPrivate = (secret: string): boolean => secret.startsWith(PRIVATE_PREFIX)

const invalid = (place: string, message: string): ProblemError =>
  new ProblemError(PROBLEMS.validation, undefined, { errors: [{ path: `json.${place}`, message }] })
