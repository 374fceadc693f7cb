/** Third parties' webhooks: verified over the raw bytes, stored once however often they come, answered, then delivered to services. */
import type { Clock } from '../base/clock.ts'
import { type Problem, PROBLEMS } from '../base/problem.ts'
import type { SourceSpec } from '../model/gateway.ts'
import type { Received } from '../model/webhook.ts'
import { type Reply, json, refuse } from '../pipeline/reply.ts'
import { type Keys, prepareKeys } from '../signatures/keys.ts'
import { providerById } from '../signatures/providers/index.ts'
import type { Scheme } from '../signatures/scheme.ts'
import { verify } from '../signatures/verify.ts'
import type { Accept } from './accept.ts'
import { serviceEndpointId } from './directory.ts'

interface LiveSource {
  readonly spec: SourceSpec
  readonly scheme: Scheme
  readonly keys: Keys
}

export type Sources = ReadonlyMap<string, LiveSource>

/** Throws InvalidSecret, and for a provider that is not known. */
export function compileSources(specs: Readonly<Record<string, SourceSpec>>): Sources {
  return new Map(
    Object.values(specs).map((spec) => {
      const scheme = providerById(spec.provider)
      if (scheme === null) throw new Error(`no provider is named ${spec.provider}`)
      return [spec.name, { spec, scheme, keys: prepareKeys(scheme, spec.secrets) }]
    }),
  )
}

const PROBLEM_OF: Readonly<Record<'missing' | 'malformed' | 'expired' | 'mismatch', Problem>> = {
  missing: PROBLEMS.signatureMissing,
  malformed: PROBLEMS.signatureInvalid,
  expired: PROBLEMS.signatureExpired,
  mismatch: PROBLEMS.signatureInvalid,
}

/** Takes in one webhook for `source`. Unsigned or altered: refused, nothing stored. Seen before: 200 again, delivered once. */
export async function ingest(
  source: LiveSource,
  received: Received,
  body: Uint8Array,
  accept: Accept,
  clock: Clock,
): Promise<Reply> {
  const { spec, scheme, keys } = source
  const verdict = verify(scheme, { header: (name) => valuesOf(received.headers, name), body }, keys, clock.now())
  if (!verdict.ok) return refuse(PROBLEM_OF[verdict.reason])
  const eventType = verdict.eventType ?? 'unknown'
  const wanting = spec.deliver.filter((one) => one.events.length === 0 || one.events.includes(eventType))
  const accepted = await accept({
    consumerId: null,
    origin: `source:${spec.name}`,
    eventType,
    eventId: verdict.eventId,
    channels: null,
    payload: body,
    received,
    to: wanting.map((one) => serviceEndpointId(one.service, one.path)),
  })
  return accepted.ok
    ? json(200, { id: accepted.message.id }, 'ingested')
    : json(200, { id: accepted.existingId, duplicate: true }, 'duplicate')
}

function valuesOf(headers: readonly string[], name: string): string[] {
  const out: string[] = []
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.toLowerCase() === name) out.push(headers[i + 1]!)
  return out
}
