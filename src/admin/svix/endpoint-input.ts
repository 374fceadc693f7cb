/** What an endpoint may be: its URL, its own headers, and the shapes of bodies that create, replace and change it. */
import { z } from '@hono/zod-openapi'
import { isFieldValue } from '../../wire/outgoing.ts'
import { Channels, Description, EventTypes, Metadata, Rate, Uid } from './fields.ts'
import { invalid } from './refusal.ts'

const URL_CHARS_MAX = 8192
const HEADERS_MAX = 50
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Fields that the sender or the connection sets itself (RFC 9110 §7.6.1). */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const RESERVED_PREFIXES = ['webhook-', 'svix-']

/** Why a header cannot be an endpoint's own; null when it can. */
function headerFault(name: string, value: string): string | null {
  const lower = name.toLowerCase()
  if (!HEADER_NAME.test(name)) return `"${name}" is not a header name.`
  if (RESERVED_HEADERS.has(lower) || RESERVED_PREFIXES.some((prefix) => lower.startsWith(prefix))) {
    return `The header "${name}" is set by the sender.`
  }
  if (!isFieldValue(value)) return `The value of "${name}" cannot be written as one header line.`
  return null
}

/** Names and values, each name once whatever its case. */
export const Headers = z.record(z.string(), z.string()).superRefine((headers, context) => {
  const names = Object.keys(headers)
  if (names.length > HEADERS_MAX) context.addIssue(`At most ${HEADERS_MAX} headers.`)
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) context.addIssue('A header is there twice.')
  for (const [name, value] of Object.entries(headers)) {
    const fault = headerFault(name, value)
    if (fault !== null) context.addIssue({ code: 'custom', message: fault, path: [name] })
  }
})

/** Names `eventTypes` as the 2.x clients do; `filterTypes` is the 1.x name and counts when the other is absent. */
const common = {
  description: Description.optional(),
  uid: Uid.nullish(),
  disabled: z.boolean().optional(),
  eventTypes: EventTypes.nullish(),
  filterTypes: EventTypes.nullish(),
  channels: Channels.nullish(),
  /** Messages a second; `rateLimit` is the older name and counts when the other is absent. */
  throttleRate: Rate.nullish(),
  rateLimit: Rate.nullish(),
  metadata: Metadata.optional(),
}

const Url = z.string().min(1).max(URL_CHARS_MAX).openapi({ example: 'https://example.com/webhooks' })

export const EndpointUpsertIn = z.object({ url: Url, ...common }).openapi('EndpointUpsertIn')

export const EndpointIn = z
  .object({ url: Url, ...common, secret: z.string().nullish(), headers: Headers.nullish() })
  .openapi('EndpointIn')

export const EndpointPatch = z
  .object({ url: Url.optional(), ...common, secret: z.string().nullish() })
  .openapi('EndpointPatch')

/** The rate of a body; undefined when it does not speak of it. */
export function rateOf(input: {
  readonly throttleRate?: number | null | undefined
  readonly rateLimit?: number | null | undefined
}): number | null | undefined {
  return input.throttleRate === undefined ? input.rateLimit : input.throttleRate
}

/** The event types of a body; undefined when it does not speak of them. */
export function subscription(input: z.infer<typeof EndpointPatch>): string[] | null | undefined {
  return input.eventTypes === undefined ? input.filterTypes : input.eventTypes
}

/** Throws 422 with the name of the rule unless deliveries may go to this URL. `egressAllowed` gives a reason, or null. */
export function checkUrl(url: string, egressAllowed: (url: string) => string | null): void {
  const fault = urlFault(url)
  if (fault !== null) throw invalid('url', ...fault)
  const refusal = egressAllowed(url)
  if (refusal !== null) throw invalid('url', refusal, 'url-address')
}

/** What is wrong, and the rule's name. */
function urlFault(text: string): readonly [string, string] | null {
  // `new URL` quietly drops tabs, line ends and outer blanks; what is stored must be what was checked.
  if (/[^\x21-\x7e]/.test(text)) {
    return ['The URL must be printable ASCII without spaces; percent-encode the rest.', 'url-characters']
  }
  const url = URL.parse(text)
  if (url === null) return ['This is not an absolute URL.', 'url-absolute']
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return ['The URL must be http or https.', 'url-scheme']
  if (url.username !== '' || url.password !== '') {
    return ['The URL must not hold credentials; use a header.', 'url-credentials']
  }
  return null
}
