/** What rate-limit can be told. */
import { z } from 'zod'
import { duration, headerName } from '../schema.ts'

const by = z.union([z.enum(['consumer', 'ip']), z.strictObject({ header: headerName })])

export const rateLimitConfig = z.strictObject({
  limit: z.int().min(1).max(1e9).describe('Requests per `per`, evenly refilled.'),
  per: duration.describe('The time in which `limit` requests may be made: `1s`, `1m`, `1h`, `500ms`.'),
  burst: z.int().min(1).max(1e9).optional().describe('How many may come at once; `limit` if not given.'),
  by: by
    .default('consumer')
    .describe(
      'Whom to count: the `consumer` (the address when there is none), the `ip`, or who sends the same value in `header`.',
    ),
  name: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, 'must be lower-case letters, digits and hyphens')
    .default('default')
    .describe('What the limit is called in the headers; give names where two limits act on one request.'),
})

export type RateLimitConfig = z.infer<typeof rateLimitConfig>
