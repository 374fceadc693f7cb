/**
 * Writes header blocks (RFC 7541) as literals without indexing, names from the static table where it has them: no state to keep, and
 * nothing for a stranger's secret to be compared with (§7.1). nginx does the same.
 */
import { FIELD, fieldOf } from '../head.ts'
import type { LineVisitor, OutgoingHead } from '../outgoing.ts'
import { STATIC_NAMES, STATIC_TABLE } from './static-table.ts'

/** Bytes that one block may have: more than any head that we read or write. */
const BLOCK_BYTES_MAX = 131_072

/** Whole fields of the static table as one byte: `:method GET` is 0x82. */
const WHOLE = new Map(STATIC_TABLE.map(({ name, value }, index) => [`${name} ${value}`, 0x80 | index]))

/** Lines that HTTP/2 has no place for (RFC 9113 §8.2.2); Host is `:authority`. Indexed by FIELD. */
const LEFT_OUT = new Uint8Array(32)
for (const field of [
  FIELD.host,
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.transferEncoding,
  FIELD.upgrade,
  FIELD.http2Settings,
])
  LEFT_OUT[field] = 1

class HpackEncoder implements LineVisitor {
  /** Holds the block that was written last, up to `length`. */
  readonly bytes = Buffer.allocUnsafeSlow(BLOCK_BYTES_MAX)
  length = 0

  /** Starts a block. */
  begin(): this {
    this.length = 0
    return this
  }

  /** A field of our own: its name is lower case. */
  field(name: string, value: string): this {
    if (this.length + name.length + value.length + 16 > BLOCK_BYTES_MAX) throw new RangeError('head too large')
    const whole = WHOLE.get(`${name} ${value}`)
    if (whole !== undefined) this.bytes[this.length++] = whole
    else {
      this.name(name, name, 0, name.length)
      this.string(value, 0, value.length)
    }
    return this
  }

  /** Every line of `head` that HTTP/2 has a place for. */
  lines(head: OutgoingHead): this {
    head.visit(this)
    return this
  }

  /** From `lines`. */
  line(text: string, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    if (LEFT_OUT[fieldOf(text, nameStart, nameEnd)] === 1) return
    if (this.length + nameEnd - nameStart + valueEnd - valueStart + 16 > BLOCK_BYTES_MAX)
      throw new RangeError('head too large')
    this.name(text.slice(nameStart, nameEnd).toLowerCase(), text, nameStart, nameEnd)
    this.string(text, valueStart, valueEnd)
  }

  /** From `lines`. */
  own(name: string, value: string): void {
    if (LEFT_OUT[fieldOf(name, 0, name.length)] === 0) this.field(name.toLowerCase(), value)
  }

  private name(name: string, text: string, start: number, end: number): void {
    const index = STATIC_NAMES.get(name)
    if (index !== undefined) return this.integer(0, 4, index)
    this.bytes[this.length++] = 0
    this.integer(0, 7, end - start)
    const { bytes } = this
    let at = this.length
    for (let i = start; i < end; i++) {
      const c = text.charCodeAt(i)
      bytes[at++] = c >= 65 && c <= 90 ? c + 32 : c
    }
    this.length = at
  }

  private string(text: string, start: number, end: number): void {
    this.integer(0, 7, end - start)
    const { bytes } = this
    let at = this.length
    for (let i = start; i < end; i++) bytes[at++] = text.charCodeAt(i)
    this.length = at
  }

  private integer(flags: number, prefix: number, value: number): void {
    const mask = (1 << prefix) - 1
    if (value < mask) {
      this.bytes[this.length++] = flags | value
      return
    }
    this.bytes[this.length++] = flags | mask
    let rest = value - mask
    for (; rest >= 0x80; rest >>>= 7) this.bytes[this.length++] = 0x80 | (rest & 0x7f)
    this.bytes[this.length++] = rest
  }
}

/** One for the whole thread: a block is copied into frames before the next is begun. */
export const encoder = new HpackEncoder()
