/** Who may talk to the admin server: everything is closed without the token, except what probes and scrapers read. */
import type { MiddlewareHandler } from 'hono'
import { PROBLEMS } from '../base/problem.ts'
import { problemAnswer } from './answers.ts'
import { bearerCheck } from './bearer.ts'
import type { AdminDeps } from './deps.ts'
import { type AccessEnv, accessOf } from './svix/access.ts'
import { refusalAnswer } from './svix/refusal.ts'

/** The only paths that need no token. `/metrics` has counts and route names, never a secret. */
const OPEN: ReadonlySet<string> = new Set(['/', '/health', '/ready', '/metrics'])

/**
 * Answers 401 in the words of the API that was called. The webhook API opens to tokens of applications as well; what they may do there
 * is asked of each operation.
 */
export function requireToken({
  token,
  store,
  clock,
}: Pick<AdminDeps, 'token' | 'store' | 'clock'>): MiddlewareHandler<AccessEnv> {
  const allowed = bearerCheck(token)
  return async (c, next) => {
    if (OPEN.has(c.req.path) || allowed(c.req.header('authorization'))) return next()
    const challenge = { 'WWW-Authenticate': 'Bearer' }
    if (isWebhookApi(c.req.path)) {
      const access = await accessOf(store, clock, c.req.header('authorization'))
      if (access !== null) {
        c.set('access', access)
        return next()
      }
      return refusalAnswer(401, { code: 'authentication_failed', detail: 'The token is missing or wrong.' }, challenge)
    }
    return problemAnswer(PROBLEMS.unauthorized, undefined, undefined, challenge)
  }
}

/** Paths of the webhook API, which has its own shape of errors. */
export function isWebhookApi(path: string): boolean {
  return path.startsWith('/api/') || path.startsWith('/ingest/api/')
}
