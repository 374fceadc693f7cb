/** Tokens for applications' owners: made with a link to their page, ended one by one, by session or all together. */
import { randomBytes } from 'node:crypto'
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { CAPABILITIES, type Capability } from '../../model/access.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import { type AccessEnv, digestOfToken } from './access.ts'
import { ApplicationIn, freshConsumer } from './application-shapes.ts'
import { Uid } from './fields.ts'
import { notFound, Refusal } from './refusal.ts'
import { AppPath, consumerOf, operation, svixRouter } from './routes.ts'

const EXPIRY_SECONDS = { min: 3_600, max: 7 * 24 * 3_600 }

const NAMES = {
  ViewBase: 'view',
  ViewEndpointSecret: 'view-secrets',
  ManageEndpointSecret: 'manage-secrets',
  ManageTransformations: 'manage-transformations',
  CreateAttempts: 'create-attempts',
  ManageEndpoint: 'manage-endpoints',
} as const satisfies Record<string, Capability>

const CapabilityName = z.enum(keysOf(NAMES))

const AppPortalAccessIn = z
  .object({
    /** Made when there is none with the id or uid of the path. */
    application: ApplicationIn.nullish(),
    readOnly: z.boolean().nullish(),
    /** Without them all. */
    capabilities: z.array(CapabilityName).nullish(),
    /** Taken and not needed: every event type is shown. */
    featureFlags: z.array(z.string()).optional(),
    /** Seconds. */
    expiry: z.number().int().min(EXPIRY_SECONDS.min).max(EXPIRY_SECONDS.max).nullish(),
    sessionId: z.string().min(1).max(256).nullish(),
  })
  .openapi('AppPortalAccessIn')

const AppPortalAccessOut = z.object({ url: z.string(), token: z.string() }).openapi('AppPortalAccessOut')

const portalAccess = operation('v1.authentication.app-portal-access', {
  method: 'post',
  path: '/auth/app-portal-access/{app_id}',
  request: { params: AppPath, body: jsonBody(AppPortalAccessIn) },
  responses: { 200: answer(AppPortalAccessOut, 'A token, shown once, and a link that carries it.') },
})

/** For 1.x. */
const dashboardAccess = operation('v1.authentication.dashboard-access', {
  method: 'post',
  path: '/auth/dashboard-access/{app_id}',
  request: { params: AppPath },
  responses: { 200: answer(AppPortalAccessOut, 'A token that may do everything for its application.') },
})

const expireAll = operation('v1.authentication.expire-all', {
  method: 'post',
  path: '/auth/app/{app_id}/expire-all',
  request: {
    params: AppPath,
    body: jsonBody(
      z
        .object({
          /** Seconds until then. */
          expiry: z.number().int().min(0).max(EXPIRY_SECONDS.max).nullish(),
          /** Only tokens of these sessions. */
          sessionIds: z.array(z.string()).max(1_000).optional(),
        })
        .openapi('ApplicationTokenExpireIn'),
    ),
  },
  responses: { 204: { description: 'They open nothing any more.' } },
})

const logout = operation('v1.authentication.logout', {
  method: 'post',
  path: '/auth/logout',
  responses: { 204: { description: 'The token that asked opens nothing any more.' } },
})

export function authenticationRoutes(deps: AdminDeps): OpenAPIHono<AccessEnv> {
  const { store, clock, directoryChanged } = deps
  const routes = svixRouter()

  /** The application's id; made now if the body says how. */
  async function application(name: string, input: z.infer<typeof ApplicationIn> | null): Promise<string> {
    if (input === null || (await store.getConsumer(name)) !== null) return (await consumerOf(store, name)).id
    const uid = input.uid === undefined ? Uid.safeParse(name) : { success: true, data: input.uid }
    if (!uid.success) throw notFound('application')
    const consumer = freshConsumer({ ...input, uid: uid.data }, clock.now())
    await store.putConsumer(consumer)
    await directoryChanged({ consumers: [consumer] })
    return consumer.id
  }

  async function access(c: Context, consumerId: string, input: z.infer<typeof AppPortalAccessIn>) {
    const token = `appsk_${randomBytes(32).toString('base64url')}`
    const createdAt = clock.now()
    const named = input.capabilities?.map((name) => NAMES[name])
    const capabilities: readonly Capability[] = named ?? (input.readOnly === true ? ['view'] : CAPABILITIES)
    await store.putToken({
      digest: digestOfToken(token),
      consumerId,
      sessionId: input.sessionId ?? null,
      capabilities,
      createdAt,
      expiresAt: createdAt + (input.expiry ?? EXPIRY_SECONDS.max) * 1_000,
    })
    const key = Buffer.from(JSON.stringify({ appId: consumerId, token })).toString('base64url')
    // In the fragment, which browsers send to nobody.
    return { url: `${originOf(c)}/portal#key=${key}`, token }
  }

  routes.openapi(portalAccess, async (c) => {
    const input = c.req.valid('json')
    const consumerId = await application(c.req.valid('param').app_id, input.application ?? null)
    return c.json(await access(c, consumerId, input), 200)
  })

  routes.openapi(dashboardAccess, async (c) => {
    const consumer = await consumerOf(store, c.req.valid('param').app_id)
    return c.json(await access(c, consumer.id, {}), 200)
  })

  routes.openapi(expireAll, async (c) => {
    const { expiry, sessionIds = [] } = c.req.valid('json')
    const { id } = await consumerOf(store, c.req.valid('param').app_id)
    const at = clock.now() + (expiry ?? 0) * 1_000
    await store.expireTokens(id, sessionIds.length === 0 ? null : sessionIds, at)
    return c.body(null, 204)
  })

  routes.openapi(logout, async (c) => {
    const who = c.get('access')
    if (who === undefined) {
      throw new Refusal(403, { code: 'insufficient_access', detail: 'This token does not end: it is the operator’s.' })
    }
    await store.deleteToken(who.token.digest)
    return c.body(null, 204)
  })

  return routes
}

/** As the operator called us: the admin address says so when it hands a request on. */
function originOf(c: Context): string {
  const { protocol, host } = new URL(c.req.url)
  const proto = c.req.header('x-forwarded-proto') ?? protocol.slice(0, -1)
  return `${proto}://${c.req.header('x-forwarded-host') ?? c.req.header('host') ?? host}`
}

function keysOf<T extends string>(record: Readonly<Record<T, unknown>>): T[] {
  return Object.keys(record).filter((key): key is T => key in record)
}
