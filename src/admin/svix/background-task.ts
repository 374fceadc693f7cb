/** Background tasks: what they are called in the webhook API, how they look, and following them. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Task, TaskKind, TaskState } from '../../model/task.ts'
import type { Store } from '../../store/port.ts'
import { answer, Stamp } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { stamp } from '../stamp.ts'
import { listOf, OrderedPageQuery, pageOf } from './page.ts'
import { notFound } from './refusal.ts'
import { operation, svixRouter } from './routes.ts'

const NAMES = {
  recover: 'endpoint.recover',
  'replay-missing': 'endpoint.replay',
  replay: 'endpoint.bulk-replay',
  expunge: 'application.purge_content',
  usage: 'application.stats',
  subscriptions: 'event-type.aggregate',
} as const satisfies Record<TaskKind, string>

/** Those of Svix that nothing here is: a filter by them finds nothing. */
const OTHERS = ['message.broadcast', 'sdk.generate'] as const

const taskFields = {
  id: z.string(),
  status: z.enum(['running', 'finished', 'failed'] satisfies TaskState[]),
  task: z.enum(Object.values(NAMES)),
  updatedAt: Stamp,
}

/** What starting a task answers. */
export const StartedTaskOut = z.object(taskFields).openapi('BackgroundTaskStarted')

/** `data` counts while the task runs, and is complete when it is finished. */
const BackgroundTaskOut = z
  .object({ ...taskFields, data: z.record(z.string(), z.unknown()) })
  .openapi('BackgroundTaskOut')

export function startedTask(task: Task): z.infer<typeof StartedTaskOut> {
  return { id: task.id, status: task.state, task: NAMES[task.work.kind], updatedAt: stamp(task.updatedAt) }
}

type UidOf = (consumerId: string) => string | null

function taskOut(task: Task, uidOf: UidOf): z.infer<typeof BackgroundTaskOut> {
  const failed = task.failure === null ? {} : { error: task.failure }
  return { ...startedTask(task), data: { ...dataOf(task, uidOf), ...failed } }
}

function dataOf({ work, done, result }: Task, uidOf: UidOf): Record<string, unknown> {
  if (work.kind === 'expunge') return { messagesPurged: done }
  if (work.kind !== 'usage' && work.kind !== 'subscriptions') return { messagesSent: done }
  const rows = (result ?? []).map((row) =>
    'deliveries' in row
      ? { appId: row.consumerId, appUid: uidOf(row.consumerId), messageDestinations: row.deliveries }
      : { appId: row.consumerId, explicitlySubscribedEventTypes: row.eventTypes, hasCatchAllEndpoint: row.all },
  )
  return work.kind === 'usage' ? { appStats: rows } : { event_types: rows }
}

async function uidsFor(store: Store, tasks: readonly Task[]): Promise<UidOf> {
  if (!tasks.some(({ work, result }) => work.kind === 'usage' && result !== null)) return () => null
  const uids = new Map((await store.allConsumers()).map(({ id, uid }) => [id, uid]))
  return (consumerId) => uids.get(consumerId) ?? null
}

const list = operation('v1.background-task.list', {
  method: 'get',
  path: '/background-task',
  request: {
    query: OrderedPageQuery.extend({
      status: taskFields.status.optional(),
      task: z.enum([...Object.values(NAMES), ...OTHERS]).optional(),
    }),
  },
  responses: { 200: answer(listOf(BackgroundTaskOut), 'A page of tasks, newest first.') },
})

const get = operation('v1.background-task.get', {
  method: 'get',
  path: '/background-task/{task_id}',
  request: { params: z.object({ task_id: z.string() }) },
  responses: { 200: answer(BackgroundTaskOut, 'The task, and how far it has come.') },
})

export function backgroundTaskRoutes({ store }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  routes.openapi(list, async (c) => {
    const query = c.req.valid('query')
    const kind = kindOf(query.task)
    const page = await pageOf<Task>({
      query,
      order: query.order ?? 'descending',
      id: (task) => task.id,
      fetch: async (page) => (kind === null ? [] : store.listTasks({ ...page, kind, state: query.status })),
    })
    const uidOf = await uidsFor(store, page.data)
    return c.json({ ...page, data: page.data.map((task) => taskOut(task, uidOf)) }, 200)
  })

  routes.openapi(get, async (c) => {
    const task = await store.getTask(c.req.valid('param').task_id)
    if (task === null) throw notFound('background task')
    return c.json(taskOut(task, await uidsFor(store, [task])), 200)
  })

  return routes
}

/** Undefined is any; null is one that there cannot be. */
function kindOf(name: string | undefined): TaskKind | undefined | null {
  if (name === undefined) return undefined
  const kinds: readonly TaskKind[] = ['recover', 'replay-missing', 'replay', 'expunge', 'usage', 'subscriptions']
  return kinds.find((kind) => NAMES[kind] === name) ?? null
}
