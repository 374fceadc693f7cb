/** Trying things out: an example sent to one endpoint, and whether anybody would get a message. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { newId } from '../../base/ids.ts'
import { type Endpoint, type Message, wants } from '../../model/webhook.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { examplePayload } from './example.ts'
import { Name } from './fields.ts'
import { MessageOut, messageOut } from './message.ts'
import { MESSAGE_CHANNELS_MAX } from './names.ts'
import { conflict, invalid } from './refusal.ts'
import { AppPath, consumerOf, EndpointPath, endpointOf, operation, svixRouter } from './routes.ts'

/** Nobody leases it: it is stored as due. */
const NOBODY = 'example'
/** The event that Svix's clients send to see whether an endpoint is there. */
const PING = 'svix.ping'

const sendExample = operation('v1.endpoint.send-example', {
  method: 'post',
  path: '/app/{app_id}/endpoint/{endpoint_id}/send-example',
  request: {
    params: EndpointPath,
    body: jsonBody(
      z
        .object({
          eventType: Name,
          /** Which of several examples. */
          exampleIndex: z.number().int().min(0).default(0),
        })
        .openapi('EventExampleIn'),
    ),
  },
  responses: { 202: answer(MessageOut, 'Stored, for this endpoint alone.') },
})

const precheck = operation('v1.message.precheck', {
  method: 'post',
  path: '/app/{app_id}/msg/precheck/active',
  request: {
    params: AppPath,
    body: jsonBody(
      z
        .object({ eventType: Name, channels: z.array(Name).min(1).max(MESSAGE_CHANNELS_MAX).nullish() })
        .openapi('MessagePrecheckIn'),
    ),
  },
  responses: { 200: answer(z.object({ active: z.boolean() }).openapi('MessagePrecheckOut'), 'Does anybody listen?') },
})

export function tryingRoutes({ store, clock, wake }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  async function payloadOf(eventType: string, index: number): Promise<Record<string, unknown>> {
    if (eventType === PING) return { success: true }
    const known = await store.getEventType(eventType)
    if (known === null) throw invalid('eventType', 'There is no such event type.')
    const payload = examplePayload(known.schema, index)
    if (payload === undefined) throw invalid('eventType', 'The schema of this event type has no example.')
    return payload
  }

  async function send(endpoint: Endpoint, eventType: string, payload: Record<string, unknown>): Promise<Message> {
    const now = clock.now()
    const message: Message = {
      id: newId('msg_', now),
      consumerId: endpoint.consumerId,
      origin: null,
      eventType,
      eventId: null,
      channels: null,
      tags: null,
      deliverAt: null,
      expiresAt: null,
      expunged: false,
      payload: Buffer.from(JSON.stringify(payload)),
      received: null,
      createdAt: now,
    }
    const deliveries = [{ id: newId('dlv_', now), endpointId: endpoint.id, as: 'due' as const }]
    await store.append(NOBODY, [{ message, deliveries }])
    wake()
    return message
  }

  routes.openapi(sendExample, async (c) => {
    const { eventType, exampleIndex } = c.req.valid('json')
    const endpoint = await endpointOf(store, c.req.valid('param'))
    if (endpoint.disabled) throw conflict('The endpoint is disabled: enable it first.')
    const payload = await payloadOf(eventType, exampleIndex)
    return c.json(messageOut(await send(endpoint, eventType, payload), true), 202)
  })

  routes.openapi(precheck, async (c) => {
    const { eventType, channels = null } = c.req.valid('json')
    const { id } = await consumerOf(store, c.req.valid('param').app_id)
    for (let after: string | undefined; ;) {
      const page = await store.listEndpoints(id, { limit: 250, after })
      const active = page.some((one) => !one.disabled && wants(one, eventType, channels))
      if (active || page.length < 250) return c.json({ active }, 200)
      after = page.at(-1)?.id
    }
  })

  return routes
}
