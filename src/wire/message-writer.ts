/** Writes HTTP/1.1 messages to a socket: small parts gathered into one string and one write, large ones copied once. */
import type { Socket } from 'node:net'
import type { OutgoingHead } from './outgoing.ts'

/** Body parts up to this many bytes are joined to the text before them; larger ones go out as they are. */
const JOIN_BYTES_MAX = 8_192

export class MessageWriter {
  /** Bytes handed to the socket since `begin`. */
  bytes = 0
  private readonly socket: Socket
  private text = ''
  private chunked = false

  constructor(socket: Socket) {
    this.socket = socket
  }

  /** Starts a message with its whole head. Nothing is sent before `flush`, `end` or a large `write`. */
  begin(head: string, chunked: boolean): void {
    this.bytes = 0
    this.text += head
    this.chunked = chunked
  }

  /** Body bytes, which may be overwritten after the call. False: wait for the socket's drain. */
  write(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (length === 0) return true
    const buffer = asBuffer(bytes)
    if (length <= JOIN_BYTES_MAX) {
      const part = buffer.toString('latin1', start, end)
      this.text += this.chunked ? `${length.toString(16)}\r\n${part}\r\n` : part
      return this.text.length <= JOIN_BYTES_MAX * 2 || this.flush()
    }
    this.socket.cork()
    if (this.chunked) this.text += length.toString(16) + '\r\n'
    this.flush()
    this.bytes += length
    const room = this.socket.write(Buffer.from(buffer.subarray(start, end)))
    if (this.chunked) this.text = '\r\n'
    this.socket.uncork()
    return room
  }

  /** The message is complete. Only a chunked one has a place for trailers (RFC 9112 §7.1.2). */
  end(trailers?: OutgoingHead | null): void {
    if (this.chunked) this.text += trailers ? `0\r\n${trailers.lines()}\r\n` : '0\r\n\r\n'
    this.flush()
  }

  /** Sends what has been gathered. False: wait for the socket's drain. */
  flush(): boolean {
    const { text } = this
    if (text === '') return true
    this.text = ''
    this.bytes += text.length
    return this.socket.write(text, 'latin1')
  }
}

/** The same bytes as a Buffer: only that has the text conversions; a plain Uint8Array comes from another thread. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
