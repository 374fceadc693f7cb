/** The shape of the configuration file: the one source of its checking, its defaults and the editors' schema. */
import { delivery, eventRetries, retention } from './delivery-schema.ts'
import { z } from 'zod'
import type { DocumentedPolicy } from '../policies/schemas.ts'
import { sealingKey } from '../store/vault.ts'
import { acme } from './acme-schema.ts'
import { consumer } from './consumer-schema.ts'
import { cidr, duration, durationOrNone, leaf, name, origin, token, size } from './leaves.ts'
import { listener } from './listener-schema.ts'
import { policyUse } from './policy-use.ts'
import { routeSchema } from './route-schema.ts'
import { moreCa, serviceTls } from './tls-schema.ts'

/** A mapping that may be left out or left empty. */
const section = <T extends z.ZodType>(value: T) => z.record(name, value).nullish()
const list = <T extends z.ZodType>(value: T) => z.array(value).nullish()

const timeouts = z
  .strictObject({
    connect: duration(1).prefault('5s').describe('Until the connection stands.'),
    'first-byte': duration(1).prefault('30s').describe('From the last byte of the request to the first of the answer.'),
    idle: duration(1).prefault('60s').describe('Longest silence while a body is moving.'),
    stream: durationOrNone
      .default(3_600_000)
      .describe('Longest silence of a WebSocket or an event stream; any byte ends it, a ping too. 0 is no bound.'),
    total: durationOrNone.default(0).describe('The whole exchange; 0 is no bound.'),
  })
  .prefault({})

const instance = z.union([
  origin.transform((url) => ({ url, weight: 1 })),
  z.strictObject({
    url: origin,
    weight: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('With 3 it is picked three times as often as with 1.'),
  }),
])

const serviceInFull = z.strictObject({
  instances: z.array(instance).min(1),
  balance: z.literal('round-robin').optional().describe('How an instance is picked; weighted.'),
  protocol: z
    .literal(['http/1.1', 'h2', 'h2c'])
    .default('http/1.1')
    .describe('What is spoken with the instances: h2 is HTTP/2 over TLS (https), h2c is HTTP/2 in clear (http).'),
  tls: serviceTls.describe('With instances at https.'),
  'proxy-protocol': z
    .literal(['v1', 'v2'])
    .optional()
    .describe(
      'Begin each connection with a PROXY protocol header that says whose it is; it then serves that client alone.',
    ),
  timeouts,
})

const service = z.union([
  origin.transform((url) => ({
    instances: [{ url, weight: 1 }],
    protocol: 'http/1.1' as const,
    tls: serviceTls.parse(undefined),
    'proxy-protocol': undefined,
    timeouts: timeouts.parse(undefined),
  })),
  serviceInFull,
])

const requestPath = leaf('a path: /stripe-events', (text) => (/^\/[\x21-\x7e]*$/.test(text) ? text : undefined))

const source = z.strictObject({
  provider: z.string().describe('Whose signatures it checks: stripe, github, …'),
  secrets: z.array(z.string().min(1)).min(1).describe('Every one is tried; two while they are rotated.'),
  deliver: list(
    z.strictObject({
      service: z.string(),
      path: requestPath.prefault('/'),
      events: list(z.string().min(1)).describe('Event types; none is all.'),
    }),
  ),
})

const eventType = z
  .strictObject({
    description: z.string().default(''),
    schema: z.string().min(1).optional().describe('A file with a JSON Schema, relative to this one.'),
    delivery: eventRetries.optional().describe('How its deliveries are tried again, where that differs.'),
  })
  .nullable()

/** An idle engine needs some 15 MB. */
const ENGINE_HEAP_MIN = 67_108_864

const sealing = leaf('32 bytes in base64 or hex', (text) => (sealingKey(text) === null ? undefined : text))

const sqlite = leaf('sqlite:PATH', (text) => /^sqlite:(?!:)(.+)$/.exec(text)?.[1])

export function fileSchema(policies: readonly DocumentedPolicy[]) {
  const use = policyUse(policies)
  return z.strictObject({
    listeners: z
      .array(listener)
      .min(1)
      .prefault([{ address: '127.0.0.1:8080' }])
      .describe('Where requests come in.'),
    admin: listener.prefault({ address: '127.0.0.1:8081' }).describe('Admin API, webhook API and dashboard.'),
    acme: acme.optional().describe('The CA that certificates are ordered from (RFC 8555).'),
    store: sqlite.prefault('sqlite:.postern/postern.db').describe('sqlite:PATH, relative to this file.'),
    secrets: z
      .strictObject({
        key: sealing.describe('What seals secrets now: 32 bytes in base64 or hex; ${VARIABLE}.'),
        previous: z.array(sealing).default([]).describe('Keys before it: what they seal is sealed anew at the start.'),
      })
      .optional()
      .describe('How secrets in the store are sealed; without it by a key in a file beside the store.'),
    counters: z.literal('memory').default('memory').describe('Where limits count.'),
    threads: z
      .union([z.literal('auto'), z.number().int().min(1).max(64)], { error: 'must be auto or a number from 1 to 64' })
      .default('auto')
      .describe('Engine threads.'),
    'trusted-proxies': list(z.union([cidr, z.literal('unix')])).describe(
      'Networks of proxies in front that are believed about the client; unix: whoever comes through a Unix socket.',
    ),
    forwarded: z
      .strictObject({
        read: z
          .literal(['either', 'x-forwarded', 'forwarded'])
          .default('either')
          .describe('What the trusted proxies write. either: X-Forwarded-For when it is there, else Forwarded.'),
        write: z
          .literal(['both', 'x-forwarded', 'forwarded'])
          .default('both')
          .describe('How services are told who the client is.'),
      })
      .prefault({}),
    via: token.optional().describe('The name of this gateway in Via; requests that have it already are loops.'),
    'engine-heap-max': size
      .refine((bytes) => bytes >= ENGINE_HEAP_MIN, { error: 'must be at least 64MB' })
      .default(1_073_741_824)
      .describe('Largest heap of an engine thread; one that needs more ends alone, and is replaced.'),
    egress: z
      .strictObject({
        allow: list(cidr).describe('Private networks that may be called.'),
        deny: list(cidr).describe('Networks that may not be called, whatever allows them.'),
        ports: list(z.number().int().min(1).max(65_535)).describe(
          'The only ports that may be called; without it all but those of other services (SMTP, databases, …).',
        ),
        ca: moreCa.optional(),
      })
      .prefault({})
      .describe('Where Postern may connect to.'),
    'access-log': z.string().min(1).default('stdout').describe('stdout, off, or a file, relative to this one.'),
    drain: z
      .strictObject({
        delay: duration(0)
          .prefault('0s')
          .describe('How long connections are still accepted when asked to stop, while /ready says no.'),
        timeout: duration(0).prefault('20s').describe('How long what runs then may take; what is left is cut.'),
      })
      .prefault({})
      .describe('What happens when Postern is asked to stop.'),
    publishing: z
      .strictObject({
        'unknown-events': z
          .literal(['accept', 'refuse'])
          .default('accept')
          .describe('Messages of event types that are not registered, or archived.'),
        'invalid-payloads': z
          .literal(['accept', 'refuse'])
          .default('accept')
          .describe('Messages whose payload breaks the schema of their event type.'),
      })
      .prefault({})
      .describe('What the webhook API takes for a message.'),
    delivery,
    retention,
    services: section(service).describe('Who answers.'),
    consumers: section(consumer).describe('Who calls, and is called.'),
    policies: list(use).describe('For every route, before its own.'),
    routes: section(routeSchema(use)).describe('What is answered, and how it ends.'),
    sources: section(source).describe('Who sends webhooks here.'),
    'event-types': section(eventType).describe('What is published.'),
  })
}

/** The file as checked, defaults filled in; names are not yet looked up. */
export type File = z.output<ReturnType<typeof fileSchema>>
