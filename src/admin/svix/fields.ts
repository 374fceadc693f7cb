/** The fields that several resources of the webhook API share: their rules, and how they look in answers. */
import { z } from '@hono/zod-openapi'
import { OPERATIONAL_CONSUMER } from '../../model/webhook.ts'
import { CHANNEL_CHARS_MAX, NAME_CHARS_MAX, NAME_PATTERN } from './names.ts'

const ENDPOINT_CHANNELS_MAX = 10
const METADATA_BYTES_MAX = 4096

/** What `newId` makes; a uid of this form could not be told from an id. */
const ID_PATTERN = /^(app|ep)_[0-9A-Za-z]{27}$/

export const Name = z.string().regex(NAME_PATTERN).max(NAME_CHARS_MAX)
const Channel = z.string().regex(NAME_PATTERN).max(CHANNEL_CHARS_MAX)

export const Uid = Name.refine((uid) => !ID_PATTERN.test(uid) && uid !== OPERATIONAL_CONSUMER, {
  message: 'A uid must not look like an id.',
})
export const Description = z.string().max(4096)
/** A bound on messages a second. */
export const Rate = z.number().int().min(1).max(1_000_000)
export const Metadata = z
  .record(z.string(), z.string())
  .refine((data) => Buffer.byteLength(JSON.stringify(data)) <= METADATA_BYTES_MAX, {
    message: `Metadata is at most ${METADATA_BYTES_MAX} bytes of JSON.`,
  })

const distinct = (items: string[]): string[] => [...new Set(items)]

/** What an endpoint subscribes to; null is all, an empty list would be nothing and is refused. */
export const EventTypes = z.array(Name).min(1).transform(distinct)
export const Channels = z.array(Channel).min(1).max(ENDPOINT_CHANNELS_MAX).transform(distinct)

/** A list in a query: `a,b`, the parameter repeated, or both. */
export const NameList = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [given].flat().flatMap((part) => part.split(',').filter((name) => name !== '')))
  .optional()

/** `true` or `false` in a query. */
export const Flag = z.stringbool({ truthy: ['true'], falsy: ['false'] })

/** An instant, ISO 8601; becomes ms. */
export const BodyInstant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

/** The same in a query, where it may be left out. */
export const Instant = BodyInstant.optional()
