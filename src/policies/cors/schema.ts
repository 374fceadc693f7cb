/** What cors can be told. */
import { z } from 'zod'
import { anyHeaderName, duration } from '../schema.ts'
import { isOriginPattern } from './origins.ts'

export const corsConfig = z
  .strictObject({
    origins: z
      .array(
        z
          .string()
          .refine(isOriginPattern, { message: 'must be an origin: https://shop.example, https://*.shop.example or *' }),
      )
      .min(1)
      .describe('Origins that may call: exact, with `*.` for any subdomain, or `*` for all.'),
    methods: z
      .array(z.string().regex(/^[A-Z]+$/, 'must be a method in upper case'))
      .default(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
      .describe('Methods they may use.'),
    headers: z
      .array(anyHeaderName)
      .default(['*'])
      .describe('Request headers they may send; `*` allows whatever a preflight asks for.'),
    expose: z.array(anyHeaderName).default([]).describe('Answer headers that scripts may read, beyond the safe ones.'),
    credentials: z
      .boolean()
      .default(false)
      .describe('Let browsers send cookies and the like, and scripts see the answer.'),
    maxAge: duration.default('10m').describe('How long a browser may remember the answer to a preflight.'),
  })
  .refine(({ credentials, origins, expose }) => !credentials || ![...origins, ...expose].includes('*'), {
    message: 'cannot be true while `origins` or `expose` is `*`: name them',
    path: ['credentials'],
  })

export type CorsConfig = z.infer<typeof corsConfig>
