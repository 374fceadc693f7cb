/** Deleting content: payloads of messages, one by one, several, or all of an application; and what endpoints answered. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { StartedTaskOut, startedTask } from './background-task.ts'
import { messageOf } from './message.ts'
import { notFound } from './refusal.ts'
import { AppPath, consumerOf, MessagePath, operation, svixRouter } from './routes.ts'

const IDS_MAX = 500

const one = operation('v1.message.expunge-content', {
  method: 'delete',
  path: '/app/{app_id}/msg/{msg_id}/content',
  request: { params: MessagePath },
  responses: { 204: { description: 'The payload is gone; what waited to be sent is not sent.' } },
})

const several = operation('v1.message.bulk-expunge-content', {
  method: 'post',
  path: '/app/{app_id}/msg/bulk-expunge',
  request: {
    params: AppPath,
    body: jsonBody(
      z
        .object({
          /** Ids or event ids. */
          ids: z.array(z.string()).max(IDS_MAX).default([]),
        })
        .openapi('BulkExpungeContentsIn'),
    ),
  },
  responses: {
    200: answer(
      z.object({ results: z.record(z.string(), z.enum(['expunged', 'not-found'])) }).openapi('BulkExpungeContentsOut'),
      'What became of each.',
    ),
  },
})

const all = operation('v1.message.expunge-all-contents', {
  method: 'post',
  path: '/app/{app_id}/msg/expunge-all-contents',
  request: { params: AppPath },
  responses: { 202: answer(StartedTaskOut, 'Started: the background task tells how far it has come.') },
})

const attempt = operation('v1.message-attempt.expunge-content', {
  method: 'delete',
  path: '/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}/content',
  request: { params: MessagePath.extend({ attempt_id: z.string() }) },
  responses: { 204: { description: 'What the endpoint answered is gone.' } },
})

export function expungeRoutes({ store, clock, startTask }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  routes.openapi(one, async (c) => {
    const { id } = await messageOf(store, c.req.valid('param'))
    await store.expunge(id)
    return c.body(null, 204)
  })

  routes.openapi(several, async (c) => {
    const { id: consumerId } = await consumerOf(store, c.req.valid('param').app_id)
    const results: [string, 'expunged' | 'not-found'][] = []
    for (const name of c.req.valid('json').ids) {
      const message = await store.getMessage(consumerId, name)
      const isThere = message?.consumerId === consumerId && (await store.expunge(message.id))
      results.push([name, isThere ? 'expunged' : 'not-found'])
    }
    return c.json({ results: Object.fromEntries(results) }, 200)
  })

  routes.openapi(all, async (c) => {
    const { id: consumerId } = await consumerOf(store, c.req.valid('param').app_id)
    const task = await startTask({ kind: 'expunge', consumerId, from: 0, until: clock.now() + 1 })
    return c.json(startedTask(task), 202)
  })

  routes.openapi(attempt, async (c) => {
    const path = c.req.valid('param')
    const message = await messageOf(store, path)
    const found = await store.getAttempt(path.attempt_id)
    if (found === null || found.messageId !== message.id) throw notFound('attempt')
    await store.expungeAttempt(found.id)
    return c.body(null, 204)
  })

  return routes
}
