/** Trailer fields (RFC 9110 §6.5): which may stand after a body, and reading those that came there. */
import { parseLines } from './head-lines.ts'
import { FIELD, Head } from './head.ts'

/** Bytes that the trailers of one message may have. */
export const TRAILER_BYTES_MAX = 8_192

/**
 * Names that mean something before the body and must not be said after it (RFC 9110 §6.5.1): framing, routing, authentication,
 * request modifiers, response control and the body's own description. A receiver that merges trailers into its headers would
 * believe them.
 */
const FORBIDDEN = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'expect',
  'upgrade',
  'keep-alive',
  'te',
  'trailer',
  'http2-settings',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'www-authenticate',
  'authorization',
  'cookie',
  'set-cookie',
  'max-forwards',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'cache-control',
  'pragma',
  'age',
  'date',
  'expires',
  'location',
  'retry-after',
  'vary',
  'warning',
  'content-encoding',
  'content-type',
  'content-range',
  'content-location',
  'via',
  'origin',
  'strict-transport-security',
])

/** What is read of trailers, one message at a time: whoever keeps it copies it. */
const READ = new Head()

/** `lines` are field lines, each ended by CRLF. Null when one is none; forbidden ones are left out. Valid until the next call. */
export function readTrailers(lines: string): Head | null {
  const head = READ
  head.text = lines + '\r\n'
  if (parseLines(head, 0) !== null) return null
  let allowed = ''
  for (let i = 0; i < head.count; i++)
    if (isAllowed(head.name(i).toLowerCase(), head.fields[i]!)) allowed += `${head.name(i)}: ${head.value(i)}\r\n`
  head.text = allowed + '\r\n'
  return parseLines(head, 0) === null ? head : null
}

function isAllowed(name: string, field: number): boolean {
  // An underscore is read as a hyphen by many; what tells who the client was is said by us alone.
  return field !== FIELD.underscored && field !== FIELD.forwarded && !FORBIDDEN.has(name)
}

/** The names that `Trailer` announces, without those that will not come; empty when none are left. */
export function announcedTrailers(head: Head): string {
  const names: string[] = []
  for (const value of head.all('trailer')) {
    for (const part of value.split(',')) {
      const name = part.trim()
      if (/^[!#$%&'*+.^`|~0-9A-Za-z-]+$/.test(name) && !FORBIDDEN.has(name.toLowerCase())) names.push(name)
    }
  }
  return names.join(', ')
}
