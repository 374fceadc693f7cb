/** Reads header blocks (RFC 7541). Every connection has one, for each block builds on those before it. */
import { Field } from './field.ts'
import { decodeHuffman } from './huffman.ts'
import { STATIC_TABLE } from './static-table.ts'

/** The size of the dynamic table that we let the other side use: the protocol's default, so that nothing need be said. */
const TABLE_BYTES_MAX = 4_096
/** No integer of a block that we accept is larger; more is an attempt to overflow. */
const INTEGER_MAX = 2 ** 21

export interface FieldSink {
  field(field: Field): void
}

export class HpackDecoder {
  /** Oldest first. */
  private readonly table: Field[] = []
  private tableBytes = 0
  private tableBytesMax = TABLE_BYTES_MAX
  /** Where in the block reading stands. */
  private at = 0

  /** Reads one whole block, bytes[start, end). False when it is broken: then nothing after it can be read either. */
  decode(bytes: Buffer, start: number, end: number, sink: FieldSink): boolean {
    this.at = start
    let fields = 0
    while (this.at < end) {
      const first = bytes[this.at]!
      let field: Field | null
      if (first >= 0x80) field = this.entry(this.integer(bytes, end, 7))
      else if (first >= 0x40) {
        field = this.literal(bytes, end, 6)
        if (field !== null) this.add(field)
      } else if (first >= 0x20) {
        // A new size of the table, only before the fields (§4.2).
        const size = this.integer(bytes, end, 5)
        if (fields > 0 || size === -1 || size > TABLE_BYTES_MAX) return false
        this.tableBytesMax = size
        this.evict(0)
        continue
      } else field = this.literal(bytes, end, 4)
      if (field === null) return false
      fields++
      sink.field(field)
    }
    return true
  }

  private entry(index: number): Field | null {
    if (index <= 0) return null
    if (index < STATIC_TABLE.length) return STATIC_TABLE[index]!
    return this.table[this.table.length - 1 - (index - STATIC_TABLE.length)] ?? null
  }

  private literal(bytes: Buffer, end: number, prefix: number): Field | null {
    const index = this.integer(bytes, end, prefix)
    if (index === -1) return null
    const name = index === 0 ? this.string(bytes, end) : (this.entry(index)?.name ?? null)
    if (name === null) return null
    const value = this.string(bytes, end)
    return value === null ? null : new Field(name, value)
  }

  private add(field: Field): void {
    this.evict(field.size)
    // One that is larger than the whole table empties it and is not kept (§4.4).
    if (field.size > this.tableBytesMax) return
    this.table.push(field)
    this.tableBytes += field.size
  }

  /** Makes room for so many bytes. */
  private evict(room: number): void {
    let oldest = 0
    while (oldest < this.table.length && this.tableBytes + room > this.tableBytesMax) {
      this.tableBytes -= this.table[oldest++]!.size
    }
    if (oldest > 0) this.table.splice(0, oldest)
  }

  /** An integer with a prefix of so many bits (§5.1), or -1. */
  private integer(bytes: Buffer, end: number, prefix: number): number {
    const mask = (1 << prefix) - 1
    let value = bytes[this.at++]! & mask
    if (value < mask) return value
    for (let shift = 0; this.at < end && shift < 28; shift += 7) {
      const byte = bytes[this.at++]!
      value += (byte & 0x7f) << shift
      if (value > INTEGER_MAX) return -1
      if (byte < 0x80) return value
    }
    return -1
  }

  private string(bytes: Buffer, end: number): string | null {
    if (this.at >= end) return null
    const coded = bytes[this.at]! >= 0x80
    const length = this.integer(bytes, end, 7)
    if (length === -1 || length > end - this.at) return null
    const from = this.at
    this.at += length
    return coded ? decodeHuffman(bytes, from, this.at) : bytes.toString('latin1', from, this.at)
  }
}
