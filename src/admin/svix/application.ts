/** Applications: the consumers, under Svix's name for them. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { type Consumer, type Endpoint, OPERATIONAL_CONSUMER } from '../../model/webhook.ts'
import type { Store } from '../../store/port.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { ApplicationIn, ApplicationOut, ApplicationPatch, applicationOut, freshConsumer } from './application-shapes.ts'
import { rateOf } from './endpoint-input.ts'
import { Flag, Uid } from './fields.ts'
import { listOf, OrderedPageQuery, pageOf } from './page.ts'
import { conflict, notFound } from './refusal.ts'
import { AppPath, consumerOf, operation, svixRouter } from './routes.ts'

const PLAY = /^https?:\/\/(api\.)?play\.svix\.com\//i

const list = operation('v1.application.list', {
  method: 'get',
  path: '/app',
  request: {
    query: OrderedPageQuery.extend({
      exclude_apps_with_no_endpoints: Flag.default(false),
      /** Leaves out those with an endpoint that is disabled. */
      exclude_apps_with_disabled_endpoints: Flag.default(false),
      /** Leaves out those with an endpoint at Svix Play. */
      exclude_apps_with_svix_play_endpoints: Flag.default(false),
    }),
  },
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

export function applicationRoutes({ store, clock, directoryChanged }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  async function save(consumer: Consumer) {
    await store.putConsumer(consumer)
    await directoryChanged({ consumers: [consumer] })
    return applicationOut(consumer)
  }

  routes.openapi(list, async (c) => {
    const query = c.req.valid('query')
    const page = await pageOf<Consumer>({
      query,
      order: query.order ?? 'descending',
      id: (consumer) => consumer.id,
      fetch: (page) => store.listConsumers(page),
      keep: async ({ id }) => {
        if (id === OPERATIONAL_CONSUMER) return false
        const { exclude_apps_with_no_endpoints: none, exclude_apps_with_disabled_endpoints: disabled } = query
        const play = query.exclude_apps_with_svix_play_endpoints
        if (!none && !disabled && !play) return true
        const endpoints = await everyEndpoint(store, id)
        if (none && endpoints.length === 0) return false
        return !endpoints.some((one) => (disabled && one.disabled) || (play && PLAY.test(one.url)))
      },
    })
    return c.json({ ...page, data: page.data.map(applicationOut) }, 200)
  })

  routes.openapi(create, async (c) => {
    const input = c.req.valid('json')
    const existing = input.uid == null ? null : await store.getConsumer(input.uid)
    if (existing === null) return c.json(await save(freshConsumer(input, clock.now())), 201)
    if (!c.req.valid('query').get_if_exists) throw conflict('An application with this uid exists.')
    return c.json(applicationOut(existing), 200)
  })

  routes.openapi(get, async (c) => c.json(applicationOut(await consumerOf(store, c.req.valid('param').app_id)), 200))

  routes.openapi(update, async (c) => {
    const input = c.req.valid('json')
    const key = c.req.valid('param').app_id
    const existing = key === OPERATIONAL_CONSUMER ? null : await store.getConsumer(key)
    if (existing === null) {
      const uid = input.uid === undefined ? Uid.safeParse(key) : { success: true, data: input.uid }
      // An id of ours that is gone cannot be created again.
      if (!uid.success) throw notFound('application')
      return c.json(await save(freshConsumer({ ...input, uid: uid.data }, clock.now())), 201)
    }
    const { name, uid = existing.uid, metadata = {} } = input
    const ratePerSecondMax = rateOf(input) ?? null
    return c.json(await save({ ...existing, name, uid, metadata, ratePerSecondMax, updatedAt: clock.now() }), 200)
  })

  routes.openapi(patch, async (c) => {
    const existing = await consumerOf(store, c.req.valid('param').app_id)
    const input = c.req.valid('json')
    const { name = existing.name, uid = existing.uid, metadata = existing.metadata } = input
    const rate = rateOf(input)
    const ratePerSecondMax = rate === undefined ? existing.ratePerSecondMax : rate
    return c.json(await save({ ...existing, name, uid, metadata, ratePerSecondMax, updatedAt: clock.now() }), 200)
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
