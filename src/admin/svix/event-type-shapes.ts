/** Event types in the webhook API: what bodies may say of them, and how they look. */
import { z } from '@hono/zod-openapi'
import type { EventType } from '../../model/webhook.ts'
import { Stamp } from '../answers.ts'
import { stamp } from '../stamp.ts'
import { Description, Name } from './fields.ts'

/** Lists page by name, and a hyphen in front of one would read as the iterator of the page before. */
export const EventTypeName = Name.refine((name) => !name.startsWith('-'), {
  message: 'A name does not begin with a hyphen.',
})

const FeatureFlags = z.array(Name).max(50)

const upsertFields = {
  description: Description,
  archived: z.boolean().default(false),
  deprecated: z.boolean().default(false),
  groupName: Name.nullish(),
  featureFlags: FeatureFlags.nullish(),
  /** JSON Schema by version: `{"1": {…}}`. */
  schemas: z.unknown().optional(),
}

export const EventTypeIn = z.object({ name: EventTypeName, ...upsertFields }).openapi('EventTypeIn')
export const EventTypeUpsertIn = z.object(upsertFields).openapi('EventTypeUpsertIn')
export const EventTypePatch = z
  .object({
    description: Description.optional(),
    archived: z.boolean().optional(),
    deprecated: z.boolean().optional(),
    groupName: Name.nullish(),
    featureFlags: FeatureFlags.nullish(),
    schemas: z.unknown().optional(),
  })
  .openapi('EventTypePatch')

export const EventTypeOut = z
  .object({
    name: z.string(),
    description: z.string(),
    archived: z.boolean(),
    deprecated: z.boolean(),
    groupName: z.string().nullable(),
    featureFlags: z.array(z.string()),
    /** The first of them, for clients that know one. */
    featureFlag: z.string().nullable(),
    schemas: z.unknown(),
    createdAt: Stamp,
    updatedAt: Stamp,
  })
  .openapi('EventTypeOut')

export function eventTypeOut(eventType: EventType, withContent = true) {
  return {
    name: eventType.name,
    description: eventType.description,
    archived: eventType.archived,
    deprecated: eventType.deprecated,
    groupName: eventType.groupName,
    featureFlags: [...eventType.featureFlags],
    featureFlag: eventType.featureFlags[0] ?? null,
    schemas: withContent ? eventType.schema : null,
    createdAt: stamp(eventType.createdAt),
    updatedAt: stamp(eventType.updatedAt),
  }
}

/** One with this name as the body has it; when it was there before it keeps when it was made. */
export function eventTypeOf(
  name: string,
  input: z.infer<typeof EventTypeUpsertIn>,
  existing: EventType | null,
  now: number,
): EventType {
  const { description, archived, deprecated, schemas = null } = input
  const shown = { groupName: input.groupName ?? null, featureFlags: input.featureFlags ?? [] }
  const times = { createdAt: existing?.createdAt ?? now, updatedAt: now }
  return { name, description, archived, deprecated, schema: schemas, ...shown, ...times }
}
