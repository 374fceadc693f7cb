/** The file's smallest words: addresses, hosts, methods, durations, sizes. Each checks its text and gives the value it stands for. */
import { METHODS } from 'node:http'
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { z } from 'zod'
import { nearest } from './nearest.ts'
import { DURATION_FORMS, SIZE_FORMS, parseDuration, parseSize } from './units.ts'

/** What in particular is wrong with a text, said so that it can follow the key's name. */
export class Wrong {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

/** A schema that takes text and gives what `read` makes of it; undefined when it is not what is `wanted`: `a URL`. */
export function leaf<T>(wanted: string, read: (text: string) => T | Wrong | undefined) {
  const message = `must be ${wanted}`
  return z
    .string({ error: (issue) => (issue.input === undefined ? undefined : message) })
    .describe(wanted)
    .transform((text, context) => {
      const value = read(text)
      if (value !== undefined && !(value instanceof Wrong)) return value
      context.addIssue({ code: 'custom', message: value instanceof Wrong ? value.message : message })
      return z.NEVER
    })
}

/** Names of services, routes, consumers, sources, event types: they stand in URLs and log lines as themselves. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.-]{0,127}$/,
    'a name has letters, digits, `.`, `_` and `-`, and begins with a letter or digit',
  )

/** Where a listener listens, as written. */
type WrittenAddress = { readonly host: string; readonly port: number } | { readonly path: string }

const ADDRESS = 'an IP address and a port, or a Unix socket: 127.0.0.1:8080, [::1]:8080 or unix:PATH'
/** A Unix socket's path has at most 107 bytes (103 on the BSDs), and engines that share it add some of their own. */
const UNIX_PATH_MAX = 90

export const listenAddress = leaf(ADDRESS, (text): WrittenAddress | Wrong | undefined => {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    if (path === '' || path.endsWith('/') || path.includes('\0')) return undefined
    if (Buffer.byteLength(path) <= UNIX_PATH_MAX) return { path }
    return new Wrong(`must be a path of at most ${UNIX_PATH_MAX} bytes`)
  }
  const [, six, four, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  const host = six ?? (four === 'localhost' ? '127.0.0.1' : (four ?? ''))
  const isAddress = six === undefined ? isIPv4(host) : isIPv6(host)
  return isAddress && port <= 65_535 ? { host, port } : undefined
})

export const permissions = leaf('permission bits in quotes: "0660"', (text) =>
  /^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined,
)

/** `http://host:port`, the port always written out; or `unix:PATH`. */
export const origin = leaf('a URL of scheme, host and port alone, or unix:PATH: http://127.0.0.1:9001', (text) => {
  // Written into records as it is.
  if (text.startsWith('unix:')) return /^unix:[\w./@%+~ -]{1,100}$/.test(text) ? text : undefined
  if (!/^https?:\/\/[^/?#\\@\s]+\/?$/i.test(text) || !URL.canParse(text)) return undefined
  const { protocol, hostname, port } = new URL(text)
  return `${protocol}//${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
})

export const cidr = leaf('a network: 10.0.0.0/8 or fd00::/8', (text) => {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  const bitsMax = version === 4 ? 32 : 128
  if (version !== 0 && bits === undefined)
    return new Wrong(`must be a network; for the one address write ${text}/${bitsMax}`)
  const isNetwork = version !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits ?? '') && Number(bits) <= bitsMax
  return isNetwork ? text.toLowerCase() : undefined
})

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const HOST = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`)

/** A host to match, lower case. */
export const hostPattern = leaf('a host without scheme and port: shop.example or *.shop.example', (text) => {
  const host = text.toLowerCase()
  const isAddress = host.startsWith('[') && host.endsWith(']') && isIPv6(host.slice(1, -1))
  return isAddress || (HOST.test(host) && host.length <= 253) ? host : undefined
})

/** A host's name, lower case: no address, no wildcard. */
export const hostName = leaf("a host's name: shop.example", (text) => {
  const host = text.toLowerCase()
  return HOST.test(host) && !host.startsWith('*') && isIP(host) === 0 && host.length <= 253 ? host : undefined
})

/** A host that certificates are ordered for, lower case: CAs give wildcards only to who answers in DNS. */
export const orderedName = leaf("a host's name: shop.example", (text) => {
  const host = text.toLowerCase()
  if (host.startsWith('*'))
    return new Wrong('must be one name: no CA is asked for a wildcard; have it in `certificates`')
  return HOST.test(host) && isIP(host) === 0 && host.length <= 253 ? host : undefined
})

export const method = leaf('an HTTP method in upper case, other than CONNECT', (text) => {
  if (METHODS.includes(text) && text !== 'CONNECT') return text
  const meant = nearest(text, METHODS)
  return meant === undefined || meant === 'CONNECT' ? undefined : new Wrong(`must be an HTTP method, perhaps ${meant}`)
})

/** Milliseconds. */
export function duration(minMs: number) {
  return leaf(`a duration of at most 24 days: ${DURATION_FORMS}`, (text) => {
    const ms = parseDuration(text)
    return ms !== undefined && ms < minMs ? new Wrong(`must be at least ${minMs}ms`) : ms
  })
}

/** Milliseconds; 0 is no bound. */
export const durationOrNone = z.union([z.literal(0), duration(0)], {
  error: `must be 0 or a duration: ${DURATION_FORMS}`,
})

/** Bytes. */
export const size = z.union([z.number().int().min(0), leaf(`a size: ${SIZE_FORMS}`, parseSize)])

/** RFC 9110 §5.6.2. */
export const token = leaf('a word without spaces: edge-1', (text) =>
  /^[!#$%&'*+.^`|~\w-]+$/.test(text) ? text : undefined,
)

export const headerName = z.string().regex(/^[!#$%&'*+.^`|~\w-]+$/, 'is not a header name')
/** RFC 9110 §5.5: visible characters, spaces and tabs; no line ends. */
export const headerValue = z
  .string()
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'is not a header value: no line ends, no controls')
