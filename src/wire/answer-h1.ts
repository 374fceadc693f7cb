/** The answer to one request on an HTTP/1.x connection: its head, its framing, and whether the connection can go on after it. */
import type { Socket } from 'node:net'
import { type Problem, problemBody } from '../base/problem.ts'
import { FRAMING, type RequestHead } from './head.ts'
import { MessageWriter } from './message-writer.ts'
import type { OutgoingHead } from './outgoing.ts'
import type { SendPace } from './send-pace.ts'
import { statusText } from './status.ts'

export class AnswerH1 {
  /** The connection ends after this answer. */
  closes = false
  started = false
  private readonly socket: Socket
  private readonly writer: MessageWriter
  /** Of the client's reading. */
  readonly pace: SendPace
  /** HTTP/1.0 clients get no interim answers and no chunks. */
  private minor = 1
  private method = ''
  private takesTrailers = false
  private bodyless = false
  /** Bytes that a Content-Length still promises; -1 when none was given. */
  private lengthLeft = -1
  private continued = true

  constructor(socket: Socket, pace: SendPace) {
    this.socket = socket
    this.pace = pace
    this.writer = new MessageWriter(socket)
  }

  /** Starts over for a request. */
  reset({ minor, method, keepAlive, expectContinue, takesTrailers }: RequestHead): void {
    this.minor = minor
    this.method = method
    this.takesTrailers = takesTrailers
    this.closes = !keepAlive
    this.started = false
    this.continued = !expectContinue
  }

  get bytes(): number {
    return this.writer.bytes
  }

  /** The client waits for a 100 before it sends its body. */
  get isAwaited(): boolean {
    return !this.continued
  }

  /** The client did not wait, or has been told. */
  awaitedNoMore(): void {
    this.continued = true
  }

  informational(status: number, reason: string, headers: OutgoingHead | null): void {
    if (this.started || this.minor === 0) return
    if (status === 100) {
      if (this.continued) return
      this.continued = true
    }
    this.socket.write(`HTTP/1.1 ${status} ${reason}\r\n${headers?.lines() ?? ''}\r\n`, 'latin1')
  }

  /** See Inbound.respond; `lines` are header lines, each ended by CRLF. */
  respond(status: number, reason: string, lines: string, framing: number, length: number): void {
    this.started = true
    this.bodyless = status === 204 || status === 304 || this.method === 'HEAD'
    this.lengthLeft = framing === FRAMING.length ? length : -1
    const unknown = framing === FRAMING.chunked || framing === FRAMING.close
    const chunked = unknown && this.minor === 1 && (!this.bodyless || framing === FRAMING.chunked)
    if (unknown && this.minor === 0 && !this.bodyless) this.closes = true
    let head = `HTTP/1.1 ${status} ${reason}\r\n${lines}`
    if (chunked) head += 'Transfer-Encoding: chunked\r\n'
    if (this.closes) head += 'Connection: close\r\n'
    else if (this.minor === 0) head += 'Connection: keep-alive\r\n'
    this.writer.begin(head + '\r\n', chunked && !this.bodyless)
  }

  /** The whole answer to bytes that are no request: after it the connection ends. */
  refuse(problem: Problem): void {
    this.closes = true
    const body = Buffer.from(problemBody(problem))
    const lines = `Content-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n`
    this.respond(problem.status, statusText(problem.status), lines, FRAMING.length, body.length)
    this.write(body, 0, body.length)
    this.flush()
  }

  switchProtocols(headers: OutgoingHead): void {
    this.writer.begin(`HTTP/1.1 101 Switching Protocols\r\n${headers.lines()}Connection: Upgrade\r\n\r\n`, false)
    this.writer.flush()
  }

  /** False: wait for the socket's drain. */
  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.bodyless) return true
    if (this.lengthLeft !== -1) this.lengthLeft -= end - start
    return this.took(this.writer.write(bytes, start, end))
  }

  /** False: wait for the socket's drain. */
  flush(): boolean {
    return this.took(this.writer.flush())
  }

  private took(room: boolean): boolean {
    if (!room) this.pace.stalled()
    return room
  }

  /** False when a Content-Length promised more than came: the answer must not be taken for whole. */
  end(trailers?: OutgoingHead | null): boolean {
    if (this.lengthLeft > 0 && !this.bodyless) return false
    this.writer.end(this.takesTrailers ? trailers : null)
    return true
  }
}
