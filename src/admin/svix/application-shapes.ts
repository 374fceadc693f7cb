/** Applications in the webhook API: what bodies may say of them, and how they look. */
import { z } from '@hono/zod-openapi'
import { newId } from '../../base/ids.ts'
import type { Consumer } from '../../model/webhook.ts'
import { Stamp } from '../answers.ts'
import { stamp } from '../stamp.ts'
import { rateOf } from './endpoint-input.ts'
import { Metadata, Rate, Uid } from './fields.ts'

const AppName = z.string().min(1).max(256)

const common = {
  uid: Uid.nullish(),
  metadata: Metadata.optional(),
  throttleRate: Rate.nullish(),
  /** The older name of `throttleRate`; counts when that is absent. */
  rateLimit: Rate.nullish(),
}

export const ApplicationIn = z.object({ name: AppName, ...common }).openapi('ApplicationIn')

export const ApplicationPatch = z.object({ name: AppName.optional(), ...common }).openapi('ApplicationPatch')

export const ApplicationOut = z
  .object({
    id: z.string(),
    uid: z.string().nullable(),
    name: z.string(),
    metadata: z.record(z.string(), z.string()),
    /** Messages a second. */
    throttleRate: z.number().int().nullable(),
    rateLimit: z.number().int().nullable(),
    createdAt: Stamp,
    updatedAt: Stamp,
  })
  .openapi('ApplicationOut')

export function applicationOut(consumer: Consumer): z.infer<typeof ApplicationOut> {
  return {
    id: consumer.id,
    uid: consumer.uid,
    name: consumer.name,
    metadata: consumer.metadata,
    throttleRate: consumer.ratePerSecondMax,
    rateLimit: consumer.ratePerSecondMax,
    createdAt: stamp(consumer.createdAt),
    updatedAt: stamp(consumer.updatedAt),
  }
}

export function freshConsumer(input: z.infer<typeof ApplicationIn>, now: number): Consumer {
  return {
    id: newId('app_', now),
    uid: input.uid ?? null,
    name: input.name,
    metadata: input.metadata ?? {},
    ratePerSecondMax: rateOf(input) ?? null,
    createdAt: now,
    updatedAt: now,
  }
}
