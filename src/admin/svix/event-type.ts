/** Event types: the catalogue of what can be sent. Messages of types that are not in it are accepted all the same. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { EventType } from '../../model/webhook.ts'
import type { Store } from '../../store/port.ts'
import { compileSchema } from '../../webhooks/payload-schema.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import {
  EventTypeIn,
  EventTypeName,
  EventTypeOut,
  EventTypePatch,
  EventTypeUpsertIn,
  eventTypeOf,
  eventTypeOut,
} from './event-type-shapes.ts'
import { Flag } from './fields.ts'
import { listOf, OrderedPageQuery, pageOf } from './page.ts'
import { invalid, notFound, Refusal } from './refusal.ts'
import { operation, svixRouter } from './routes.ts'

const NamePath = z.object({ event_type_name: EventTypeName })

const list = operation('v1.event-type.list', {
  method: 'get',
  path: '/event-type',
  request: {
    query: OrderedPageQuery.extend({ include_archived: Flag.default(false), with_content: Flag.default(false) }),
  },
  responses: { 200: answer(listOf(EventTypeOut), 'A page of event types, by name.') },
})

const create = operation('v1.event-type.create', {
  method: 'post',
  path: '/event-type',
  request: { body: jsonBody(EventTypeIn) },
  responses: { 201: answer(EventTypeOut, 'Created, or brought back from the archive.') },
})

const get = operation('v1.event-type.get', {
  method: 'get',
  path: '/event-type/{event_type_name}',
  request: { params: NamePath },
  responses: { 200: answer(EventTypeOut, 'The event type.') },
})

const update = operation('v1.event-type.update', {
  method: 'put',
  path: '/event-type/{event_type_name}',
  request: { params: NamePath, body: jsonBody(EventTypeUpsertIn) },
  responses: { 200: answer(EventTypeOut, 'Replaced.'), 201: answer(EventTypeOut, 'Created.') },
})

const patch = operation('v1.event-type.patch', {
  method: 'patch',
  path: '/event-type/{event_type_name}',
  request: { params: NamePath, body: jsonBody(EventTypePatch) },
  responses: { 200: answer(EventTypeOut, 'Changed where the body says so.') },
})

const remove = operation('v1.event-type.delete', {
  method: 'delete',
  path: '/event-type/{event_type_name}',
  request: { params: NamePath, query: z.object({ expunge: Flag.default(false) }) },
  responses: { 204: { description: 'Archived; with `expunge`, deleted.' } },
})

export function eventTypeRoutes({ store, clock, directoryChanged }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  async function save(eventType: EventType) {
    checkSchema(eventType.schema)
    await store.putEventType(eventType)
    await directoryChanged({ eventTypes: [eventType] })
    return eventTypeOut(eventType)
  }

  routes.openapi(list, async (c) => {
    const query = c.req.valid('query')
    const page = await pageOf<EventType>({
      query,
      order: query.order ?? 'ascending',
      stored: 'ascending',
      id: (eventType) => eventType.name,
      fetch: (page) => store.listEventTypes(page),
      ...(query.include_archived ? {} : { keep: (eventType) => !eventType.archived }),
    })
    return c.json({ ...page, data: page.data.map((type) => eventTypeOut(type, query.with_content)) }, 200)
  })

  routes.openapi(create, async (c) => {
    const input = c.req.valid('json')
    const existing = await store.getEventType(input.name)
    if (existing !== null && !existing.archived) {
      throw new Refusal(409, { code: 'event_type_exists', detail: 'An event type with this name exists.' })
    }
    return c.json(await save(eventTypeOf(input.name, input, existing, clock.now())), 201)
  })

  routes.openapi(get, async (c) =>
    c.json(eventTypeOut(await knownEventType(store, c.req.valid('param').event_type_name)), 200),
  )

  routes.openapi(update, async (c) => {
    const name = c.req.valid('param').event_type_name
    const existing = await store.getEventType(name)
    const saved = await save(eventTypeOf(name, c.req.valid('json'), existing, clock.now()))
    return existing === null ? c.json(saved, 201) : c.json(saved, 200)
  })

  routes.openapi(patch, async (c) => {
    const existing = await knownEventType(store, c.req.valid('param').event_type_name)
    const input = c.req.valid('json')
    const changed: EventType = {
      ...existing,
      description: input.description ?? existing.description,
      archived: input.archived ?? existing.archived,
      deprecated: input.deprecated ?? existing.deprecated,
      groupName: input.groupName === undefined ? existing.groupName : input.groupName,
      featureFlags: input.featureFlags === undefined ? existing.featureFlags : (input.featureFlags ?? []),
      schema: input.schemas === undefined ? existing.schema : input.schemas,
      updatedAt: clock.now(),
    }
    return c.json(await save(changed), 200)
  })

  routes.openapi(remove, async (c) => {
    const existing = await knownEventType(store, c.req.valid('param').event_type_name)
    if (c.req.valid('query').expunge) {
      await store.deleteEventType(existing.name)
      await directoryChanged({ removedEventTypes: [existing.name] })
    } else {
      await save({ ...existing, archived: true, updatedAt: clock.now() })
    }
    return c.body(null, 204)
  })

  return routes
}

/** Throws 422 for what is no JSON Schema: later it could only refuse every payload. */
function checkSchema(schema: unknown): void {
  try {
    compileSchema(schema)
  } catch (error) {
    throw invalid('schemas', error instanceof Error ? error.message : 'This is no JSON Schema.')
  }
}

async function knownEventType(store: Store, name: string): Promise<EventType> {
  const eventType = await store.getEventType(name)
  if (eventType === null) throw notFound('event type')
  return eventType
}
