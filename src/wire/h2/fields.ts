/** The fields of one block, gathered by what they mean, and the head that they make: the same text that HTTP/1.1 would have brought. */
import type { FieldSink } from './hpack-decoder.ts'
import { type Field, KIND } from './field.ts'

/** As for heads of HTTP/1.1; more is 431. */
const HEAD_BYTES_MAX = 16_384
const FIELDS_MAX = 105

export class HeaderFields implements FieldSink {
  method = ''
  scheme = ''
  path = ''
  authority = ''
  protocol = ''
  status = ''
  host = ''
  /** The other fields as lines of a head. */
  lines = ''
  hasLength = false
  malformed = false
  tooLarge = false
  /** Bytes as HPACK counts them. */
  bytes = 0
  private cookies = ''
  private count = 0
  /** The KINDs of pseudo-header fields that were there, as bits. */
  private pseudo = 0
  private regular = false

  reset(): void {
    this.method = this.scheme = this.path = this.authority = this.protocol = this.status = this.host = ''
    this.lines = this.cookies = ''
    this.hasLength = this.malformed = this.tooLarge = this.regular = false
    this.bytes = this.count = this.pseudo = 0
  }

  get hasPseudo(): boolean {
    return this.pseudo !== 0
  }

  field(field: Field): void {
    this.bytes += field.size
    if (++this.count > FIELDS_MAX || this.bytes - 32 * this.count > HEAD_BYTES_MAX) {
      this.tooLarge = true
      return
    }
    const { kind, value } = field
    if (kind >= KIND.method && kind <= KIND.status) return this.pseudoField(kind, value)
    this.regular = true
    switch (kind) {
      case KIND.regular:
        this.lines += field.line
        return
      case KIND.cookie:
        // Split for the sake of compression, joined for everybody else (RFC 9113 §8.2.3).
        this.cookies = this.cookies === '' ? value : `${this.cookies}; ${value}`
        return
      case KIND.host:
        if (this.host !== '' || value === '') this.malformed = true
        this.host = value
        return
      case KIND.contentLength:
        this.hasLength = true
        this.lines += field.line
        return
      case KIND.te:
        // The only value that it may have (RFC 9113 §8.2.2).
        if (value !== 'trailers') this.malformed = true
        this.lines += field.line
        return
      default:
        this.malformed = true
    }
  }

  /** Each once, and before all others (RFC 9113 §8.3). */
  private pseudoField(kind: number, value: string): void {
    const bit = 1 << kind
    if (this.regular || (this.pseudo & bit) !== 0) this.malformed = true
    this.pseudo |= bit
    switch (kind) {
      case KIND.method:
        this.method = value
        return
      case KIND.scheme:
        this.scheme = value
        return
      case KIND.path:
        this.path = value
        return
      case KIND.authority:
        this.authority = value
        return
      case KIND.protocol:
        this.protocol = value
        return
      default:
        this.status = value
    }
  }

  /**
   * The text of a request's head, for the parser of HTTP/1.1: every rule of it holds here too. `extra` are lines of our own. Null when
   * the fields make no request (RFC 9113 §8.3.1).
   */
  requestText(extra: string): string | null {
    const { path, scheme, authority, host } = this
    if (this.malformed || this.status !== '') return null
    if (scheme !== 'http' && scheme !== 'https') return null
    if (path.charCodeAt(0) !== 47 && !(path === '*' && this.method === 'OPTIONS')) return null
    if (path.includes(' ') || this.method.includes(' ')) return null
    if (authority !== '' && host !== '' && authority.toLowerCase() !== host.toLowerCase()) return null
    const name = authority === '' ? host : authority
    if (this.protocol !== '' && this.method !== 'CONNECT') return null
    const method = this.protocol === '' ? this.method : 'GET'
    return `${method} ${path} HTTP/1.1\r\nhost: ${name}\r\n${this.lines}${this.cookieLine()}${extra}\r\n`
  }

  /** The text of an answer's head; null when the fields make none (RFC 9113 §8.3.2). */
  responseText(extra: string): string | null {
    if (this.malformed || this.pseudo !== 1 << KIND.status || !/^[1-5]\d\d$/.test(this.status)) return null
    return `HTTP/1.1 ${this.status} \r\n${this.lines}${this.cookieLine()}${extra}\r\n`
  }

  /** Trailer lines, each ended by CRLF; null when the fields are none. */
  trailerLines(): string | null {
    return this.malformed || this.tooLarge || this.pseudo !== 0 ? null : this.lines
  }

  private cookieLine(): string {
    return this.cookies === '' ? '' : `cookie: ${this.cookies}\r\n`
  }
}
