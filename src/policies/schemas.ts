/** Every policy with its schema: the one list from which the file, the editor, the reference and the API know them. */
import type { z } from 'zod'
import type { PolicyType } from '../pipeline/policy.ts'
import type { Stage } from '../pipeline/stages.ts'
import { clientCert } from './client-cert/client-cert.ts'
import { clientCertConfig } from './client-cert/schema.ts'
import { cors } from './cors/cors.ts'
import { corsConfig } from './cors/schema.ts'
import { emit } from './emit/emit.ts'
import { emitConfig } from './emit/schema.ts'
import { headers } from './headers/headers.ts'
import { headersConfig } from './headers/schema.ts'
import { ipRestriction } from './ip-restriction/ip-restriction.ts'
import { ipRestrictionConfig } from './ip-restriction/schema.ts'
import { keyAuth } from './key-auth/key-auth.ts'
import { keyAuthConfig } from './key-auth/schema.ts'
import { rateLimit } from './rate-limit/rate-limit.ts'
import { rateLimitConfig } from './rate-limit/schema.ts'
import { requestId } from './request-id/request-id.ts'
import { requestIdConfig } from './request-id/schema.ts'

/** What is known of a policy without running it. */
export interface DocumentedPolicy {
  /** As written in the file. */
  readonly name: string
  readonly stage: Stage
  /** Validates the configuration and documents it: the one source of the editor's schema, the reference page and the form. */
  readonly config: z.ZodType
}

/** In the order of their stages. */
export const DOCUMENTED_POLICIES: readonly DocumentedPolicy[] = [
  documented(requestId, requestIdConfig),
  documented(cors, corsConfig),
  documented(ipRestriction, ipRestrictionConfig),
  documented(clientCert, clientCertConfig),
  documented(keyAuth, keyAuthConfig),
  documented(rateLimit, rateLimitConfig),
  documented(headers, headersConfig),
  documented(emit, emitConfig),
]

/** What the schema parses has to be what `create` takes. */
function documented<C>({ name, stage }: PolicyType<C>, config: z.ZodType<NoInfer<C>>): DocumentedPolicy {
  return { name, stage, config }
}
