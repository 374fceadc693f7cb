/** The webhook API: the paths that Svix's clients call, under `/api/v1`. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { StoreUnavailable } from '../../store/port.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { applicationRoutes } from './application.ts'
import { attemptRoutes } from './attempt.ts'
import { attemptedRoutes } from './attempted.ts'
import { authenticationRoutes } from './authentication.ts'
import { backgroundTaskRoutes } from './background-task.ts'
import { endpointHeaderRoutes } from './endpoint-headers.ts'
import { endpointSecretRoutes } from './endpoint-secret.ts'
import { endpointRoutes } from './endpoint.ts'
import { endpointReplayRoutes } from './endpoint-replay.ts'
import { eventTypeImportRoutes } from './event-type-import.ts'
import { eventTypeRoutes } from './event-type.ts'
import { expungeRoutes } from './expunge.ts'
import { messageRoutes } from './message.ts'
import { onceForEachKey } from './idempotency.ts'
import { operationalEndpointRoutes } from './operational-endpoint.ts'
import { answerToError, refusalAnswer } from './refusal.ts'
import { operation, svixRouter } from './routes.ts'
import { statisticsRoutes } from './statistics.ts'
import { transformationRoutes } from './transformation.ts'
import { tryingRoutes } from './trying.ts'

const health = operation('v1.health.get', {
  method: 'get',
  path: '/health',
  responses: { 204: { description: 'The API answers.' } },
})

export function svixApi(deps: AdminDeps): OpenAPIHono<AccessEnv> {
  const api = svixRouter()

  api.onError((error) => {
    const answer = answerToError(error)
    if (answer !== null) return answer
    deps.fault(error)
    if (error instanceof StoreUnavailable) {
      return refusalAnswer(503, { code: 'unavailable', detail: 'The store cannot answer now.' })
    }
    return refusalAnswer(500, { code: 'server_error', detail: 'Something went wrong here.' })
  })

  api.use('*', onceForEachKey(deps.store, deps.clock))
  const turns = oneWriteAtATime()
  for (const path of ['/app', '/app/:app', '/app/:app/endpoint/*', '/event-type/*', '/operational-webhook/*'])
    api.use(path, turns)

  api.openapi(health, (c) => c.body(null, 204))
  for (const routes of [
    applicationRoutes,
    endpointRoutes,
    endpointHeaderRoutes,
    endpointSecretRoutes,
    transformationRoutes,
    endpointReplayRoutes,
    backgroundTaskRoutes,
    statisticsRoutes,
    authenticationRoutes,
    operationalEndpointRoutes,
    eventTypeImportRoutes,
    eventTypeRoutes,
    expungeRoutes,
    tryingRoutes,
    messageRoutes,
    attemptRoutes,
    attemptedRoutes,
  ]) {
    api.route('/', routes(deps))
  }
  return api
}

/** Changes read a whole resource and write it back: two at once on one node would lose one of them. */
function oneWriteAtATime(): MiddlewareHandler {
  let last = Promise.resolve()
  return async (c, next) => {
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return next()
    const before = last
    const { promise, resolve } = Promise.withResolvers<void>()
    last = promise
    await before
    try {
      return await next()
    } finally {
      resolve()
    }
  }
}
