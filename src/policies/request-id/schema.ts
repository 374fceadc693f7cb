/** What request-id can be told. */
import { z } from 'zod'
import { headerName } from '../schema.ts'

export const requestIdConfig = z.strictObject({
  header: headerName.default('X-Request-Id').describe('The header that carries the id, in both directions.'),
  trust: z
    .boolean()
    .default(false)
    .describe('Keep the id that a request brings, if it is one line of 1 to 128 visible ASCII characters.'),
})

export type RequestIdConfig = z.infer<typeof requestIdConfig>
