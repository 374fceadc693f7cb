/** Body framing (RFC 9112 §6–§7): decoders that pass the data on as it comes and know exactly where a body ends. */
import type { Head } from './head.ts'
import { TRAILER_BYTES_MAX, readTrailers } from './trailers.ts'

/** Receives a body's data. The bytes are the reader's own buffer: valid during the call only. */
export interface BodySink {
  data(bytes: Buffer, start: number, end: number): void
  /** The trailer fields, those that may not stand there already dropped: at most once, before `end`, valid during the call only. */
  trailers?(trailers: Head): void
  /** The body is complete. */
  end(): void
  /** What had arrived has been passed on; nothing more came in this read. */
  flush?(): void
}

export interface BodyDecoder {
  /**
   * Takes bytes[start, end), passes data to `sink`, calls `sink.end()` when the body is complete. Returns the index after the last
   * byte that belongs to the body, or -1 when the framing is broken.
   */
  feed(bytes: Buffer, start: number, end: number, sink: BodySink): number
}

/** A body of a known number of bytes. */
export class LengthDecoder implements BodyDecoder {
  private left = 0

  start(length: number): this {
    this.left = length
    return this
  }

  feed(bytes: Buffer, start: number, end: number, sink: BodySink): number {
    const stop = Math.min(end, start + this.left)
    if (stop > start) {
      this.left -= stop - start
      sink.data(bytes, start, stop)
    }
    if (this.left === 0) sink.end()
    return stop
  }
}

/** A body that ends with the connection: the owner calls `sink.end()` at the end of the stream. */
export class CloseDecoder implements BodyDecoder {
  feed(bytes: Buffer, start: number, end: number, sink: BodySink): number {
    if (end > start) sink.data(bytes, start, end)
    return end
  }
}

/** Bytes that chunk extensions of one body may have in all: they are dropped, so more than this is abuse. */
const EXTENSION_BYTES_MAX = 4_096

const SIZE = 0
const EXTENSION = 1
const SIZE_LF = 2
const DATA = 3
const DATA_CR = 4
const DATA_LF = 5
const TRAILER = 6
const OVER = 7

/** Hex digit → value, else 255. */
const HEX = new Uint8Array(256).fill(255)
for (let i = 0; i < 16; i++) {
  HEX[i.toString(16).charCodeAt(0)] = i
  HEX[i.toString(16).toUpperCase().charCodeAt(0)] = i
}

/** The chunked coding (RFC 9112 §7.1), read without any leniency: extensions are checked, bounded and dropped. */
export class ChunkedDecoder implements BodyDecoder {
  private state = SIZE
  private size = 0
  private digits = 0
  private extensionBytes = 0
  private trailer = ''

  start(): this {
    this.state = SIZE
    this.size = 0
    this.digits = 0
    this.extensionBytes = 0
    this.trailer = ''
    return this
  }

  feed(bytes: Buffer, start: number, end: number, sink: BodySink): number {
    let i = start
    while (i < end) {
      switch (this.state) {
        case SIZE: {
          const c = bytes[i]!
          const digit = HEX[c]!
          if (digit !== 255) {
            // 13 hex digits stay exact in a double.
            if (++this.digits > 13) return -1
            this.size = this.size * 16 + digit
            i++
          } else if (this.digits === 0) return -1
          else if (c === 13) {
            this.state = SIZE_LF
            i++
          } else if (c === 59) this.state = EXTENSION
          else return -1
          break
        }
        case EXTENSION: {
          const c = bytes[i++]!
          if (c === 13) this.state = SIZE_LF
          else if (c < 32 && c !== 9) return -1
          else if (++this.extensionBytes > EXTENSION_BYTES_MAX) return -1
          break
        }
        case SIZE_LF:
          if (bytes[i++] !== 10) return -1
          this.state = this.size === 0 ? TRAILER : DATA
          break
        case DATA: {
          const stop = Math.min(end, i + this.size)
          this.size -= stop - i
          const from = i
          i = stop
          if (this.size === 0) this.state = DATA_CR
          sink.data(bytes, from, stop)
          break
        }
        case DATA_CR:
          if (bytes[i++] !== 13) return -1
          this.state = DATA_LF
          break
        case DATA_LF:
          if (bytes[i++] !== 10) return -1
          this.state = SIZE
          this.digits = 0
          break
        case TRAILER: {
          const stop = this.readTrailer(bytes, i, end)
          if (stop === -1) return -1
          i = stop
          if ((this.state as number) === OVER) {
            if (this.trailer !== '') {
              const trailers = readTrailers(this.trailer)
              if (trailers === null) return -1
              if (trailers.count > 0) sink.trailers?.(trailers)
            }
            sink.end()
            return i
          }
          break
        }
        default:
          return i
      }
    }
    return i
  }

  /** Collects trailer lines until the blank one. Each must be a field line. */
  private readTrailer(bytes: Buffer, start: number, end: number): number {
    for (let i = start; i < end; i++) {
      const c = bytes[i]!
      if (c === 10) {
        if (!this.trailer.endsWith('\r')) return -1
        const line = this.trailer.slice(this.trailer.lastIndexOf('\n') + 1, -1)
        if (line === '') {
          this.trailer = this.trailer.slice(0, -1)
          this.state = OVER
          return i + 1
        }
        if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/.test(line)) return -1
      }
      this.trailer += String.fromCharCode(c)
      if (this.trailer.length > TRAILER_BYTES_MAX) return -1
    }
    return end
  }
}
