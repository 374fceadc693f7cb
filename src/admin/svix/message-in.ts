/** The body of a publish request, checked by hand: engines check ten thousand a second, and a schema library costs more than that leaves. */
import { isUtf8 } from 'node:buffer'
import { CHANNEL_CHARS_MAX, MESSAGE_CHANNELS_MAX, NAME_CHARS_MAX, NAME_PATTERN } from './names.ts'
import { type MessageOptions, messageOptions } from './message-options.ts'
import { memberText } from './payload-span.ts'
import type { ValidationErrorItem } from './refusal.ts'

export interface MessageIn extends MessageOptions {
  readonly eventType: string
  readonly eventId: string | null
  readonly channels: readonly string[] | null
  /** The exact text to deliver. */
  readonly payload: string
  /** The payload was given as a string and need not be JSON. */
  readonly raw: boolean
}

const NOT_JSON: ValidationErrorItem = { loc: ['body'], msg: 'The body is not JSON.', type: 'value_error.jsondecode' }

/** The message, or what is wrong with it. */
export function parseMessageIn(bytes: Uint8Array, now: () => number): MessageIn | ValidationErrorItem {
  // Decoding would replace bytes that are not UTF-8, and deliver something else than was sent.
  if (!isUtf8(bytes)) return NOT_JSON
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return NOT_JSON
  }
  if (!isObject(body)) return fault(null, 'The body must be an object.')
  const { eventType, eventId = null, channels = null, payload } = body
  if (!isName(eventType, NAME_CHARS_MAX)) return fault('eventType', nameRule(NAME_CHARS_MAX))
  if (eventId !== null && !isName(eventId, NAME_CHARS_MAX)) return fault('eventId', nameRule(NAME_CHARS_MAX))
  if (channels !== null && !isChannels(channels)) {
    return fault('channels', `1 to ${MESSAGE_CHANNELS_MAX} channels. Each: ${nameRule(CHANNEL_CHARS_MAX)}`)
  }
  if (!isObject(payload)) return fault('payload', 'The payload must be an object.')
  const refused = refusedOption(body)
  if (refused !== null) return refused
  const options = messageOptions(body, now)
  if ('loc' in options) return options
  const raw = rawPayload(body)
  return { eventType, eventId, channels, payload: raw ?? memberText(text, 'payload')!, raw: raw !== null, ...options }
}

/** What Postern cannot honour is refused rather than ignored when ignoring it would deliver the wrong thing. */
function refusedOption(body: Record<string, unknown>): ValidationErrorItem | null {
  const params = body['transformationsParams']
  if (isObject(params) && params['headers'] != null) {
    return fault('transformationsParams', 'Headers for one message are not offered.')
  }
  return null
}

/** A payload that is delivered as it is, JSON or not: what Svix clients' `messageInRaw` sends. */
function rawPayload(body: Record<string, unknown>): string | null {
  const params = body['transformationsParams']
  return isObject(params) && typeof params['rawPayload'] === 'string' ? params['rawPayload'] : null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isName(value: unknown, charsMax: number): value is string {
  return typeof value === 'string' && value.length <= charsMax && NAME_PATTERN.test(value)
}

function isChannels(value: unknown): value is string[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MESSAGE_CHANNELS_MAX) return false
  return value.every((channel) => isName(channel, CHANNEL_CHARS_MAX))
}

const nameRule = (charsMax: number): string => `1 to ${charsMax} letters, digits, hyphens, underscores or full stops.`

function fault(field: string | null, msg: string): ValidationErrorItem {
  return { loc: field === null ? ['body'] : ['body', field], msg, type: 'value_error' }
}
