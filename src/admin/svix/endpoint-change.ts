/** What bodies of requests make of an endpoint: a new one, one replaced, one changed. The ids and the times are the caller's. */
import type { z } from '@hono/zod-openapi'
import { newId } from '../../base/ids.ts'
import { PLAIN_SENDING } from '../../model/sending.ts'
import type { Endpoint } from '../../model/webhook.ts'
import {
  checkUrl,
  type EndpointIn,
  type EndpointPatch,
  type EndpointUpsertIn,
  rateOf,
  subscription,
} from './endpoint-input.ts'
import { secretOf } from './endpoint-secret.ts'

type EgressAllowed = (url: string) => string | null

/** Throws 422 when the URL or the secret cannot be. */
export function freshEndpoint(
  consumerId: string,
  input: z.infer<typeof EndpointIn>,
  now: number,
  egressAllowed: EgressAllowed,
): Endpoint {
  checkUrl(input.url, egressAllowed)
  return {
    id: newId('ep_', now),
    consumerId,
    uid: input.uid ?? null,
    headers: input.headers ?? {},
    secrets: [secretOf(input.secret, 'secret')],
    retiring: [],
    transformation: null,
    sending: PLAIN_SENDING,
    createdAt: now,
    ...replaceable(input, now),
  }
}

/** Secrets, headers and the transformation stay. */
export function replacedEndpoint(
  existing: Endpoint,
  input: z.infer<typeof EndpointUpsertIn>,
  now: number,
  egressAllowed: EgressAllowed,
): Endpoint {
  checkUrl(input.url, egressAllowed)
  const { uid = existing.uid } = input
  return { ...existing, uid, ...replaceable(input, now) }
}

export function patchedEndpoint(
  existing: Endpoint,
  input: z.infer<typeof EndpointPatch>,
  now: number,
  egressAllowed: EgressAllowed,
): Endpoint {
  if (input.url !== undefined) checkUrl(input.url, egressAllowed)
  const eventTypes = subscription(input)
  const rate = rateOf(input)
  return {
    ...existing,
    url: input.url ?? existing.url,
    uid: input.uid === undefined ? existing.uid : input.uid,
    description: input.description ?? existing.description,
    disabled: input.disabled ?? existing.disabled,
    eventTypes: eventTypes === undefined ? existing.eventTypes : eventTypes,
    channels: input.channels === undefined ? existing.channels : input.channels,
    ratePerSecondMax: rate === undefined ? existing.ratePerSecondMax : rate,
    metadata: input.metadata ?? existing.metadata,
    secrets: input.secret == null ? existing.secrets : [secretOf(input.secret, 'secret')],
    updatedAt: now,
  }
}

/** What a replacement sets, absent fields to their defaults. */
function replaceable(input: z.infer<typeof EndpointUpsertIn>, now: number) {
  return {
    url: input.url,
    description: input.description ?? '',
    disabled: input.disabled ?? false,
    eventTypes: subscription(input) ?? null,
    channels: input.channels ?? null,
    ratePerSecondMax: rateOf(input) ?? null,
    metadata: input.metadata ?? {},
    updatedAt: now,
  }
}
