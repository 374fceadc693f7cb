/** Policies for tests of the configuration: schemas of the usual kinds, and nothing that acts. */
import { z } from 'zod'
import { type PolicyType, definePolicy } from '../../../src/pipeline/policy.ts'

const NOTHING = {}
const create = () => NOTHING

export const TEST_POLICIES: ReadonlyArray<PolicyType<unknown>> = [
  definePolicy({ name: 'request-id', stage: 'observe', config: z.strictObject({}), create }),
  definePolicy({
    name: 'cors',
    stage: 'guard',
    config: z.strictObject({
      origins: z.union([z.literal('*'), z.array(z.string())]),
      credentials: z.boolean().default(false),
    }),
    create,
  }),
  definePolicy({
    name: 'key-auth',
    stage: 'authenticate',
    config: z.strictObject({ header: z.string().default('x-api-key') }),
    create,
  }),
  definePolicy({
    name: 'rate-limit',
    stage: 'limit',
    config: z.strictObject({
      limit: z.number().int().min(1),
      per: z.string().regex(/^\d+[smhd]$/, 'must be a period: 1s, 1m, 1h or 1d'),
      by: z.union([z.enum(['consumer', 'address']), z.strictObject({ header: z.string() })]).default('address'),
    }),
    create,
  }),
  definePolicy({
    name: 'emit',
    stage: 'transform',
    config: z.strictObject({ event: z.string(), payload: z.string().optional() }),
    create,
  }),
]
