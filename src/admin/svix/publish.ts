/** Publishing a message, `POST …/app/{app}/msg`: called by engine threads directly, because it is hot. */
import type { Consumer, Message } from '../../model/webhook.ts'
import type { MessageFault } from '../../webhooks/catalogue.ts'
import { json, type Reply } from '../../pipeline/reply.ts'
import { stamp } from '../stamp.ts'
import { type MessageIn, parseMessageIn } from './message-in.ts'

export interface PublishInput {
  readonly consumer: Consumer
  readonly eventType: string
  readonly eventId: string | null
  readonly channels: readonly string[] | null
  /** The exact bytes to deliver. */
  readonly payload: Uint8Array
}

/** Stored and durable, or the id of the message that has this event id already. */
export type Published =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly existingId: string }

export interface PublishDeps {
  readonly directory: {
    consumerByIdOrUid(key: string): Consumer | null
  }
  /** Why the event types say no to this message; null when they do not. */
  readonly fault: (eventType: string, payload: string) => MessageFault | null
  readonly publish: (input: PublishInput) => Promise<Published>
}

/** `body` is the request's; `withContent` is its query's `with_content`, true when absent. The caller has checked the token. */
export type Publish = (appIdOrUid: string, body: Uint8Array, withContent: boolean) => Promise<Reply>

const CODE = 'publish'

/**
 * Answers as Svix does: 202 with the message, 404 for an unknown application, 409 for an event id that is taken, 422 for what is
 * not a message. Event types that nobody registered are accepted. What `publish` throws is the caller's to answer.
 */
export function createPublish({ directory, fault, publish }: PublishDeps): Publish {
  return async (appIdOrUid, body, withContent) => {
    const consumer = directory.consumerByIdOrUid(appIdOrUid)
    if (consumer === null) return UNKNOWN_APPLICATION
    const input = parseMessageIn(body)
    if ('loc' in input) return json(422, { detail: [input] }, 'validation')
    const { eventType, eventId, channels } = input
    const refused = fault(eventType, input.payload)
    if (refused !== null) return refusedByType(refused)
    const published = await publish({ consumer, eventType, eventId, channels, payload: Buffer.from(input.payload) })
    if (!published.ok) return taken(published.existingId)
    return accepted(published.message, withContent ? shown(input) : '{}')
  }
}

export const UNKNOWN_APPLICATION = json(
  404,
  { code: 'not_found', detail: 'There is no such application.' },
  'not-found',
)

const refusedByType = ({ field, path, msg }: MessageFault): Reply =>
  json(422, { detail: [{ loc: ['body', field, ...path], msg, type: 'value_error.schema' }] }, 'validation')

const taken = (existingId: string): Reply =>
  json(409, { code: 'conflict', detail: `The message ${existingId} has this eventId.` }, 'conflict')

/** As reading the message shows it: JSON as it is, anything else as a string. */
function shown({ payload, raw }: MessageIn): string {
  if (!raw) return payload
  try {
    JSON.parse(payload)
    return payload
  } catch {
    return JSON.stringify(payload)
  }
}

/** The payload is put in as text: parsing and writing it again would cost its length twice. */
function accepted(message: Message, payload: string): Reply {
  const rest = {
    id: message.id,
    eventId: message.eventId,
    eventType: message.eventType,
    channels: message.channels,
    tags: null,
    deliverAt: null,
    timestamp: stamp(message.createdAt),
  }
  const body = `{"payload":${payload},${JSON.stringify(rest).slice(1)}`
  return { status: 202, headers: ['Content-Type', 'application/json'], body, code: CODE }
}
