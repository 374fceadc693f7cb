/** The shape of a route: what it matches, and the one way it ends. */
import { z } from 'zod'
import type { PolicyUse } from '../model/gateway.ts'
import { headerName, headerValue, hostPattern, leaf, method, size } from './leaves.ts'
import { pathPattern } from './path-pattern.ts'

/** The keys of which a route has exactly one. */
export const TARGETS = ['proxy', 'ingest', 'durable', 'publish', 'webhook-keys', 'reply', 'redirect'] as const

const match = z.union([
  pathPattern.transform((path) => ({ path, methods: [], hosts: [] })),
  z
    .strictObject({
      path: pathPattern,
      methods: z.array(method).min(1).optional().describe('None is every method.'),
      host: hostPattern.optional(),
      hosts: z.array(hostPattern).min(1).optional().describe('None is every host.'),
    })
    .transform(({ path, methods, host, hosts }, context) => {
      if (host !== undefined && hosts !== undefined)
        context.addIssue({ code: 'custom', message: 'must have `host` or `hosts`, not both' })
      return { path, methods: methods ?? [], hosts: hosts ?? (host === undefined ? [] : [host]) }
    }),
])

const refuseOrKeep = z.literal(['refuse', 'keep']).default('refuse')

const pathRules = z
  .strictObject({
    'encoded-slash': z.literal(['refuse', 'keep', 'decode']).default('refuse').describe('%2F in a path.'),
    backslash: refuseOrKeep.describe('\\ or %5C in a path; kept as %5C.'),
    semicolon: refuseOrKeep.describe('; or %3B in a path.'),
    'double-slash': z.literal(['merge', 'keep', 'refuse']).default('merge').describe('// in a path.'),
  })
  .transform((rules) => ({
    encodedSlash: rules['encoded-slash'],
    backslash: rules.backslash,
    semicolon: rules.semicolon,
    doubleSlash: rules['double-slash'],
  }))

const reply = z
  .strictObject({
    status: z.number().int().min(200).max(599).default(200),
    headers: z.record(headerName, headerValue).default({}),
    body: z
      .union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())])
      .default('')
      .describe('Text, or a mapping or list that is sent as JSON.'),
  })
  .superRefine(({ status, headers, body }, context) => {
    if (body !== '' && [204, 205, 304].includes(status))
      context.addIssue({ code: 'custom', path: ['body'], message: `an answer with status ${status} has no body` })
    for (const header of Object.keys(headers))
      if (FRAMING.test(header))
        context.addIssue({ code: 'custom', path: ['headers', header], message: 'is set by the gateway itself' })
  })

/** Fields that say how a message is framed; never an operator's to set (RFC 9112 §6). */
const FRAMING = /^(?:content-length|transfer-encoding|connection|keep-alive|upgrade|trailer|te)$/i

const location = leaf('a URL or a path: https://shop.example/new or /new', (text) => {
  const isUrl = /^https?:\/\//i.test(text) && URL.canParse(text)
  // `//host` and `/\host` would lead to another host.
  const isPath = /^\/(?![/\\])/.test(text)
  return /^[\x21-\x7e]+$/.test(text) && (isUrl || isPath) ? text : undefined
})

const redirect = z.union([
  location.transform((location) => ({ location, status: 302 })),
  z.strictObject({ location, status: z.literal([301, 302, 303, 307, 308]).default(302) }),
])

export function routeSchema(use: z.ZodType<PolicyUse>) {
  return z
    .strictObject({
      match,
      'path-rules': pathRules.prefault({}).describe('What becomes of paths that servers read in more than one way.'),
      policies: z.array(use).nullish().describe('After the global ones of their stage.'),
      'body-max': size.prefault('10MiB').describe('Largest request body; 0 is no bound.'),
      proxy: z.string().optional().describe('Ends at this service.'),
      ingest: z.string().optional().describe('Ends as a webhook of this source.'),
      durable: z.string().optional().describe('202 now; delivered to this service with retries.'),
      publish: z
        .strictObject({ event: z.string(), to: z.string().describe('The consumer.') })
        .optional()
        .describe('The body becomes a message.'),
      'webhook-keys': z
        .literal(true)
        .optional()
        .describe('The public keys of our signatures, event types and retries, at /.well-known/webhooks by custom.'),
      reply: reply.optional().describe('An answer of its own.'),
      redirect: redirect.optional(),
    })
    .meta({ oneOf: TARGETS.map((target) => ({ required: [target] })) })
}
