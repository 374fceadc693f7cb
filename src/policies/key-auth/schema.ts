/** What key-auth can be told. */
import { z } from 'zod'
import { headerName } from '../schema.ts'

export const keyAuthConfig = z.strictObject({
  header: headerName.default('X-API-Key').describe('The header that carries the key.'),
  bearer: z.boolean().default(false).describe('Take the key from `Authorization: Bearer …` too.'),
  query: z
    .string()
    .min(1)
    .optional()
    .describe('Take the key from this query parameter too. Queries end up in logs and histories: prefer a header.'),
  hide: z.boolean().default(true).describe('Keep the key from the upstream.'),
})

export type KeyAuthConfig = z.infer<typeof keyAuthConfig>
