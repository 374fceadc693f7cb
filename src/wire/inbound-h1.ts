/** A client's HTTP/1.x connection: reads requests one after another, answers them in order. */
import type { Socket } from 'node:net'
import { type Problem, PROBLEMS, problemBody } from '../base/problem.ts'
import { type BodyDecoder, type BodySink, ChunkedDecoder, LengthDecoder } from './body.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import { HEAD_BYTES_MAX, headEnd, isHopeless, parseRequestHead } from './head-parser.ts'
import { FRAMING, RequestHead } from './head.ts'
import type { Inbound, InboundHandler, InboundListener } from './inbound.ts'
import { statusText } from './status.ts'
import type { TunnelEnd } from './tunnel.ts'

export interface ClientTimeouts {
  /** From a head's first byte to its last. */
  readonly headMs: number
  /** Longest silence while a body is read. */
  readonly bodyIdleMs: number
  /** A kept connection without a request. */
  readonly keepAliveMs: number
}

/** Answers up to this many bytes go out as one string with their head: one write, no Buffer. Larger ones are copied once. */
const JOIN_BYTES_MAX = 8_192
/** How much of an unread body is read and dropped to keep a connection, or to let a refusal reach the client before a close. */
const DISCARD_BYTES_MAX = 65_536
/** How long a closed connection's input is dropped so that a reset does not destroy the answer (RFC 9112 §9.6). */
const LINGER_MS = 2_000
/** Longest time a closed connection's input is dropped while it keeps coming. */
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
  bytesOut = 0

  private readonly socket: Socket
  private readonly handler: InboundHandler
  private readonly deadlines: Deadlines
  private readonly timeouts: ClientTimeouts
  private readonly onClosed: (connection: InboundH1) => void
  private phase = IDLE
  /** Text of a head that is not complete yet. */
  private partial = ''
  /** Bytes that arrived before they could be used. */
  private waiting: Buffer = NOTHING
  private paused = false
  private clientEnded = false
  private requests = 0
  private draining = false

  private readonly chunkedDecoder = new ChunkedDecoder()
  private readonly lengthDecoder = new LengthDecoder()
  private decoder: BodyDecoder | null = null
  private sink: BodySink | null = null
  private bodyBytes = 0
  private bodyBytesMax = 0
  private discarding = false
  private lingerUntil = 0
  private readonly fromDecoder: BodySink = {
    data: (bytes, start, end) => this.bodyData(bytes, start, end),
    end: () => this.bodyComplete(),
  }

  // The answer.
  private out = ''
  private responding = false
  private chunkedOut = false
  private bodyless = false
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
    this.onClosed = onClosed
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

  // ---- reading

  private received(bytes: Buffer): void {
    switch (this.phase) {
      case IDLE:
        this.readHead(bytes, 0)
        return
      case READING:
        this.deadline = this.deadlines.now + this.timeouts.bodyIdleMs
        this.readOn(bytes, 0)
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
    if (this.waiting.length >= PIPELINED_BYTES_MAX && !this.paused) {
      this.paused = true
      this.socket.pause()
    }
  }

  private readHead(bytes: Buffer, from: number): void {
    let start = from
    if (this.partial === '') {
      if (this.requests > 0 || this.bytesIn === 0) this.deadline = this.deadlines.now + this.timeouts.headMs
      // One empty line before a request line is tolerated (RFC 9112 §2.2).
      if (bytes[start] === 13 && bytes[start + 1] === 10) start += 2
      if (start >= bytes.length) return
    }
    const room = HEAD_BYTES_MAX - this.partial.length
    const had = this.partial.length
    const text = this.partial + bytes.toString('latin1', start, Math.min(bytes.length, start + room))
    const end = headEnd(text, Math.max(0, had - 3))
    if (end === -1) {
      if (isHopeless(text)) return this.refuse(PROBLEMS.malformedRequest)
      if (text.length >= HEAD_BYTES_MAX) {
        return this.refuse(text.includes('\r\n') ? PROBLEMS.headTooLarge : PROBLEMS.targetTooLong)
      }
      this.partial = text
      return
    }
    this.partial = ''
    this.bytesIn = end
    this.bytesOut = 0
    const wrong = parseRequestHead(this.head, end === text.length ? text : text.slice(0, end))
    if (wrong !== null) return this.refuse(wrong)
    this.requests++
    this.deadline = 0
    this.begin()
    const next = start + end - had
    if (this.head.framing === FRAMING.none) this.phase = RECEIVED
    else {
      this.phase = WAITING
      this.decoder =
        this.head.framing === FRAMING.chunked ? this.chunkedDecoder.start() : this.lengthDecoder.start(this.head.length)
    }
    this.keep(bytes, next)
    this.handler.request(this)
  }

  private begin(): void {
    this.listener = null
    this.sink = null
    this.decoder = null
    this.bodyBytes = 0
    this.discarding = false
    this.responding = false
    this.closeAfter = !this.head.keepAlive || this.draining
    this.continued = !this.head.expectContinue
  }

  readBody(sink: BodySink, bytesMax: number): void {
    if (this.phase !== WAITING) {
      if (this.phase === RECEIVED) sink.end()
      return
    }
    this.sink = sink
    this.bodyBytesMax = bytesMax
    this.phase = READING
    this.deadline = this.deadlines.now + (this.continued ? this.timeouts.bodyIdleMs : CONTINUE_WAIT_MS)
    if (bytesMax !== 0 && this.head.framing === FRAMING.length && this.head.length > bytesMax) {
      return this.bodyFailed(PROBLEMS.bodyTooLarge)
    }
    this.feedWaiting()
  }

  private feedWaiting(): void {
    const bytes = this.waiting
    if (bytes.length === 0) return this.unpause()
    this.waiting = NOTHING
    this.readOn(bytes, 0)
    if (this.waiting.length < PIPELINED_BYTES_MAX) this.unpause()
  }

  private unpause(): void {
    if (!this.paused) return
    this.paused = false
    this.socket.resume()
  }

  /** Feeds body bytes to the decoder; what follows the body belongs to the next request. */
  private readOn(bytes: Buffer, from: number): void {
    this.continued = true
    const stop = this.decoder!.feed(bytes, from, bytes.length, this.fromDecoder)
    if (stop === -1) return this.bodyFailed(PROBLEMS.malformedRequest)
    this.bytesIn += stop - from
    if (stop < bytes.length && this.phase !== CLOSED && this.phase !== LINGERING) {
      if (this.phase === IDLE) this.readHead(bytes, stop)
      else this.keep(bytes, stop)
    }
  }

  private bodyData(bytes: Buffer, start: number, end: number): void {
    this.bodyBytes += end - start
    if (this.discarding) {
      if (this.bodyBytes > DISCARD_BYTES_MAX) this.socket.destroy()
      return
    }
    if (this.bodyBytesMax !== 0 && this.bodyBytes > this.bodyBytesMax) return this.bodyFailed(PROBLEMS.bodyTooLarge)
    this.sink?.data(bytes, start, end)
  }

  pauseBody(): void {
    if (this.phase === READING) {
      this.deadline = 0
      this.paused = true
      this.socket.pause()
    }
  }

  resumeBody(): void {
    if (this.phase === READING) this.deadline = this.deadlines.now + this.timeouts.bodyIdleMs
    this.unpause()
  }

  /** The body's framing broke, or it is too large: whoever reads it is told, and decides how the client hears of it. */
  private bodyFailed(problem: Problem): void {
    if (this.sink === null || this.phase !== READING) return
    this.sink = null
    this.decoder = null
    this.phase = WAITING
    this.closeAfter = true
    this.deadline = 0
    const listener = this.listener
    if (listener !== null) listener.bodyRefused(problem)
    else this.socket.destroy()
  }

  private drained(): void {
    if (this.phase === RECEIVED) this.deadline = 0
    this.listener?.drain()
  }

  private ended(): void {
    this.clientEnded = true
    if (this.phase === IDLE || this.phase === LINGERING) {
      if (this.partial !== '') return this.refuse(PROBLEMS.malformedRequest)
      this.socket.end()
    } else if (this.phase !== RECEIVED || this.waiting.length === 0) {
      // A client that stops sending before it has its answer has gone (nginx and Envoy read it so too): its upstream request ends.
      this.socket.destroy()
    }
  }

  private closed(): void {
    const was = this.phase
    if (was === CLOSED) return
    this.phase = CLOSED
    this.deadlines.remove(this)
    const { listener } = this
    this.listener = null
    if (was !== IDLE && was !== LINGERING && was !== TUNNEL && listener !== null) listener.aborted()
    else if (this.requests === 0 && was === IDLE) this.handler.unused(this.remoteAddress)
    this.onClosed(this)
  }

  expired(): void {
    if (this.phase === READING && !this.continued) {
      this.continue()
      this.deadline = this.deadlines.now + this.timeouts.bodyIdleMs
      return
    }
    if (this.phase === READING) return this.bodyFailed(PROBLEMS.bodyTimeout)
    if (this.phase === IDLE && this.partial !== '') return this.refuse(PROBLEMS.headTimeout)
    this.socket.destroy()
  }

  /** Answers bytes that are no request, and closes. Nothing of them goes further. */
  private refuse(problem: Problem): void {
    this.partial = ''
    this.begin()
    this.phase = RECEIVED
    this.closeAfter = true
    this.requests++
    const body = problemBody(problem)
    this.respond(
      problem.status,
      statusText(problem.status),
      `Content-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n`,
      FRAMING.length,
      body.length,
    )
    this.out += body
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
    if (this.responding || this.head.minor === 0) return
    if (status === 100) return this.continue()
    this.socket.write(`HTTP/1.1 ${status} ${reason}\r\n${lines}\r\n`, 'latin1')
  }

  respond(status: number, reason: string, lines: string, framing: number, length: number): void {
    this.responding = true
    this.bodyless = status === 204 || status === 304 || this.head.method === 'HEAD'
    this.chunkedOut = false
    this.lengthLeft = -1
    // A body that nobody read: drop it if little of it can be left, else the connection cannot go on.
    if (this.phase === WAITING || this.phase === READING) {
      if (this.head.framing !== FRAMING.length || this.head.length > DISCARD_BYTES_MAX || !this.continued) {
        this.closeAfter = true
      }
    }
    let head = `HTTP/1.1 ${status} ${reason}\r\n${lines}`
    if (framing === FRAMING.length) this.lengthLeft = length
    else if (framing === FRAMING.chunked || framing === FRAMING.close) {
      if (this.head.minor === 1) {
        if (!this.bodyless || framing === FRAMING.chunked) head += 'Transfer-Encoding: chunked\r\n'
        this.chunkedOut = !this.bodyless
      } else if (!this.bodyless) this.closeAfter = true
    }
    if (this.closeAfter) head += 'Connection: close\r\n'
    else if (this.head.minor === 0) head += 'Connection: keep-alive\r\n'
    this.out += head + '\r\n'
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (length === 0 || this.bodyless || this.phase === CLOSED) return true
    if (this.lengthLeft !== -1) this.lengthLeft -= length
    const buffer = bytes as Buffer
    if (length <= JOIN_BYTES_MAX) {
      const text = buffer.toString('latin1', start, end)
      this.out += this.chunkedOut ? `${length.toString(16)}\r\n${text}\r\n` : text
      return this.out.length <= JOIN_BYTES_MAX * 2 ? true : this.flush()
    }
    this.socket.cork()
    if (this.chunkedOut) this.out += length.toString(16) + '\r\n'
    this.flush()
    this.bytesOut += length
    const room = this.socket.write(Buffer.from(buffer.subarray(start, end)))
    if (this.chunkedOut) this.out = '\r\n'
    this.socket.uncork()
    // A client that does not read is given as long as one that does not write.
    if (!room && this.phase === RECEIVED) this.deadline = this.deadlines.now + this.timeouts.bodyIdleMs
    return room
  }

  flush(): boolean {
    const { out } = this
    if (out === '') return true
    this.out = ''
    this.bytesOut += out.length
    return this.socket.write(out, 'latin1')
  }

  end(): void {
    if (this.phase === CLOSED) return
    if (this.lengthLeft > 0 && !this.bodyless) return this.abort()
    if (this.chunkedOut) this.out += '0\r\n\r\n'
    this.flush()
    this.listener = null
    this.responding = false
    if (this.phase === READING || this.phase === WAITING) {
      if (this.closeAfter || this.decoder === null) return this.linger()
      // Read the rest of the unwanted body, then go on.
      this.discarding = true
      this.sink = DEVNULL
      this.phase = READING
      this.deadline = this.deadlines.now + this.timeouts.bodyIdleMs
      return this.feedWaiting()
    }
    this.next()
  }

  /** From the decoder: the body is complete. */
  private bodyComplete(): void {
    this.deadline = 0
    const { sink } = this
    this.sink = null
    this.phase = RECEIVED
    if (this.discarding) {
      this.discarding = false
      this.next()
    } else sink?.end()
  }

  /** The exchange is over: close, or take the next request. */
  private next(): void {
    const pipelined = this.waiting.length > 0
    if (this.closeAfter || this.draining || (this.clientEnded && !pipelined)) return this.linger()
    if (pipelined) {
      // A turn later: a client that pipelines thousands of requests must not grow the stack or hold the loop.
      setImmediate(() => this.readWaiting())
      return
    }
    this.phase = IDLE
    this.deadline = this.deadlines.now + this.timeouts.keepAliveMs
    this.unpause()
  }

  private readWaiting(): void {
    if (this.phase !== RECEIVED) return
    const bytes = this.waiting
    this.waiting = NOTHING
    this.phase = IDLE
    this.deadline = this.deadlines.now + this.timeouts.headMs
    this.readHead(bytes, 0)
    if (this.waiting.length < PIPELINED_BYTES_MAX) this.unpause()
    if (this.clientEnded && (this.phase as number) === IDLE) this.ended()
  }

  /** Sends what is left, closes our side, and drops input for a while so that the answer is not lost to a reset. */
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

  /** No new request on this connection: closes now if idle, else after the answer. */
  drain(): void {
    this.draining = true
    if (this.phase === IDLE && this.partial === '') this.socket.destroySoon()
    else if (!this.responding) this.closeAfter = true
  }

  destroy(): void {
    this.socket.destroy()
  }

  switchProtocols(lines: string): TunnelEnd {
    this.out += `HTTP/1.1 101 Switching Protocols\r\n${lines}Connection: Upgrade\r\n\r\n`
    this.flush()
    this.phase = TUNNEL
    this.deadline = 0
    this.listener = null
    const { socket } = this
    socket.removeAllListeners('data')
    socket.removeAllListeners('drain')
    socket.removeAllListeners('end')
    return {
      socket,
      start: (onData, onEnd) => {
        if (this.waiting.length > 0) onData(this.waiting, 0, this.waiting.length)
        this.waiting = NOTHING
        socket.on('data', (bytes: Buffer) => onData(bytes, 0, bytes.length))
        socket.on('end', onEnd)
        this.unpause()
      },
    }
  }
}

const DEVNULL: BodySink = { data: () => {}, end: () => {} }
