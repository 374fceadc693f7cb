/** A client's HTTP/1.x connection, apart from what is said on it: its phase, its time, and how it ends. */
import type { Socket } from 'node:net'
import { type Problem, PROBLEMS } from '../base/problem.ts'
import { AnswerH1 } from './answer-h1.ts'
import type { ClientEnd } from './client-end.ts'
import { type ClientTls, reset } from './client-tls.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import { HeadText } from './head-text.ts'
import { RequestHead } from './head.ts'
import { HeldInput } from './held-input.ts'
import type { Aborted, ClientTimeouts, InboundHandler, InboundListener } from './inbound.ts'
import { InputTime } from './input-time.ts'
import { Linger } from './linger.ts'
import { type Receive, type Taken, readFrom } from './reading.ts'
import { RequestBody } from './request-body.ts'
import { SendPace } from './send-pace.ts'

/** How long a kept connection that is to end may go without a request. */
export const DRAIN_IDLE_MS = 1_000

// Where a connection stands with its current request.
export const IDLE = 0 // between requests, or reading a head
export const WAITING = 1 // head handed over, body not asked for
export const READING = 2 // body flows to the sink
export const RECEIVED = 3 // request complete, answer not
export const LINGERING = 4 // answer sent, connection ends; input is dropped
export const TUNNEL = 5
export const CLOSED = 6

export abstract class ConnectionH1 implements Timed {
  readonly head = new RequestHead()
  readonly client: ClientEnd
  readonly tls: ClientTls | null
  listener: InboundListener | null = null
  deadline = 0
  bytesIn = 0

  protected readonly socket: Socket
  protected readonly handler: InboundHandler
  protected readonly deadlines: Deadlines
  protected readonly timeouts: ClientTimeouts
  private readonly onClosed: (connection: ConnectionH1) => void
  onPreface: ((taken: Taken) => void) | null = null
  protected readonly body = new RequestBody()
  protected readonly readInto: (receive: Receive) => void
  protected readonly answer: AnswerH1
  protected readonly held: HeldInput
  protected phase: number = IDLE
  protected readonly heads = new HeadText()
  protected clientEnded = false
  protected requests = 0
  protected draining = false
  protected discarding = false
  protected ending: Linger | null = null
  protected readonly time: InputTime

  constructor(
    socket: Socket,
    client: ClientEnd,
    tls: ClientTls | null,
    handler: InboundHandler,
    deadlines: Deadlines,
    timeouts: ClientTimeouts,
    onClosed: (connection: ConnectionH1) => void,
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
    this.client = client
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

  /** Bytes of the client; also those that had come before the connection was given to us. Valid during the call. */
  abstract received(bytes: Buffer): void
  /** Answers bytes that are no request, and closes. Nothing of them goes further. */
  protected abstract refuse(problem: Problem): void
  /** No more of the body will be read: whoever reads it is told, and decides how the client hears of it. */
  protected abstract bodyFailed(problem: Problem): void
  /** Says 100 once, if the client waits for it. */
  abstract continue(): void

  /** The client speaks HTTP/2 (RFC 9113 §3.3): somebody else goes on with the connection. */
  protected leave(bytes: Buffer, from: number): void {
    this.phase = CLOSED
    this.deadlines.remove(this)
    this.deadlines.remove(this.answer.pace)
    this.onClosed(this)
    const taken = Buffer.concat([Buffer.from(this.heads.text), bytes.subarray(from)])
    this.onPreface?.({ bytes: taken, readInto: this.readInto })
  }

  /** A client that does not read is given as long as one that does not write. */
  protected setIdle(ms: number): void {
    this.time.idleMs = ms
    this.answer.pace.silenceMs = ms
  }

  // ---- the connection's own events

  private drained(): void {
    this.answer.pace.drained()
    this.listener?.drain()
  }

  protected ended(): void {
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
    if (this.requests === 0) this.handler.unused(this.client.address)
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

  /** Sends what is left, closes our side, and drops input for a while after it. */
  protected linger(): void {
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

  /** More of a request would have to come, or the next one. */
  protected isIncomplete(): boolean {
    return this.phase === IDLE || this.phase === WAITING || this.phase === READING
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
