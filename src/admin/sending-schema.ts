/** How an endpoint's sending may be set: shapes, and rules that a shape cannot say. Secrets go in and never come out. */
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import type { DestinationAuth, Sending } from '../model/sending.ts'
import { InvalidSecret, prepareKeys } from '../signatures/keys.ts'
import { PROVIDERS, providerById } from '../signatures/providers/index.ts'
import { standardWebhooks } from '../signatures/providers/standard-webhooks.ts'
import { isFieldValue } from '../wire/outgoing.ts'

const TEXT_MAX = 8_192
const text = z.string().min(1).max(TEXT_MAX)
/** What can be one header line. */
const line = text.refine(isFieldValue, { error: 'cannot be written as one header line' })
const tokenUrl = text.refine((url) => /^https?:\/\/[^@]+$/i.test(url) && URL.canParse(url), {
  error: 'must be an http or https URL without credentials',
})

const Auth = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('basic'),
    username: text.regex(/^[^:]*$/, 'must not hold a colon'),
    password: text,
  }),
  z.strictObject({ kind: z.literal('bearer'), token: line.regex(/^[\x21-\x7e]+$/, 'must be visible ASCII') }),
  z.strictObject({
    kind: z.literal('header'),
    name: z
      .string()
      .regex(
        /^(?!webhook-|svix-|content-|transfer-|host$|connection$)[\w!#$%&'*+.^`|~-]{1,100}$/i,
        'is no header of yours to set',
      ),
    value: line,
  }),
  z.strictObject({
    kind: z.literal('oauth2'),
    tokenUrl,
    clientId: text,
    clientSecret: text,
    scope: z.string().max(TEXT_MAX).default(''),
    audience: z.string().max(TEXT_MAX).default(''),
    clientAuth: z.enum(['basic', 'body']).default('basic'),
  }),
])

const Scheme = z
  .strictObject({
    /** Instead of the endpoint's own. */
    provider: z.enum(PROVIDERS.filter((one) => one !== standardWebhooks).map((one) => one.id)),
    secrets: z.array(text).max(10).default([]),
  })
  .superRefine(({ provider, secrets }, context) => {
    if (secrets.length === 0) return
    try {
      prepareKeys(providerById(provider)!, secrets)
    } catch (error) {
      if (!(error instanceof InvalidSecret)) throw error
      context.addIssue({ code: 'custom', path: ['secrets'], message: error.message })
    }
  })

const ClientCertificate = z
  .strictObject({ certificate: z.string().max(65_536), key: z.string().max(65_536) })
  .superRefine(({ certificate, key }, context) => {
    try {
      if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) return
      context.addIssue('The key is not that of the certificate.')
    } catch {
      context.addIssue('Certificate and key must be PEM.')
    }
  })

/** What is absent stays as it is. */
export const SendingPatch = z
  .strictObject({
    headerPrefixes: z
      .array(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'is lower case letters, digits and hyphens'))
      .max(4)
      .refine((names) => new Set(names).size === names.length, { error: 'A name is there twice.' })
      .exactOptional(),
    scheme: Scheme.nullable().exactOptional(),
    auth: Auth.nullable().exactOptional(),
    clientCertificate: ClientCertificate.nullable().exactOptional(),
    format: z.enum(['plain', 'cloudevents-structured', 'cloudevents-binary']).exactOptional(),
    filter: z.unknown().exactOptional(),
  })
  .openapi('SendingPatch')

export const SendingOut = z
  .object({
    headerPrefixes: z.array(z.string()),
    /** How many secrets of its own. */
    scheme: z.object({ provider: z.string(), secrets: z.number().int() }).nullable(),
    /** Without what is secret in it. */
    auth: z.record(z.string(), z.string()).nullable(),
    clientCertificate: z.object({ certificate: z.string() }).nullable(),
    format: z.string(),
    filter: z.unknown(),
    /** What receivers verify `v1a` signatures with. */
    publicKeys: z.array(z.string()),
  })
  .openapi('Sending')

export function sendingOut(sending: Sending, publicKeys: string[]): z.infer<typeof SendingOut> {
  const { scheme, auth, clientCertificate, headerPrefixes, format, filter } = sending
  return {
    headerPrefixes: [...headerPrefixes],
    scheme: scheme && { provider: scheme.provider, secrets: scheme.secrets.length },
    auth: auth && shown(auth),
    clientCertificate: clientCertificate && { certificate: clientCertificate.certificate },
    format,
    filter,
    publicKeys,
  }
}

function shown(auth: DestinationAuth): Record<string, string> {
  switch (auth.kind) {
    case 'basic':
      return { kind: auth.kind, username: auth.username }
    case 'bearer':
      return { kind: auth.kind }
    case 'header':
      return { kind: auth.kind, name: auth.name }
    case 'oauth2': {
      const { clientSecret: _, ...rest } = auth
      return rest
    }
  }
}
