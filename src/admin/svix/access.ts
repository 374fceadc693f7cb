/** What the holder of an application's token may do: an operation that is not in the list is the operator's alone. */
import { createHash } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { Clock } from '../../base/clock.ts'
import type { AccessToken, Capability } from '../../model/access.ts'
import type { Store } from '../../store/port.ts'
import { refusalAnswer } from './refusal.ts'

const ALLOWED: Readonly<Record<string, Capability>> = {
  'v1.application.get': 'view',
  'v1.endpoint.list': 'view',
  'v1.endpoint.get': 'view',
  'v1.endpoint.get-headers': 'view',
  'v1.endpoint.get-stats': 'view',
  'v1.endpoint.transformation-get': 'view',
  'v1.endpoint.get-secret': 'view-secrets',
  'v1.endpoint.rotate-secret': 'manage-secrets',
  'v1.endpoint.patch-transformation': 'manage-transformations',
  'v1.endpoint.recover': 'create-attempts',
  'v1.endpoint.replay-missing': 'create-attempts',
  'v1.endpoint.bulk-replay': 'create-attempts',
  'v1.endpoint.send-example': 'create-attempts',
  'v1.endpoint.create': 'manage-endpoints',
  'v1.endpoint.update': 'manage-endpoints',
  'v1.endpoint.patch': 'manage-endpoints',
  'v1.endpoint.delete': 'manage-endpoints',
  'v1.endpoint.update-headers': 'manage-endpoints',
  'v1.endpoint.patch-headers': 'manage-endpoints',
  'v1.message.list': 'view',
  'v1.message.get': 'view',
  'v1.message-attempt.list-by-msg': 'view',
  'v1.message-attempt.list-by-endpoint': 'view',
  'v1.message-attempt.list-attempted-messages': 'view',
  'v1.message-attempt.list-attempted-destinations': 'view',
  'v1.message-attempt.get': 'view',
  'v1.message-attempt.resend': 'create-attempts',
  'v1.event-type.list': 'view',
  'v1.event-type.get': 'view',
  'v1.authentication.logout': 'view',
  'v1.health.get': 'view',
}

/** A capability that holds others as well. */
const HELD_BY: Readonly<Record<Capability, readonly Capability[]>> = {
  view: [],
  'view-secrets': ['manage-secrets', 'manage-endpoints'],
  'manage-secrets': ['manage-endpoints'],
  'manage-transformations': [],
  'create-attempts': [],
  'manage-endpoints': [],
}

/** Who asks, when it is not the operator. */
export interface Access {
  readonly token: AccessToken
  /** Is this, an id or uid, the application that the token is for? */
  owns(appIdOrUid: string): Promise<boolean>
}

export interface AccessEnv {
  Variables: { access?: Access }
}

export const digestOfToken = (token: string): string => createHash('sha256').update(token).digest('base64url')

/** The access that a bearer token gives; null when it gives none. */
export async function accessOf(store: Store, clock: Clock, authorization: string | undefined): Promise<Access | null> {
  const bearer = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  const token = bearer === undefined ? null : await store.getToken(digestOfToken(bearer), clock.now())
  if (token === null) return null
  const owns = async (name: string) =>
    name === token.consumerId || (await store.getConsumer(name))?.id === token.consumerId
  return { token, owns }
}

const FORBIDDEN = { code: 'insufficient_access', detail: 'This token does not allow it.' }

/** Lets the operator pass, and who may do this for the application of the path. */
export function scoped(operationName: string): MiddlewareHandler<AccessEnv> {
  const needed = ALLOWED[operationName]
  return async (c, next) => {
    const access = c.get('access')
    if (access === undefined) return next()
    const held = new Set(access.token.capabilities)
    if (needed === undefined || ![needed, ...HELD_BY[needed]].some((one) => held.has(one))) {
      return refusalAnswer(403, FORBIDDEN)
    }
    const app = c.req.param('app_id')
    // What another application is called is not this one's business: there is no such thing for it.
    if (app !== undefined && !(await access.owns(app))) {
      return refusalAnswer(404, { code: 'not_found', detail: 'There is no such application.' })
    }
    return next()
  }
}
