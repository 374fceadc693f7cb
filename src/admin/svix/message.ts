/** Messages as they are read. Publishing one is described here and answered in the engine: publish.ts. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Message } from '../../model/webhook.ts'
import type { Store } from '../../store/port.ts'
import { answer, jsonBody, Stamp } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { stamp } from '../stamp.ts'
import { Flag, Instant, Name, NameList } from './fields.ts'
import { MESSAGE_CHANNELS_MAX, MESSAGE_TAGS_MAX, TAG_CHARS_MAX } from './names.ts'
import { listOf, PageQuery, pageOf } from './page.ts'
import { notFound } from './refusal.ts'
import { AppPath, consumerOf, MessagePath, operation, svixRouter } from './routes.ts'

export const messageFields = {
  id: z.string(),
  eventId: z.string().nullable(),
  eventType: z.string(),
  payload: z.unknown(),
  channels: z.array(z.string()).nullable(),
  tags: z.array(z.string()).nullable(),
  deliverAt: Stamp.nullable(),
  timestamp: Stamp,
}

export const MessageOut = z.object(messageFields).openapi('MessageOut')

/** With `withContent` false the payload is `{}`, as in Svix. */
export function messageOut(message: Message, withContent: boolean) {
  return {
    id: message.id,
    eventId: message.eventId,
    eventType: message.eventType,
    payload: withContent ? payloadOf(message) : {},
    channels: message.channels && [...message.channels],
    tags: message.tags && [...message.tags],
    deliverAt: message.deliverAt === null ? null : stamp(message.deliverAt),
    timestamp: stamp(message.createdAt),
  }
}

/** A payload that is not JSON (published raw) is shown as a string; of one that has gone, that it has. */
function payloadOf(message: Message): unknown {
  if (message.expunged) return { expired: true }
  const text = Buffer.from(message.payload).toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** What lists of messages can be narrowed by. */
export const MessageFilterQuery = z.object({
  channel: z.string().optional(),
  tag: z.string().optional(),
  event_types: NameList,
  /** Created before this instant. */
  before: Instant,
  /** Created after this instant. */
  after: Instant,
  with_content: Flag.default(true),
})

/** The store's filter for a query's. */
export function messageFilter(consumerId: string, query: z.infer<typeof MessageFilterQuery>) {
  return {
    consumerId,
    channel: query.channel,
    tag: query.tag,
    eventTypes: query.event_types?.length === 0 ? undefined : query.event_types,
    createdFrom: query.after,
    createdUntil: query.before,
  }
}

const MessageIn = z
  .object({
    eventType: Name,
    payload: z.record(z.string(), z.unknown()),
    /** Unique within the application. */
    eventId: Name.nullish(),
    channels: z.array(Name).min(1).max(MESSAGE_CHANNELS_MAX).nullish(),
    tags: z.array(z.string().min(1).max(TAG_CHARS_MAX)).min(1).max(MESSAGE_TAGS_MAX).nullish(),
    /** One minute to one day from now. */
    deliverAt: z.iso.datetime({ offset: true }).nullish(),
    /** Days. */
    payloadRetentionPeriod: z.number().int().min(5).max(90).nullish(),
    payloadRetentionHours: z.number().int().min(1).max(2160).nullish(),
  })
  .openapi('MessageIn')

const create = operation('v1.message.create', {
  method: 'post',
  path: '/app/{app_id}/msg',
  request: { params: AppPath, query: z.object({ with_content: Flag.default(true) }), body: jsonBody(MessageIn) },
  responses: { 202: answer(MessageOut, 'Stored, with a delivery for every endpoint that wants it.') },
})

const list = operation('v1.message.list', {
  method: 'get',
  path: '/app/{app_id}/msg',
  request: { params: AppPath, query: PageQuery.extend(MessageFilterQuery.shape) },
  responses: { 200: answer(listOf(MessageOut), 'A page of messages, newest first.') },
})

const get = operation('v1.message.get', {
  method: 'get',
  path: '/app/{app_id}/msg/{msg_id}',
  request: { params: MessagePath, query: z.object({ with_content: Flag.default(true) }) },
  responses: { 200: answer(MessageOut, 'The message with this id or event id.') },
})

export function messageRoutes({ store }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()
  routes.openAPIRegistry.registerPath(create)

  routes.openapi(list, async (c) => {
    const query = c.req.valid('query')
    const consumer = await consumerOf(store, c.req.valid('param').app_id)
    const filter = messageFilter(consumer.id, query)
    const page = await pageOf<Message>({
      query,
      order: 'descending',
      id: (message) => message.id,
      fetch: (page) => store.listMessages({ ...filter, ...page }),
    })
    return c.json({ ...page, data: page.data.map((message) => messageOut(message, query.with_content)) }, 200)
  })

  routes.openapi(get, async (c) => {
    const message = await messageOf(store, c.req.valid('param'))
    return c.json(messageOut(message, c.req.valid('query').with_content), 200)
  })

  return routes
}

/** The message of this consumer by id or event id, or a 404. */
export async function messageOf(store: Store, path: { app_id: string; msg_id: string }): Promise<Message> {
  const consumer = await consumerOf(store, path.app_id)
  const message = await store.getMessage(consumer.id, path.msg_id)
  if (message === null || message.consumerId !== consumer.id) throw notFound('message')
  return message
}
