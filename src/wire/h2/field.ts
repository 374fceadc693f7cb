/** A header field as HPACK carries it, judged once: entries of its tables are read again and again. */
import { TOKEN, VALUE } from '../head-lines.ts'

/** What a field means to a message of HTTP/2. */
export const KIND = {
  regular: 0,
  method: 1,
  scheme: 2,
  path: 3,
  authority: 4,
  protocol: 5,
  status: 6,
  host: 7,
  cookie: 8,
  contentLength: 9,
  te: 10,
  /** Malformed wherever it stands: upper case, bytes that no field may have, or about a connection (RFC 9113 §8.2). */
  invalid: 11,
} as const

const KINDS = new Map<string, number>([
  [':method', KIND.method],
  [':scheme', KIND.scheme],
  [':path', KIND.path],
  [':authority', KIND.authority],
  [':protocol', KIND.protocol],
  [':status', KIND.status],
  ['host', KIND.host],
  ['cookie', KIND.cookie],
  ['content-length', KIND.contentLength],
  ['te', KIND.te],
  // RFC 9113 §8.2.2.
  ['connection', KIND.invalid],
  ['proxy-connection', KIND.invalid],
  ['keep-alive', KIND.invalid],
  ['transfer-encoding', KIND.invalid],
  ['upgrade', KIND.invalid],
])

export class Field {
  readonly name: string
  readonly value: string
  /** As a table counts it (RFC 7541 §4.1). */
  readonly size: number
  readonly kind: number
  /** As a line of a head, ended by CRLF. */
  readonly line: string

  constructor(name: string, value: string) {
    this.name = name
    this.value = value
    this.size = name.length + value.length + 32
    const kind = KINDS.get(name) ?? (isName(name) ? KIND.regular : KIND.invalid)
    this.kind = isValue(value) ? kind : KIND.invalid
    this.line = `${name}: ${value}\r\n`
  }
}

/** A token without upper case (RFC 9113 §8.2). */
function isName(name: string): boolean {
  if (name === '') return false
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i)
    if (TOKEN[c] !== 1 || (c >= 65 && c <= 90)) return false
  }
  return true
}

/** Nothing that could end a line, no white space around it (RFC 9113 §8.2.1). */
function isValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (VALUE[value.charCodeAt(i)] !== 1) return false
  return !isSpace(value.charCodeAt(0)) && !isSpace(value.charCodeAt(value.length - 1))
}

const isSpace = (c: number): boolean => c === 32 || c === 9
