/** Policies for tests of the configuration: schemas of the usual kinds. */
import { z } from 'zod'
import type { DocumentedPolicy } from '../../../src/policies/schemas.ts'

export const TEST_POLICIES: readonly DocumentedPolicy[] = [
  { name: 'request-id', stage: 'observe', config: z.strictObject({}) },
  {
    name: 'cors',
    stage: 'guard',
    config: z.strictObject({
      origins: z.union([z.literal('*'), z.array(z.string())]),
      credentials: z.boolean().default(false),
    }),
  },
  {
    name: 'key-auth',
    stage: 'authenticate',
    config: z.strictObject({ header: z.string().default('x-api-key') }),
  },
  {
    name: 'rate-limit',
    stage: 'limit',
    config: z.strictObject({
      limit: z.number().int().min(1),
      per: z.string().regex(/^\d+[smhd]$/, 'must be a period: 1s, 1m, 1h or 1d'),
      by: z.union([z.enum(['consumer', 'address']), z.strictObject({ header: z.string() })]).default('address'),
    }),
  },
  {
    name: 'emit',
    stage: 'transform',
    config: z.strictObject({ event: z.string(), payload: z.string().optional() }),
  },
]
