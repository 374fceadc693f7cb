/** Gathers frames of all streams of a connection and sends them together: one write for everything that a turn of the loop brought. */
import type { Socket } from 'node:net'
import { FLAG, FRAME, FRAME_HEAD_BYTES } from './frames.ts'

/** Two of the largest frames and their heads. */
const CHUNK_BYTES = 2 * (16_384 + FRAME_HEAD_BYTES)
/** Chunks kept for the next writes, for the whole thread. */
const SPARE_MAX = 32
const spare: Buffer[] = []

export class FrameWriter {
  /** Bytes handed to the socket. */
  bytes = 0
  /** The socket is full: bodies wait for its drain. */
  choked = false
  private readonly socket: Socket
  private readonly onChoked: () => void
  private chunk: Buffer | null = null
  private at = 0
  private scheduled = false
  /** Where the frame written last begins in the chunk. */
  private last = -1

  constructor(socket: Socket, onChoked: () => void) {
    this.socket = socket
    this.onChoked = onChoked
  }

  /** Writes the head of a frame and makes room for its payload; `put…` must follow up to `length`. Flushed by itself, a turn later. */
  frame(length: number, type: number, flags: number, id: number): void {
    const chunk = this.room(FRAME_HEAD_BYTES + length)
    const { at } = this
    this.last = at
    chunk[at] = length >> 16
    chunk[at + 1] = length >> 8
    chunk[at + 2] = length
    chunk[at + 3] = type
    chunk[at + 4] = flags
    chunk[at + 5] = id >> 24
    chunk[at + 6] = id >> 16
    chunk[at + 7] = id >> 8
    chunk[at + 8] = id
    this.at = at + FRAME_HEAD_BYTES
  }

  /** Bytes before all frames: the preface. */
  raw(text: string): void {
    const chunk = this.room(text.length)
    this.at += chunk.write(text, this.at, 'latin1')
  }

  put(bytes: Uint8Array, start: number, end: number): void {
    const chunk = this.chunk!
    if (end - start > 64) chunk.set(bytes.subarray(start, end), this.at)
    else for (let i = start, at = this.at; i < end;) chunk[at++] = bytes[i++]!
    this.at += end - start
  }

  putUint32(value: number): void {
    this.chunk!.writeUInt32BE(value, this.at)
    this.at += 4
  }

  putUint16(value: number): void {
    this.chunk!.writeUInt16BE(value, this.at)
    this.at += 2
  }

  /** Adds END_STREAM to the last frame written, if that is a body or a whole head of `id` and not sent yet. */
  endLast(id: number): boolean {
    const { chunk, last } = this
    if (chunk === null || last === -1 || chunk.readUInt32BE(last + 5) !== id) return false
    const type = chunk[last + 3]!
    if (type !== FRAME.data && (type !== FRAME.headers || (chunk[last + 4]! & FLAG.endHeaders) === 0)) return false
    chunk[last + 4]! |= FLAG.endStream
    return true
  }

  windowUpdate(id: number, bytes: number): void {
    this.frame(4, FRAME.windowUpdate, 0, id)
    this.putUint32(bytes)
  }

  rst(id: number, code: number): void {
    this.frame(4, FRAME.rstStream, 0, id)
    this.putUint32(code)
  }

  goaway(lastId: number, code: number): void {
    this.frame(8, FRAME.goaway, 0, 0)
    this.putUint32(lastId)
    this.putUint32(code)
  }

  ping(): void {
    this.frame(8, FRAME.ping, 0, 0)
    this.putUint32(0)
    this.putUint32(0)
  }

  /** A header block in as many frames as it takes. */
  block(bytes: Buffer, length: number, flags: number, id: number, frameBytesMax: number): void {
    let from = 0
    let type: number = FRAME.headers
    do {
      const to = Math.min(length, from + frameBytesMax)
      const first = type === FRAME.headers ? flags : 0
      this.frame(to - from, type, to === length ? first | FLAG.endHeaders : first, id)
      this.put(bytes, from, to)
      from = to
      type = FRAME.continuation
    } while (from < length)
  }

  private room(bytes: number): Buffer {
    if (this.chunk !== null && this.at + bytes > CHUNK_BYTES) this.send()
    if (this.chunk === null) {
      this.chunk = spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
      this.at = 0
      if (!this.scheduled) {
        this.scheduled = true
        // After every socket that this turn of the loop reads has been read: answers of many upstreams leave together.
        setImmediate(this.flush)
      }
    }
    return this.chunk
  }

  /** Sends what has been gathered. */
  readonly flush = (): void => {
    this.scheduled = false
    this.send()
  }

  private send(): void {
    const { chunk, socket } = this
    if (chunk === null) return
    this.chunk = null
    this.last = -1
    if (!socket.writable) return
    this.bytes += this.at
    const room = socket.write(chunk.subarray(0, this.at), () => {
      if (spare.length < SPARE_MAX) spare.push(chunk)
    })
    if (room || this.choked) return
    this.choked = true
    this.onChoked()
  }
}
