/** Publishing a message, `POST …/app/{app}/msg`: called by engine threads directly, because it is hot. */
import type { Clock } from '../../base/clock.ts'
import type { Consumer, Message } from '../../model/webhook.ts'
import type { MessageFault } from '../../webhooks/catalogue.ts'
import { json, type Reply } from '../../pipeline/reply.ts'
import { stamp } from '../stamp.ts'
import { type MessageIn, parseMessageIn } from './message-in.ts'
import type { MessageOptions } from './message-options.ts'

export interface PublishInput extends MessageOptions {
  readonly consumer: Consumer
  readonly eventType: string
  readonly eventId: string | null
  readonly channels: readonly string[] | null
  /** The exact bytes to deliver. */
  readonly payload: Uint8Array
  /** One of them, or neither: what the request said of which request it is. */
  readonly idempotencyKey: string | null
  readonly retryKey: string | null
}

/** Stored and durable, or the id of the message that has this event id already, or that came with this key. */
export type Published =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly existingId: string; readonly repeats: boolean }

export interface PublishDeps {
  readonly directory: {
    consumerByIdOrUid(key: string): Consumer | null
  }
  readonly clock: Clock
  /** Why the event types say no to this message; null when they do not. */
  readonly fault: (eventType: string, payload: string) => MessageFault | null
  readonly publish: (input: PublishInput) => Promise<Published>
  readonly message: (id: string) => Promise<Message | null>
}

/**
 * `body` is the request's; `withContent` is its query's `with_content`, true when absent; `key` its `Idempotency-Key`. The caller has
 * checked the token.
 */
export type Publish = (appIdOrUid: string, body: Uint8Array, withContent: boolean, key: string | null) => Promise<Reply>

const CODE = 'publish'
const KEY_CHARS_MAX = 256
/** How Svix's clients begin the keys that they make for each call, when nobody has chosen one. */
const RETRY_KEY = 'auto_'

/**
 * Answers as Svix does: 202 with the message, 404 for an unknown application, 409 for an event id that is taken, 422 for what is
 * not a message; 202 again for the same request under the same key, and 409 for another. What `publish` throws is the caller's to answer.
 */
export function createPublish({ directory, clock, fault, publish, message }: PublishDeps): Publish {
  const now = () => clock.now()
  return async (appIdOrUid, body, withContent, key) => {
    const consumer = directory.consumerByIdOrUid(appIdOrUid)
    if (consumer === null) return UNKNOWN_APPLICATION
    if (key !== null && key.length > KEY_CHARS_MAX) return KEY_TOO_LONG
    const input = parseMessageIn(body, now)
    if ('loc' in input) return json(422, { detail: [input] }, 'validation')
    const { eventType, eventId, channels, tags, deliverAt, retentionMs } = input
    const refused = fault(eventType, input.payload)
    if (refused !== null) return refusedByType(refused)
    const isRetryKey = key !== null && key.startsWith(RETRY_KEY)
    const asked: PublishInput = {
      consumer,
      eventType,
      eventId,
      channels,
      tags,
      deliverAt,
      retentionMs,
      payload: Buffer.from(input.payload),
      idempotencyKey: isRetryKey ? null : key,
      retryKey: isRetryKey ? key : null,
    }
    const published = await publish(asked)
    const content = withContent ? shown(input) : '{}'
    if (published.ok) return accepted(published.message, content)
    if (!published.repeats) return taken(published.existingId)
    const before = await message(published.existingId)
    return before !== null && isSame(before, asked) ? accepted(before, content) : KEY_REUSED
  }
}

/** Has this request made that message? Of a payload that has gone nothing can be said. */
function isSame(before: Message, asked: PublishInput): boolean {
  const { eventType, eventId, deliverAt, payload, retentionMs } = asked
  if (before.eventType !== eventType || before.eventId !== eventId || before.deliverAt !== deliverAt) return false
  if (!before.expunged && Buffer.compare(before.payload, payload) !== 0) return false
  if ((before.expiresAt === null ? null : before.expiresAt - before.createdAt) !== retentionMs) return false
  return isSameList(before.channels, asked.channels) && isSameList(before.tags, asked.tags)
}

const isSameList = (a: readonly string[] | null, b: readonly string[] | null): boolean =>
  a?.length === b?.length && (a?.every((one, i) => one === b![i]) ?? true)

const KEY_TOO_LONG = json(
  422,
  {
    detail: [{ loc: ['header', 'idempotency-key'], msg: `At most ${KEY_CHARS_MAX} characters.`, type: 'value_error' }],
  },
  'validation',
)

const KEY_REUSED = json(
  409,
  { code: 'idempotency_key_reused', detail: 'Another message was published with this Idempotency-Key.' },
  'conflict',
)

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
    tags: message.tags,
    deliverAt: message.deliverAt === null ? null : stamp(message.deliverAt),
    timestamp: stamp(message.createdAt),
  }
  const body = `{"payload":${payload},${JSON.stringify(rest).slice(1)}`
  return { status: 202, headers: ['Content-Type', 'application/json'], body, code: CODE }
}
