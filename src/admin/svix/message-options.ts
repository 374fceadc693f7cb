/** What a publish request may say beside the event: tags, when it is to be delivered, how long its payload is kept. Checked by hand, as all of it. */
import { MESSAGE_TAGS_MAX, TAG_CHARS_MAX } from './names.ts'
import type { ValidationErrorItem } from './refusal.ts'

export interface MessageOptions {
  readonly tags: readonly string[] | null
  /** ms */
  readonly deliverAt: number | null
  readonly retentionMs: number | null
}

const NONE: MessageOptions = { tags: null, deliverAt: null, retentionMs: null }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** As Svix has it; hours are for less. */
const RETENTION_DAYS_MIN = 5
const RETENTION_MS_MAX = 90 * DAY_MS
/** From now. */
const DELAY_MS = { min: 60_000, max: DAY_MS }

/** The options of a body, or what is wrong with them. */
export function messageOptions(
  body: Readonly<Record<string, unknown>>,
  now: () => number,
): MessageOptions | ValidationErrorItem {
  const {
    tags = null,
    deliverAt = null,
    payloadRetentionPeriod: days = null,
    payloadRetentionHours: hours = null,
  } = body
  if (tags === null && deliverAt === null && days === null && hours === null) return NONE
  if (tags !== null && !isTags(tags)) {
    return fault(
      'tags',
      `1 to ${MESSAGE_TAGS_MAX} tags of 1 to ${TAG_CHARS_MAX} characters, without control characters.`,
    )
  }
  if (days !== null && hours !== null) return fault('payloadRetentionHours', 'Either hours or days.')
  if (days !== null && !isCount(days, RETENTION_DAYS_MIN, RETENTION_MS_MAX / DAY_MS))
    return fault('payloadRetentionPeriod', 'Whole days, 5 to 90.')
  if (hours !== null && !isCount(hours, 1, RETENTION_MS_MAX / HOUR_MS))
    return fault('payloadRetentionHours', 'Whole hours, 1 to 2160.')
  const at = deliverAt === null ? null : instantOf(deliverAt)
  if (at !== null) {
    const delayMs = at - now()
    // What has no number is within no bounds.
    if (!(delayMs >= DELAY_MS.min && delayMs <= DELAY_MS.max))
      return fault('deliverAt', 'An instant one minute to one day from now.')
  }
  const retentionMs = days === null ? (hours === null ? null : hours * HOUR_MS) : days * DAY_MS
  return { tags: tags && [...new Set(tags)], deliverAt: at, retentionMs }
}

function isTags(value: unknown): value is string[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MESSAGE_TAGS_MAX) return false
  return value.every(
    (tag) => typeof tag === 'string' && tag !== '' && tag.length <= TAG_CHARS_MAX && !/\p{Cc}/u.test(tag),
  )
}

function isCount(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}

/** An instant as ISO 8601 writes it, with its zone; NaN for anything else. */
function instantOf(value: unknown): number {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(value))
    return Number.NaN
  return Date.parse(value)
}

function fault(field: string, msg: string): ValidationErrorItem {
  return { loc: ['body', field], msg, type: 'value_error' }
}
