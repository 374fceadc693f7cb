/** How endpoints look in the webhook API. */
import { z } from '@hono/zod-openapi'
import type { Endpoint } from '../../model/webhook.ts'
import { Stamp } from '../answers.ts'
import { stamp } from '../stamp.ts'

export const endpointFields = {
  id: z.string(),
  uid: z.string().nullable(),
  url: z.string(),
  description: z.string(),
  disabled: z.boolean(),
  eventTypes: z.array(z.string()).nullable(),
  /** The same under its name in 1.x. */
  filterTypes: z.array(z.string()).nullable(),
  channels: z.array(z.string()).nullable(),
  /** Messages a second. */
  throttleRate: z.number().int().nullable(),
  /** The same under its older name in 1.x. */
  rateLimit: z.number().int().nullable(),
  /** For 1.x. */
  version: z.literal(1),
  createdAt: Stamp,
  updatedAt: Stamp,
}

export const EndpointOut = z
  .object({ ...endpointFields, metadata: z.record(z.string(), z.string()) })
  .openapi('EndpointOut')

export function endpointOut(endpoint: Endpoint): z.infer<typeof EndpointOut> {
  const eventTypes = endpoint.eventTypes && [...endpoint.eventTypes]
  return {
    id: endpoint.id,
    uid: endpoint.uid,
    url: endpoint.url,
    description: endpoint.description,
    disabled: endpoint.disabled,
    eventTypes,
    filterTypes: eventTypes,
    channels: endpoint.channels && [...endpoint.channels],
    throttleRate: endpoint.ratePerSecondMax,
    rateLimit: endpoint.ratePerSecondMax,
    version: 1,
    metadata: endpoint.metadata,
    createdAt: stamp(endpoint.createdAt),
    updatedAt: stamp(endpoint.updatedAt),
  }
}
