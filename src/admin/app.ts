/** The admin server: probes, metrics, the admin API and the webhook API, behind one token. */
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Env, Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { PROBLEMS, type Problem } from '../base/problem.ts'
import { ProblemError, problemAnswer } from './answers.ts'
import { isWebhookApi, requireToken } from './auth.ts'
import { bodyAtMost } from './body-limit.ts'
import { configRoutes } from './config.ts'
import { deliveryRoutes } from './deliveries.ts'
import type { AdminDeps } from './deps.ts'
import { StoreUnavailable } from '../store/port.ts'
import { sendingRoutes } from './sending.ts'
import { svixApi } from './svix/api.ts'
import { answerToError, refusalAnswer } from './svix/refusal.ts'

const BODY_BYTES_MAX = 4 * 1024 * 1024

const ProblemOut = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string().optional(),
})

export function createAdminApp(deps: AdminDeps): Hono<Env> {
  const app = new OpenAPIHono({ strict: false })

  app.use('*', requireToken(deps))
  app.use('*', bodyAtMost(BODY_BYTES_MAX))

  app.get('/', (c) => c.text('Postern. The admin API is described at /admin/openapi.json, with the admin token.\n'))
  app.get('/health', (c) => c.json({ status: 'live' }))
  app.get('/ready', (c) => (deps.ready() ? c.json({ status: 'ready' }) : problemAnswer(PROBLEMS.starting)))
  app.get('/metrics', async (c) =>
    c.body(await deps.metrics(), 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }),
  )

  app.route('/admin/v1', configRoutes(deps))
  app.route('/admin/v1', deliveryRoutes(deps))
  app.route('/admin/v1', sendingRoutes(deps))
  app.route('/api/v1', svixApi(deps))
  app.openAPIRegistry.register('Problem', ProblemOut)
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
  app.doc31('/admin/openapi.json', { openapi: '3.1.0', info: { title: 'Postern', version: '1' } })

  app.notFound((c) =>
    isWebhookApi(c.req.path)
      ? refusalAnswer(404, { code: 'not_found', detail: 'There is no such path here.' })
      : problemAnswer(PROBLEMS.notFound),
  )

  app.onError((error, c) => {
    if (error instanceof ProblemError) return problemAnswer(error.problem, error.detail, error.extra)
    const refusal = answerToError(error)
    if (refusal !== null && isWebhookApi(c.req.path)) return refusal
    if (error instanceof HTTPException) return problemAnswer(OF_STATUS[error.status] ?? PROBLEMS.payloadInvalid)
    deps.fault(error)
    return problemAnswer(error instanceof StoreUnavailable ? PROBLEMS.storeUnavailable : INTERNAL)
  })

  return app
}

const INTERNAL: Problem = { code: 'internal', status: 500, title: 'Something went wrong here.' }

/** Hono's own refusals: a body that is too large, not declared as JSON, or (400) not JSON. */
const OF_STATUS: Readonly<Record<number, Problem>> = {
  413: PROBLEMS.bodyTooLarge,
  415: { code: 'unsupported-media-type', status: 415, title: 'The body must be JSON and say so in Content-Type.' },
}
