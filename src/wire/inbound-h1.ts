/** A client's HTTP/1.x connection: reads requests one after another, answers them in order. */
import type { Socket } from 'node:net'
import { type Problem, PROBLEMS, problemBody } from '../base/problem.ts'
import type { BodySink } from './body.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import { HEAD_BYTES_MAX, headEnd, isHopeless } from './head-lines.ts'
import { parseRequestHead } from './parse-request.ts'
import { FRAMING, RequestHead } from './head.ts'
import type { Inbound, InboundHandler, InboundListener } from './inbound.ts'
import { MessageWriter } from './message-writer.ts'
import { DISCARD_BYTES_MAX, RequestBody } from './request-body.ts'
import { statusText } from './status.ts'
import { type TunnelEnd, tunnelEnd } from './tunnel.ts'

export interface ClientTimeouts {
  /** From a head's first byte to its last. */
  readonly headMs: number
  /** Longest silence while a body is read, or while an answer is not. */
  readonly bodyIdleMs: number
  /** A kept connection without a request. */
  readonly keepAliveMs: number
}

/** A connection that ends drops its input for a while, so that a reset does not destroy the answer (RFC 9112 §9.6). */
const LINGER_MS = 2_000
const LINGER_TOTAL_MS = 30_000
/** How long an upstream may leave `Expect: 100-continue` unanswered before we answer it. */
const CONTINUE_WAIT_MS = 1_000
/** Bytes of the next request kept while this one is answered; then the socket is paused. */
const PIPELINED_BYTES_MAX = 65_536

// Where a connection stands with its current request.
const IDLE = 0 // between requests, or reading a head
const WAITING = 1 // head handed over, body not asked for
const READING = 2 // body flows to the sink
const RECEIVED = 3 // request complete, answer not
const LINGERING = 4 // answer sent, connection ends; input is dropped
const TUNNEL = 5
const CLOSED = 6

const NOTHING = Buffer.alloc(0)

export class InboundH1 implements Inbound, Timed {
  readonly head = new RequestHead()
  readonly remoteAddress: string
  readonly encrypted: boolean
  listener: InboundListener | null = null
  deadline = 0
  bytesIn = 0

  private readonly socket: Socket
  private readonly handler: InboundHandler
  private readonly deadlines: Deadlines
  private readonly timeouts: ClientTimeouts
  private readonly onClosed: (connection: InboundH1) => void
  private readonly body = new RequestBody()
  private readonly writer: MessageWriter
  private phase = IDLE
  /** Text of a head that is not complete yet. */
  private partial = ''
  /** Bytes that arrived before they could be used. */
  private waiting: Buffer = NOTHING
  private paused = false
  private clientEnded = false
  private requests = 0
  private draining = false
  private discarding = false
  private lingerUntil = 0
  private idleMs: number

  // The answer.
  private responding = false
  private bodyless = false
  /** Bytes that a Content-Length still promises; -1 when none was given. */
  private lengthLeft = -1
  private closeAfter = false
  private continued = false

  constructor(
    socket: Socket,
    handler: InboundHandler,
    deadlines: Deadlines,
    timeouts: ClientTimeouts,
    onClosed: (connection: InboundH1) => void,
  ) {
    this.socket = socket
    this.handler = handler
    this.deadlines = deadlines
    this.timeouts = timeouts
    this.idleMs = timeouts.bodyIdleMs
    this.onClosed = onClosed
    this.writer = new MessageWriter(socket)
    const address = socket.remoteAddress ?? ''
    this.remoteAddress = address.startsWith('::ffff:') ? address.slice(7) : address
    this.encrypted = 'encrypted' in socket
    this.deadline = deadlines.now + timeouts.headMs
    deadlines.add(this)
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => this.received(bytes))
    socket.on('end', () => this.ended())
    socket.on('drain', () => this.drained())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.closed())
  }

  get bytesOut(): number {
    return this.writer.bytes
  }

  // ---- reading

  private received(bytes: Buffer): void {
    switch (this.phase) {
      case IDLE:
        this.readHead(bytes, 0)
        return
      case READING:
        this.deadline = this.deadlines.now + this.idleMs
        this.readBodyBytes(bytes)
        return
      case LINGERING:
        this.deadline = Math.min(this.lingerUntil, this.deadlines.now + LINGER_MS)
        return
      case WAITING:
      case RECEIVED:
        this.keep(bytes, 0)
    }
  }

  /** Keeps bytes for later: a body nobody reads yet, or the next request. */
  private keep(bytes: Buffer, from: number): void {
    if (from === bytes.length) return
    const rest = bytes.subarray(from)
    this.waiting = this.waiting.length === 0 ? Buffer.from(rest) : Buffer.concat([this.waiting, rest])
    if (this.waiting.length >= PIPELINED_BYTES_MAX) this.pause()
  }

  private readHead(bytes: Buffer, from: number): void {
    const had = this.partial.length
    if (had === 0) this.deadline = this.deadlines.now + this.timeouts.headMs
    const text = this.partial + bytes.toString('latin1', from, Math.min(bytes.length, from + HEAD_BYTES_MAX - had))
    // One empty line before a request line is tolerated (RFC 9112 §2.2).
    const start = text.charCodeAt(0) !== 13 ? 0 : text.length === 1 || text.charCodeAt(1) === 10 ? 2 : 0
    const end = headEnd(text, Math.max(start, had - 3))
    if (end === -1) {
      if (isHopeless(text, start)) return this.refuse(PROBLEMS.malformedRequest)
      if (text.length < HEAD_BYTES_MAX) this.partial = text
      else this.refuse(text.includes('\r\n') ? PROBLEMS.headTooLarge : PROBLEMS.targetTooLong)
      return
    }
    this.bytesIn = end
    const wrong = parseRequestHead(this.head, start === 0 && end === text.length ? text : text.slice(start, end))
    if (wrong !== null) return this.refuse(wrong)
    this.begin()
    if (this.head.framing === FRAMING.none) this.phase = RECEIVED
    else {
      this.phase = WAITING
      this.body.start(this.head)
    }
    this.keep(bytes, from + end - had)
    this.handler.request(this)
  }

  private begin(): void {
    this.partial = ''
    this.requests++
    this.deadline = 0
    this.listener = null
    this.discarding = false
    this.responding = false
    this.closeAfter = !this.head.keepAlive || this.draining
    this.continued = !this.head.expectContinue
    this.idleMs = this.timeouts.bodyIdleMs
  }

  readBody(sink: BodySink, bytesMax: number, idleMs: number): void {
    if (this.phase === RECEIVED) sink.end()
    if (this.phase !== WAITING) return
    this.body.to(sink, bytesMax)
    this.phase = READING
    if (idleMs !== 0) this.idleMs = idleMs
    this.deadline = this.deadlines.now + (this.continued ? this.idleMs : CONTINUE_WAIT_MS)
    if (bytesMax !== 0 && this.head.length > bytesMax) this.bodyFailed(PROBLEMS.bodyTooLarge)
    else this.readWaitingBody()
  }

  private readWaitingBody(): void {
    const bytes = this.waiting
    this.waiting = NOTHING
    if (bytes.length > 0) this.readBodyBytes(bytes)
    if (this.waiting.length < PIPELINED_BYTES_MAX) this.unpause()
  }

  /** Feeds body bytes on; what follows the body belongs to the next request. */
  private readBodyBytes(bytes: Buffer): void {
    this.continued = true
    const stop = this.body.feed(bytes, 0, bytes.length)
    if (typeof stop !== 'number') return this.bodyFailed(stop)
    this.bytesIn += stop
    if (this.phase !== READING) return // the sink ended the exchange or the connection
    this.keep(bytes, stop)
    if (!this.body.complete) return
    this.phase = RECEIVED
    this.deadline = 0
    if (this.discarding) this.next()
    else this.body.finish()
  }

  pauseBody(): void {
    if (this.phase !== READING) return
    this.deadline = 0
    this.pause()
  }

  resumeBody(): void {
    if (this.phase === READING) this.deadline = this.deadlines.now + this.idleMs
    this.unpause()
  }

  private pause(): void {
    this.paused = true
    this.socket.pause()
  }

  private unpause(): void {
    if (!this.paused) return
    this.paused = false
    this.socket.resume()
  }

  /** No more of the body will be read: whoever reads it is told, and decides how the client hears of it. */
  private bodyFailed(problem: Problem): void {
    this.body.to(null, 0)
    this.phase = WAITING
    this.closeAfter = true
    this.deadline = 0
    if (this.listener === null) this.socket.destroy()
    else this.listener.bodyRefused(problem)
  }

  // ---- the connection's own events

  private drained(): void {
    if (this.phase === RECEIVED) this.deadline = 0
    this.listener?.drain()
  }

  private ended(): void {
    this.clientEnded = true
    if (this.phase === IDLE && this.partial !== '') this.refuse(PROBLEMS.malformedRequest)
    else if (this.phase === IDLE || this.phase === LINGERING) this.socket.end()
    // A client that stops sending before it has its answer has gone (nginx and Envoy read it so too): its upstream request ends.
    else if (this.phase !== RECEIVED || this.waiting.length === 0) this.socket.destroy()
  }

  private closed(): void {
    const was = this.phase
    if (was === CLOSED) return
    this.phase = CLOSED
    this.deadlines.remove(this)
    const { listener } = this
    this.listener = null
    listener?.aborted()
    if (this.requests === 0) this.handler.unused(this.remoteAddress)
    this.onClosed(this)
  }

  expired(): void {
    if (this.phase === READING && !this.continued) {
      this.continue()
      this.deadline = this.deadlines.now + this.idleMs
    } else if (this.phase === READING && !this.discarding) this.bodyFailed(PROBLEMS.bodyTimeout)
    else if (this.phase === IDLE && this.partial !== '') this.refuse(PROBLEMS.headTimeout)
    else this.socket.destroy()
  }

  /** Answers bytes that are no request, and closes. Nothing of them goes further. */
  private refuse(problem: Problem): void {
    this.head.method = ''
    this.head.minor = 1
    this.begin()
    this.phase = RECEIVED
    this.closeAfter = true
    const body = Buffer.from(problemBody(problem))
    const lines = `Content-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n`
    this.respond(problem.status, statusText(problem.status), lines, FRAMING.length, body.length)
    this.write(body, 0, body.length)
    this.writer.flush()
    this.handler.refused(this, problem)
    this.end()
  }

  // ---- answering

  continue(): void {
    if (this.continued || this.responding) return
    this.continued = true
    this.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
  }

  informational(status: number, reason: string, lines: string): void {
    if (status === 100) return this.continue()
    if (!this.responding && this.head.minor === 1) {
      this.socket.write(`HTTP/1.1 ${status} ${reason}\r\n${lines}\r\n`, 'latin1')
    }
  }

  respond(status: number, reason: string, lines: string, framing: number, length: number): void {
    const { method, minor } = this.head
    this.responding = true
    this.bodyless = status === 204 || status === 304 || method === 'HEAD'
    this.lengthLeft = framing === FRAMING.length ? length : -1
    // A body that is not read to its end: dropped if little of it can be left, else the connection cannot go on.
    if (this.phase === WAITING || this.phase === READING) {
      const little = this.head.framing === FRAMING.length && this.head.length <= DISCARD_BYTES_MAX && this.continued
      if (!little) this.closeAfter = true
    }
    const unknown = framing === FRAMING.chunked || framing === FRAMING.close
    const chunked = unknown && minor === 1 && (!this.bodyless || framing === FRAMING.chunked)
    if (unknown && minor === 0 && !this.bodyless) this.closeAfter = true
    let head = `HTTP/1.1 ${status} ${reason}\r\n${lines}`
    if (chunked) head += 'Transfer-Encoding: chunked\r\n'
    if (this.closeAfter) head += 'Connection: close\r\n'
    else if (minor === 0) head += 'Connection: keep-alive\r\n'
    this.writer.begin(head + '\r\n', chunked && !this.bodyless)
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.bodyless || this.phase === CLOSED) return true
    if (this.lengthLeft !== -1) this.lengthLeft -= end - start
    const room = this.writer.write(bytes, start, end)
    // A client that does not read is given as long as one that does not write.
    if (!room && this.phase === RECEIVED) this.deadline = this.deadlines.now + this.idleMs
    return room
  }

  flush(): void {
    this.writer.flush()
  }

  end(): void {
    if (this.phase === CLOSED) return
    if (this.lengthLeft > 0 && !this.bodyless) return this.abort()
    this.writer.end()
    this.listener = null
    this.responding = false
    if (this.phase !== READING && this.phase !== WAITING) return this.next()
    if (this.closeAfter) return this.linger()
    this.discarding = true
    this.body.to(null, 0)
    this.phase = READING
    this.deadline = this.deadlines.now + this.idleMs
    this.readWaitingBody()
  }

  /** The exchange is over: close, or take the next request. */
  private next(): void {
    const pipelined = this.waiting.length > 0
    if (this.closeAfter || this.draining || (this.clientEnded && !pipelined)) return this.linger()
    if (pipelined) {
      // A turn later: a client that pipelines thousands of requests must not grow the stack or hold the loop.
      setImmediate(() => this.readWaitingHead())
      return
    }
    this.phase = IDLE
    this.deadline = this.deadlines.now + this.timeouts.keepAliveMs
    this.unpause()
  }

  private readWaitingHead(): void {
    if (this.phase !== RECEIVED) return
    const bytes = this.waiting
    this.waiting = NOTHING
    this.phase = IDLE
    this.readHead(bytes, 0)
    if (this.waiting.length < PIPELINED_BYTES_MAX) this.unpause()
    if (this.clientEnded && this.isBetweenRequests()) this.ended()
  }

  private isBetweenRequests(): boolean {
    return this.phase === IDLE
  }

  /** Sends what is left, closes our side, and drops input for a while. */
  private linger(): void {
    this.phase = LINGERING
    this.listener = null
    this.waiting = NOTHING
    this.socket.end()
    this.paused = false
    this.socket.resume()
    this.lingerUntil = this.deadlines.now + LINGER_TOTAL_MS
    this.deadline = this.deadlines.now + LINGER_MS
  }

  abort(): void {
    this.listener = null
    if (this.phase !== CLOSED) this.socket.resetAndDestroy()
  }

  switchProtocols(lines: string): TunnelEnd {
    this.writer.begin(`HTTP/1.1 101 Switching Protocols\r\n${lines}Connection: Upgrade\r\n\r\n`, false)
    this.writer.flush()
    this.phase = TUNNEL
    this.deadline = 0
    this.listener = null
    const early = this.waiting
    this.waiting = NOTHING
    return tunnelEnd(this.socket, early, (receive) => {
      this.socket.removeAllListeners('data')
      this.socket.on('data', (bytes: Buffer) => receive(bytes, 0, bytes.length))
      this.unpause()
    })
  }

  /** No new request on this connection: closes now if idle, else after the answer. */
  drain(): void {
    this.draining = true
    if (this.phase === IDLE && this.partial === '') this.socket.destroySoon()
    else if (!this.responding) this.closeAfter = true
  }

  destroy(): void {
    this.socket.destroy()
  }
}
