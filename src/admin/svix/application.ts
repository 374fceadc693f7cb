/** Applications: the consumers, under Svix's name for them. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { newId } from '../../base/ids.ts'
import type { Consumer, Endpoint } from '../../model/webhook.ts'
import type { Store } from '../../store/port.ts'
import { answer, jsonBody, Stamp } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import { stamp } from '../stamp.ts'
import { Flag, Metadata, Uid } from './fields.ts'
import { listOf, OrderedPageQuery, pageOf } from './page.ts'
import { conflict, notFound } from './refusal.ts'
import { AppPath, consumerOf, operation, svixRouter } from './routes.ts'

const AppName = z.string().min(1).max(256)

const ApplicationIn = z
  .object({ name: AppName, uid: Uid.nullish(), metadata: Metadata.optional() })
  .openapi('ApplicationIn')

const ApplicationPatch = z
  .object({ name: AppName.optional(), uid: Uid.nullish(), metadata: Metadata.optional() })
  .openapi('ApplicationPatch')

const ApplicationOut = z
  .object({
    id: z.string(),
    uid: z.string().nullable(),
    name: z.string(),
    metadata: z.record(z.string(), z.string()),
    /** Throttling is not offered yet: a rate that is sent is not kept. */
    throttleRate: z.null(),
    createdAt: Stamp,
    updatedAt: Stamp,
  })
  .openapi('ApplicationOut')

function applicationOut(consumer: Consumer): z.infer<typeof ApplicationOut> {
  return {
    id: consumer.id,
    uid: consumer.uid,
    name: consumer.name,
    metadata: consumer.metadata,
    throttleRate: null,
    createdAt: stamp(consumer.createdAt),
    updatedAt: stamp(consumer.updatedAt),
  }
}

const list = operation('v1.application.list', {
  method: 'get',
  path: '/app',
  request: { query: OrderedPageQuery },
  responses: { 200: answer(listOf(ApplicationOut), 'A page of applications, newest first.') },
})

const create = operation('v1.application.create', {
  method: 'post',
  path: '/app',
  request: { query: z.object({ get_if_exists: Flag.default(false) }), body: jsonBody(ApplicationIn) },
  responses: {
    200: answer(ApplicationOut, 'With `get_if_exists`: the one that has this uid.'),
    201: answer(ApplicationOut, 'Created.'),
  },
})

const get = operation('v1.application.get', {
  method: 'get',
  path: '/app/{app_id}',
  request: { params: AppPath },
  responses: { 200: answer(ApplicationOut, 'The application with this id or uid.') },
})

const update = operation('v1.application.update', {
  method: 'put',
  path: '/app/{app_id}',
  request: { params: AppPath, body: jsonBody(ApplicationIn) },
  responses: { 200: answer(ApplicationOut, 'Replaced.'), 201: answer(ApplicationOut, 'Created with this uid.') },
})

const patch = operation('v1.application.patch', {
  method: 'patch',
  path: '/app/{app_id}',
  request: { params: AppPath, body: jsonBody(ApplicationPatch) },
  responses: { 200: answer(ApplicationOut, 'Changed where the body says so.') },
})

const remove = operation('v1.application.delete', {
  method: 'delete',
  path: '/app/{app_id}',
  request: { params: AppPath },
  responses: { 204: { description: 'Deleted with its endpoints; what waited for them is cancelled.' } },
})

export function applicationRoutes({ store, clock, directoryChanged }: AdminDeps): OpenAPIHono {
  const routes = svixRouter()

  async function save(consumer: Consumer) {
    await store.putConsumer(consumer)
    await directoryChanged({ consumers: [consumer] })
    return applicationOut(consumer)
  }

  function fresh(input: z.infer<typeof ApplicationIn>): Consumer {
    const now = clock.now()
    return {
      id: newId('app_', now),
      uid: input.uid ?? null,
      name: input.name,
      metadata: input.metadata ?? {},
      createdAt: now,
      updatedAt: now,
    }
  }

  routes.openapi(list, async (c) => {
    const query = c.req.valid('query')
    const page = await pageOf<Consumer>({
      query,
      order: query.order ?? 'descending',
      id: (consumer) => consumer.id,
      fetch: (page) => store.listConsumers(page),
    })
    return c.json({ ...page, data: page.data.map(applicationOut) }, 200)
  })

  routes.openapi(create, async (c) => {
    const input = c.req.valid('json')
    const existing = input.uid == null ? null : await store.getConsumer(input.uid)
    if (existing === null) return c.json(await save(fresh(input)), 201)
    if (!c.req.valid('query').get_if_exists) throw conflict('An application with this uid exists.')
    return c.json(applicationOut(existing), 200)
  })

  routes.openapi(get, async (c) => c.json(applicationOut(await consumerOf(store, c.req.valid('param').app_id)), 200))

  routes.openapi(update, async (c) => {
    const input = c.req.valid('json')
    const key = c.req.valid('param').app_id
    const existing = await store.getConsumer(key)
    if (existing === null) {
      const uid = input.uid === undefined ? Uid.safeParse(key) : { success: true, data: input.uid }
      // An id of ours that is gone cannot be created again.
      if (!uid.success) throw notFound('application')
      return c.json(await save(fresh({ ...input, uid: uid.data })), 201)
    }
    const { name, uid = existing.uid, metadata = {} } = input
    return c.json(await save({ ...existing, name, uid, metadata, updatedAt: clock.now() }), 200)
  })

  routes.openapi(patch, async (c) => {
    const existing = await consumerOf(store, c.req.valid('param').app_id)
    const { name = existing.name, uid = existing.uid, metadata = existing.metadata } = c.req.valid('json')
    return c.json(await save({ ...existing, name, uid, metadata, updatedAt: clock.now() }), 200)
  })

  routes.openapi(remove, async (c) => {
    const { id } = await consumerOf(store, c.req.valid('param').app_id)
    const removedEndpoints = (await everyEndpoint(store, id)).map((endpoint) => endpoint.id)
    await store.deleteConsumer(id)
    await directoryChanged({ removedConsumers: [id], removedEndpoints })
    return c.body(null, 204)
  })

  return routes
}

async function everyEndpoint(store: Store, consumerId: string): Promise<Endpoint[]> {
  const all: Endpoint[] = []
  for (;;) {
    const page = await store.listEndpoints(consumerId, { limit: 250, after: all.at(-1)?.id })
    all.push(...page)
    if (page.length < 250) return all
  }
}
