/** Statistics over applications, each as a task whose result is read from the task. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { type Consumer, OPERATIONAL_CONSUMER } from '../../model/webhook.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { StartedTaskOut, startedTask } from './background-task.ts'
import { BodyInstant } from './fields.ts'
import { invalid } from './refusal.ts'
import { operation, svixRouter } from './routes.ts'

const APPS_MAX = 1_000

const AppUsageStatsIn = z
  .object({
    since: BodyInstant,
    until: BodyInstant,
    /** Ids or uids; without them every application. */
    appIds: z.array(z.string()).max(APPS_MAX).nullish(),
  })
  .openapi('AppUsageStatsIn')

const usage = operation('v1.statistics.aggregate-app-stats', {
  method: 'post',
  path: '/stats/usage/app',
  request: { body: jsonBody(AppUsageStatsIn) },
  responses: {
    202: answer(
      StartedTaskOut.extend({ unresolvedAppIds: z.array(z.string()) }).openapi('AppUsageStatsOut'),
      'Started: the task counts the deliveries of each application, and goes on without those it does not know.',
    ),
  },
})

const eventTypes = operation('v1.statistics.aggregate-event-types', {
  method: 'put',
  path: '/stats/usage/event-types',
  responses: { 202: answer(StartedTaskOut, 'Started: the task gathers what each application’s endpoints want.') },
})

export function statisticsRoutes({ store, startTask }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  async function everybody(): Promise<readonly Consumer[]> {
    return (await store.allConsumers()).filter(({ id }) => id !== OPERATIONAL_CONSUMER)
  }

  routes.openapi(usage, async (c) => {
    const { since, until, appIds } = c.req.valid('json')
    if (until <= since) throw invalid('until', 'It must be after `since`.')
    const all = await everybody()
    const known = new Map(all.flatMap((one) => [[one.uid ?? one.id, one.id] as const, [one.id, one.id] as const]))
    const unresolvedAppIds = (appIds ?? []).filter((name) => !known.has(name))
    const consumerIds = [...new Set(appIds?.flatMap((name) => known.get(name) ?? []) ?? all.map(({ id }) => id))]
    if (appIds != null && consumerIds.length === 0) throw invalid('appIds', 'There is no such application.')
    const task = await startTask({ kind: 'usage', consumerIds, from: since, until })
    return c.json({ ...startedTask(task), unresolvedAppIds }, 202)
  })

  routes.openapi(eventTypes, async (c) => {
    const consumerIds = (await everybody()).map(({ id }) => id)
    return c.json(startedTask(await startTask({ kind: 'subscriptions', consumerIds })), 202)
  })

  return routes
}
