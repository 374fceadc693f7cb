/**
 * The grammar of HTTP/1.x heads as the product promises to read them, written a second time: by regular expressions, from RFC 9110,
 * RFC 9112 and RFC 3986, without a look at the parser. What this refuses nobody may accept.
 */

export type Lines = readonly (readonly [name: string, value: string])[]

export interface GrammarRequest {
  readonly method: string
  readonly target: string
  readonly authority: string
  readonly minor: number
  readonly lines: Lines
  readonly framing: 'none' | 'length' | 'chunked'
  readonly length: number
}

export interface GrammarResponse {
  readonly status: number
  readonly reason: string
  readonly minor: number
  readonly lines: Lines
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  readonly length: number
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const FIELDS = `((?:${TOKEN}:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n)*)\\r\\n`
const REQUEST = new RegExp(`^(${TOKEN}) ([!"$-~]+) HTTP/1\\.([01])\\r\\n${FIELDS}$`)
const RESPONSE = new RegExp(`^HTTP/1\\.([01]) ([1-5]\\d\\d)(?: ([\\t\\x20-\\x7e\\x80-\\xff]*))?\\r\\n${FIELDS}$`)

const LINES_MAX = 100
const METHOD_MAX = 32
const TARGET_MAX = 8192

/** The text up to its first blank line; null when it has none. */
export function wholeHead(text: string): string | null {
  const at = text.indexOf('\r\n\r\n')
  return at === -1 ? null : text.slice(0, at + 4)
}

/** Null: no request that may be accepted. `text` is a head with its blank line. */
export function requestByGrammar(text: string): GrammarRequest | null {
  const parts = REQUEST.exec(text)
  if (parts === null) return null
  const [, method = '', written = '', digit, block = ''] = parts
  const lines = linesOf(block)
  const minor = Number(digit)
  if (lines.length > LINES_MAX || method.length > METHOD_MAX || written.length > TARGET_MAX || method === 'CONNECT') {
    return null
  }
  const hosts = valuesOf(lines, 'host')
  const found = targetOf(method, written, hosts, minor)
  if (found === null) return null
  const expects = valuesOf(lines, 'expect')
  if (expects.length > 1 || valuesOf(lines, 'upgrade').length > 1) return null
  if (minor === 1 && expects[0] !== undefined && expects[0].toLowerCase() !== '100-continue') return null
  const framing = framingOf(lines, minor)
  if (framing === null) return null
  return {
    method,
    ...found,
    minor,
    lines,
    framing: framing === 'chunked' ? 'chunked' : framing === undefined || framing === 0 ? 'none' : 'length',
    length: typeof framing === 'number' ? framing : 0,
  }
}

/** Null: no answer to `method` that may be accepted. */
export function responseByGrammar(text: string, method: string): GrammarResponse | null {
  const parts = RESPONSE.exec(text)
  if (parts === null) return null
  const [, digit, code, reason = '', block = ''] = parts
  const lines = linesOf(block)
  const [minor, status] = [Number(digit), Number(code)]
  const framing = framingOf(lines, minor)
  if (lines.length > LINES_MAX || framing === null) return null
  const known = { status, reason, minor, lines, length: typeof framing === 'number' ? framing : 0 }
  if (status < 200 || status === 204) {
    // It has no body and may not announce one (RFC 9110 §8.6, §6.4.1).
    return framing === undefined || framing === 0 ? { ...known, framing: 'none' } : null
  }
  if (status === 304 || method === 'HEAD' || framing === 0) return { ...known, framing: 'none' }
  return { ...known, framing: framing === undefined ? 'close' : framing === 'chunked' ? 'chunked' : 'length' }
}

function linesOf(block: string): Lines {
  return block
    .split('\r\n')
    .slice(0, -1)
    .map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')] as const
    })
}

function valuesOf(lines: Lines, name: string): string[] {
  return lines.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value)
}

/** Bytes, `chunked`, or undefined when neither is said; null when said twice or not by the letter. */
function framingOf(lines: Lines, minor: number): number | 'chunked' | undefined | null {
  const lengths = valuesOf(lines, 'content-length')
  const codings = valuesOf(lines, 'transfer-encoding')
  if (lengths.length + codings.length > 1) return null
  if (codings[0] !== undefined) return codings[0].toLowerCase() === 'chunked' && minor === 1 ? 'chunked' : null
  if (lengths[0] === undefined) return undefined
  return /^(?:0|[1-9]\d{0,14})$/.test(lengths[0]) ? Number(lengths[0]) : null
}

function targetOf(
  method: string,
  written: string,
  hosts: readonly string[],
  minor: number,
): { readonly target: string; readonly authority: string } | null {
  if (hosts.length > 1 || (hosts.length === 0 && minor === 1)) return null
  const host = hosts[0]
  // HTTP/1.0 may leave it empty as it may leave it out.
  if (host !== undefined && !isAuthority(host) && (host !== '' || minor === 1)) return null
  if (written.startsWith('/') || (written === '*' && method === 'OPTIONS')) {
    return { target: written, authority: host ?? '' }
  }
  const parts = /^https?:\/\/([^/?]*)(.*)$/i.exec(written)
  const authority = parts?.[1] ?? ''
  if (!isAuthority(authority) || (host !== undefined && host.toLowerCase() !== authority.toLowerCase())) return null
  const rest = parts?.[2] ?? ''
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority }
}

/** `uri-host [ ":" port ]` (RFC 3986 §3.2.2, §3.2.3), the host not empty, the port a port. */
function isAuthority(text: string): boolean {
  const parts = /^(?:\[[0-9A-Fa-f:.]+\]|([\w.~!$&'()*+;=%-]+))(?::(\d{1,5}))?$/.exec(text)
  if (parts === null) return false
  const port = parts[2]
  return port === undefined || (Number(port) > 0 && Number(port) <= 65_535)
}
