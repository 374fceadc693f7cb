/** Every policy there is, as engine threads run them: without the schemas, and without what reads schemas. */
import type { PolicyType } from '../pipeline/policy.ts'
import { clientCert } from './client-cert/client-cert.ts'
import { cors } from './cors/cors.ts'
import { emit } from './emit/emit.ts'
import { headers } from './headers/headers.ts'
import { ipRestriction } from './ip-restriction/ip-restriction.ts'
import { keyAuth } from './key-auth/key-auth.ts'
import { rateLimit } from './rate-limit/rate-limit.ts'
import { requestId } from './request-id/request-id.ts'

/** In the order of their stages. Each one's `create` takes what its own schema has parsed. */
export const POLICIES: readonly PolicyType<unknown>[] = [
  requestId,
  cors,
  ipRestriction,
  clientCert,
  keyAuth,
  rateLimit,
  headers,
  emit,
]

/** The policy with this name, or null. */
export function policyNamed(name: string): PolicyType<unknown> | null {
  return POLICIES.find((policy) => policy.name === name) ?? null
}
