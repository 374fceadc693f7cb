/** A client's HTTP/1.x connection: reads requests one after another, answers them in order. */
import type { Socket } from 'node:net'
import { type Problem, PROBLEMS } from '../base/problem.ts'
import { AnswerH1 } from './answer-h1.ts'
import type { BodySink } from './body.ts'
import { type ClientTls, reset } from './client-tls.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import { isHopeless } from './head-lines.ts'
import { PREFACE } from './h2/frames.ts'
import { HeadText } from './head-text.ts'
import { parseRequestHead } from './parse-request.ts'
import { FRAMING, RequestHead } from './head.ts'
import type { Aborted, ClientTimeouts, Inbound, InboundHandler, InboundListener } from './inbound.ts'
import { HeldInput } from './held-input.ts'
import { InputTime } from './input-time.ts'
import { Linger } from './linger.ts'
import type { OutgoingHead } from './outgoing.ts'
import { type Receive, type Taken, readFrom } from './reading.ts'
import { DISCARD_BYTES_MAX, RequestBody } from './request-body.ts'
import { SendPace } from './send-pace.ts'
import { type TunnelEnd, tunnelEnd } from './tunnel.ts'

/** How long a kept connection that is to end may go without a request. */
const DRAIN_IDLE_MS = 1_000
/** How long an upstream may leave `Expect: 100-continue` unanswered before we answer it. */
const CONTINUE_WAIT_MS = 1_000

// Where a connection stands with its current request.
const IDLE = 0 // between requests, or reading a head
const WAITING = 1 // head handed over, body not asked for
const READING = 2 // body flows to the sink
const RECEIVED = 3 // request complete, answer not
const LINGERING = 4 // answer sent, connection ends; input is dropped
const TUNNEL = 5
const CLOSED = 6

export class InboundH1 implements Inbound, Timed {
  readonly head = new RequestHead()
  readonly remoteAddress: string
  readonly tls: ClientTls | null
  listener: InboundListener | null = null
  deadline = 0
  bytesIn = 0

  private readonly socket: Socket
  private readonly handler: InboundHandler
  private readonly deadlines: Deadlines
  private readonly timeouts: ClientTimeouts
  private readonly onClosed: (connection: InboundH1) => void
  onPreface: ((taken: Taken) => void) | null = null
  private readonly body = new RequestBody()
  private readonly readInto: (receive: Receive) => void
  private readonly answer: AnswerH1
  private readonly held: HeldInput
  private phase = IDLE
  private readonly heads = new HeadText()
  private clientEnded = false
  private requests = 0
  private draining = false
  private discarding = false
  private ending: Linger | null = null
  private readonly time: InputTime

  constructor(
    socket: Socket,
    remoteAddress: string,
    tls: ClientTls | null,
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
    this.answer = new AnswerH1(
      socket,
      new SendPace(socket, deadlines, timeouts.rateMin, () => this.destroy('client-too-slow')),
    )
    this.held = new HeldInput(socket)
    this.remoteAddress = remoteAddress
    this.tls = tls
    this.deadline = deadlines.now + timeouts.headMs
    this.time = new InputTime(deadlines, timeouts)
    deadlines.add(this)
    deadlines.add(this.answer.pace)
    socket.setNoDelay(true)
    this.readInto = readFrom(socket, (bytes) => this.received(bytes))
    socket.on('end', () => this.ended())
    socket.on('drain', () => this.drained())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.closed())
  }

  get bytesOut(): number {
    return this.answer.bytes
  }

  // ---- reading

  /** Bytes of the client; also those that had come before the connection was given to us. Valid during the call. */
  received(bytes: Buffer): void {
    switch (this.phase) {
      case IDLE:
        this.readHead(bytes, 0)
        return
      case READING:
        this.deadline = this.time.moved(bytes.length)
        this.readBodyBytes(bytes)
        return
      case LINGERING:
        return this.ending!.heard()
      case WAITING:
      case RECEIVED:
        this.held.keep(bytes, 0)
    }
  }

  private readHead(bytes: Buffer, from: number): void {
    const { heads } = this
    // A refusal answers what has been read of this request, and nothing of the one before it.
    this.head.method = ''
    this.head.minor = 1
    const first = heads.pending === ''
    const stop = heads.take(bytes, from, bytes.length, true)
    if (stop === -1) {
      if (first) this.deadline = this.time.headBegins()
      this.time.moved(bytes.length)
      if (isHopeless(heads.pending)) this.refuse(PROBLEMS.malformedRequest)
      else if (heads.isFull) {
        this.refuse(heads.pending.includes('\r\n') ? PROBLEMS.headTooLarge : PROBLEMS.targetTooLong)
      }
      return
    }
    this.bytesIn = heads.text.length
    const wrong = parseRequestHead(this.head, heads.text)
    // What HTTP/2 begins with looks like a head (RFC 9113 §3.4).
    if (wrong !== null && this.requests === 0 && PREFACE.startsWith(heads.text)) return this.leave(bytes, stop)
    if (wrong !== null) return this.refuse(wrong)
    this.begin()
    if (this.head.framing === FRAMING.none) this.phase = RECEIVED
    else {
      this.phase = WAITING
      this.body.start(this.head)
    }
    this.held.keep(bytes, stop)
    this.handler.request(this)
  }

  /** The client speaks HTTP/2 (RFC 9113 §3.3): somebody else goes on with the connection. */
  private leave(bytes: Buffer, from: number): void {
    this.phase = CLOSED
    this.deadlines.remove(this)
    this.deadlines.remove(this.answer.pace)
    this.onClosed(this)
    const taken = Buffer.concat([Buffer.from(this.heads.text), bytes.subarray(from)])
    this.onPreface?.({ bytes: taken, readInto: this.readInto })
  }

  private begin(): void {
    this.heads.pending = ''
    this.requests++
    this.deadline = 0
    this.listener = null
    this.discarding = false
    this.answer.reset(this.head)
    if (this.draining) this.answer.closes = true
    this.setIdle(this.timeouts.bodyIdleMs)
  }

  /** A client that does not read is given as long as one that does not write. */
  private setIdle(ms: number): void {
    this.time.idleMs = ms
    this.answer.pace.silenceMs = ms
  }

  readBody(sink: BodySink, bytesMax: number, idleMs: number): void {
    if (this.phase === RECEIVED) sink.end()
    if (this.phase !== WAITING) return
    this.body.to(sink, bytesMax)
    this.phase = READING
    if (idleMs !== 0) this.setIdle(idleMs)
    this.deadline = this.answer.isAwaited ? this.deadlines.now + CONTINUE_WAIT_MS : this.time.bodyBegins()
    if (bytesMax !== 0 && this.head.length > bytesMax) this.bodyFailed(PROBLEMS.bodyTooLarge)
    else this.readWaitingBody()
  }

  private readWaitingBody(): void {
    const bytes = this.held.take()
    if (bytes.length > 0) this.readBodyBytes(bytes)
    this.held.resume()
  }

  /** Feeds body bytes on; what follows the body belongs to the next request. */
  private readBodyBytes(bytes: Buffer): void {
    this.answer.awaitedNoMore()
    const stop = this.body.feed(bytes, 0, bytes.length)
    if (typeof stop !== 'number') return this.bodyFailed(stop)
    this.bytesIn += stop
    if (this.phase !== READING) return // the sink ended the exchange or the connection
    this.held.keep(bytes, stop)
    if (!this.body.complete) return this.body.flush()
    this.phase = RECEIVED
    this.deadline = 0
    if (this.discarding) this.next()
    else this.body.finish()
  }

  pauseBody(): void {
    if (this.phase !== READING) return
    this.deadline = 0
    this.held.block()
  }

  resumeBody(): void {
    if (this.phase === READING) this.deadline = this.time.bodyBegins()
    this.held.unblock()
  }

  /** No more of the body will be read: whoever reads it is told, and decides how the client hears of it. */
  private bodyFailed(problem: Problem): void {
    this.body.to(null, 0)
    this.phase = WAITING
    this.answer.closes = true
    this.deadline = 0
    if (this.listener === null) this.socket.destroy()
    else this.listener.bodyRefused(problem)
  }

  // ---- the connection's own events

  private drained(): void {
    this.answer.pace.drained()
    this.listener?.drain()
  }

  private ended(): void {
    if (this.phase === CLOSED) return
    this.clientEnded = true
    if (this.phase === IDLE && this.heads.pending !== '') this.refuse(PROBLEMS.malformedRequest)
    else if (this.phase === IDLE || this.phase === LINGERING) this.socket.end()
    // A client that stops sending before it has its answer has gone (nginx and Envoy read it so too): its upstream request ends.
    else if (this.phase !== RECEIVED || this.held.isEmpty) this.socket.destroy()
  }

  private closed(): void {
    if (this.phase === CLOSED) return
    this.phase = CLOSED
    this.deadlines.remove(this)
    this.deadlines.remove(this.answer.pace)
    const { listener } = this
    this.listener = null
    listener?.aborted('client-abort')
    if (this.requests === 0) this.handler.unused(this.remoteAddress)
    this.onClosed(this)
  }

  expired(): void {
    if (this.phase === READING && this.answer.isAwaited) {
      this.continue()
      this.deadline = this.time.bodyBegins()
    } else if (this.phase === READING) {
      const late = this.time.bodyIsLate()
      if (typeof late === 'number') this.deadline = late
      else if (this.discarding) this.socket.destroy()
      else this.bodyFailed(late)
    } else if (this.phase === IDLE && this.heads.pending !== '') {
      const late = this.time.headIsLate()
      if (typeof late === 'number') this.deadline = late
      else this.refuse(late)
    } else this.socket.destroy()
  }

  /** Answers bytes that are no request, and closes. Nothing of them goes further. */
  private refuse(problem: Problem): void {
    if (this.heads.pending !== '') this.bytesIn = this.heads.pending.length
    this.begin()
    this.phase = RECEIVED
    this.answer.refuse(problem)
    this.handler.refused(this, problem)
    this.end()
  }

  // ---- answering

  continue(): void {
    this.informational(100, 'Continue', null)
  }

  informational(status: number, reason: string, headers: OutgoingHead | null): void {
    const awaited = this.answer.isAwaited
    this.answer.informational(status, reason, headers)
    // From now on the client is waited for, not the upstream.
    if (awaited && !this.answer.isAwaited && this.phase === READING) this.deadline = this.time.bodyBegins()
  }

  respond(status: number, reason: string, headers: OutgoingHead, framing: number, length: number): void {
    // A body that is not read to its end: dropped if little of it can be left, else the connection cannot go on.
    if (this.phase === WAITING || this.phase === READING) {
      const little = this.head.framing === FRAMING.length && this.head.length <= DISCARD_BYTES_MAX
      if (!little || this.answer.isAwaited) this.answer.closes = true
    }
    this.answer.respond(status, reason, headers.lines(), framing, length)
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    return this.phase === CLOSED || this.answer.write(bytes, start, end)
  }

  flush(): boolean {
    return this.answer.flush()
  }

  end(trailers?: OutgoingHead | null): void {
    if (this.phase === CLOSED) return
    if (!this.answer.end(trailers)) return this.abort()
    this.listener = null
    if (this.phase !== READING && this.phase !== WAITING) return this.next()
    if (this.answer.closes) return this.linger()
    this.discarding = true
    this.body.to(null, 0)
    this.phase = READING
    this.deadline = this.time.bodyBegins()
    this.readWaitingBody()
  }

  /** The exchange is over: close, or take the next request. */
  private next(): void {
    const pipelined = !this.held.isEmpty
    if (this.answer.closes || (this.clientEnded && !pipelined)) return this.linger()
    if (pipelined) {
      // A turn later: a client that pipelines thousands of requests must not grow the stack or hold the loop.
      setImmediate(() => this.readWaitingHead())
      return
    }
    this.phase = IDLE
    this.deadline = this.deadlines.now + (this.draining ? DRAIN_IDLE_MS : this.timeouts.keepAliveMs)
    this.held.resume()
  }

  private readWaitingHead(): void {
    if (this.phase !== RECEIVED) return
    this.phase = IDLE
    this.readHead(this.held.take(), 0)
    this.held.resume()
    if (this.clientEnded && this.isIncomplete()) this.ended()
  }

  /** More of a request would have to come, or the next one. */
  private isIncomplete(): boolean {
    return this.phase === IDLE || this.phase === WAITING || this.phase === READING
  }

  /** Sends what is left, closes our side, and drops input for a while after it. */
  private linger(): void {
    this.phase = LINGERING
    this.listener = null
    this.held.take()
    // Until everything is sent it may take long, as long as the client takes some of it.
    this.answer.pace.stalled()
    this.ending = new Linger(this.socket, this.deadlines, this, () => this.answer.pace.drained())
  }

  abort(): void {
    this.listener = null
    if (this.phase !== CLOSED) reset(this.socket, this.tls)
  }

  switchProtocols(headers: OutgoingHead): TunnelEnd {
    this.answer.switchProtocols(headers)
    this.phase = TUNNEL
    this.deadline = 0
    this.listener = null
    return tunnelEnd(this.socket, this.held.take(), (receive) => {
      this.readInto((bytes) => receive(bytes, 0, bytes.length))
      this.held.resume()
    })
  }

  /** The next answer is the last, and says so. A client not told yet may be sending now: it is closed only after a silence. */
  drain(): void {
    this.draining = true
    if (this.phase === IDLE && this.heads.pending === '') this.deadline = this.deadlines.now + DRAIN_IDLE_MS
    else if (!this.answer.started) this.answer.closes = true
  }

  /** Ends it now, whatever runs; at the end of a drain, unless another reason is given. */
  destroy(why: Aborted = 'shutdown'): void {
    const { listener } = this
    this.listener = null
    this.socket.destroy()
    listener?.aborted(why)
  }
}
