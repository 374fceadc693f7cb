/** The body of one request on an HTTP/1.1 connection: decoded, bounded, and given to whoever asked, or dropped. */
import { type Problem, PROBLEMS } from '../base/problem.ts'
import { type BodyDecoder, type BodySink, ChunkedDecoder, LengthDecoder } from './body.ts'
import { FRAMING, type Head, type RequestHead } from './head.ts'

/** How much of a body nobody wants is read to keep its connection. */
export const DISCARD_BYTES_MAX = 65_536

export class RequestBody implements BodySink {
  private readonly chunkedDecoder = new ChunkedDecoder()
  private readonly lengthDecoder = new LengthDecoder()
  private decoder: BodyDecoder = this.lengthDecoder
  private sink: BodySink | null = null
  private bytes = 0
  private bytesMax = 0
  private over = false
  private excess = false

  start({ framing, length }: RequestHead): void {
    this.decoder = framing === FRAMING.chunked ? this.chunkedDecoder.start() : this.lengthDecoder.start(length)
    this.sink = null
    this.bytes = 0
    this.over = false
    this.excess = false
  }

  /** `bytesMax` 0 is no bound. A null sink drops what comes. */
  to(sink: BodySink | null, bytesMax: number): void {
    this.sink = sink
    this.bytesMax = bytesMax
  }

  get complete(): boolean {
    return this.over
  }

  /** Feeds bytes[start, end). Returns the index after the body's last byte here, or why no more of it will be read. */
  feed(bytes: Buffer, start: number, end: number): number | Problem {
    const stop = this.decoder.feed(bytes, start, end, this)
    if (this.excess) return PROBLEMS.bodyTooLarge
    return stop === -1 ? PROBLEMS.malformedRequest : stop
  }

  /** From the decoder. */
  data(bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start
    if (this.bytesMax !== 0 && this.bytes > this.bytesMax) this.excess = true
    if (!this.excess) this.sink?.data(bytes, start, end)
  }

  /** From the decoder. */
  trailers(trailers: Head): void {
    this.sink?.trailers?.(trailers)
  }

  /** From the decoder. The sink is told by `finish`, after the connection has noted that the request is complete. */
  end(): void {
    this.over = true
  }

  /** Nothing more came in this read. */
  flush(): void {
    this.sink?.flush?.()
  }

  finish(): void {
    const { sink } = this
    this.sink = null
    sink?.end()
  }
}
