/** A client's HTTP/2 connection: takes requests, as many at a time as it may have, and ends when it is idle, drained or abused. */
import type { Socket } from 'node:net'
import { PROBLEMS } from '../../base/problem.ts'
import type { ClientEnd } from '../client-end.ts'
import type { ClientTls } from '../client-tls.ts'
import type { Deadlines, Timed } from '../deadlines.ts'
import type { Aborted, ClientTimeouts, InboundHandler } from '../inbound.ts'
import { type Taken, readFrom } from '../reading.ts'
import { SendPace, takenBytes } from '../send-pace.ts'
import type { HeaderFields } from './fields.ts'
import { ERROR, PREFACE, SETTING, WINDOW_MAX } from './frames.ts'
import { InboundH2, type RequestHost } from './inbound-h2.ts'
import { COST } from './patience.ts'
import { H2Session } from './session.ts'
import type { H2Stream } from './stream.ts'

/** Requests at a time; as Envoy advises for an edge. */
const STREAMS_MAX = 100
/** How long a connection that ends listens on, so that a reset does not destroy its last words. */
const LINGER_MS = 2_000
/** How long a drained client has to hear of it before its new requests are refused. */
const DRAIN_ACK_MS = 1_000
/** Objects kept for the next requests, for the whole thread: each holds the offsets of a head, 2 KB. */
const SPARE_MAX = 256
const spare: InboundH2[] = []

export class InboundSession extends H2Session implements RequestHost, Timed {
  deadline: number
  readonly client: ClientEnd
  readonly tls: ClientTls | null
  readonly handler: InboundHandler
  readonly timeouts: ClientTimeouts
  ending: Aborted = 'client-abort'
  heardBytes = 0
  private readonly onClosed: (session: InboundSession) => void
  private prefaceAt = 0
  private requests = 0
  /** 1: told to go away, 2: heard it. */
  private draining = 0
  private lingering = false
  /** When a head that has begun must be here, and which is the stream before it. */
  private headUntil: number
  private headAfter = 0
  /** When a connection without requests ends; 0: there are some. */
  private idleUntil = 0
  /** Of the client's reading; null until it has been slow once. */
  private pace: SendPace | null = null
  private closed = false

  /** With `taken`, somebody has read from the socket already. */
  constructor(
    socket: Socket,
    client: ClientEnd,
    tls: ClientTls | null,
    taken: Taken | null,
    handler: InboundHandler,
    deadlines: Deadlines,
    timeouts: ClientTimeouts,
    onClosed: (session: InboundSession) => void,
  ) {
    super(socket, deadlines)
    this.client = client
    this.tls = tls
    this.handler = handler
    this.timeouts = timeouts
    this.onClosed = onClosed
    this.deadline = this.headUntil = deadlines.now + timeouts.headMs
    deadlines.add(this)
    socket.setNoDelay(true)
    if (taken === null) readFrom(socket, (bytes) => this.received(bytes))
    else taken.readInto((bytes) => this.received(bytes))
    // A client that stops sending can open no window and has gone, as on HTTP/1.1.
    socket.on('end', () => socket.destroy())
    socket.on('drain', () => this.drained())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.onClose())
    this.start([...H2Session.SETTINGS, [SETTING.maxConcurrentStreams, STREAMS_MAX], [SETTING.enableConnectProtocol, 1]])
    if (taken !== null) this.received(taken.bytes)
  }

  get now(): number {
    return this.deadlines.now
  }

  get takenBytes(): number {
    return takenBytes(this.socket)
  }

  get isFull(): boolean {
    return this.flow.isShut
  }

  get frameId(): number {
    return this.reader.frameId
  }

  watch(timed: Timed): void {
    this.deadlines.add(timed)
  }

  unwatch(timed: Timed): void {
    this.deadlines.remove(timed)
  }

  private received(bytes: Buffer): void {
    if (this.over) return
    this.heardBytes += bytes.length
    let from = 0
    for (; this.prefaceAt < PREFACE.length && from < bytes.length; from++) {
      if (bytes[from] === PREFACE.charCodeAt(this.prefaceAt++)) continue
      return this.fail(ERROR.protocol)
    }
    this.take(bytes, from)
    if (!this.over) this.waitForClient()
  }

  private waitForClient(): void {
    if (this.draining === 1) return
    const isIdle = this.streams.size === 0
    // A head has its time as a whole, and so has whatever a connection without requests has begun to send.
    if (!this.isWithinHead && this.lastId !== 0 && !(isIdle && this.reader.isWithin)) this.headUntil = 0
    else if (this.headUntil === 0 || this.headAfter !== this.lastId) {
      this.headUntil = this.now + this.timeouts.headMs
      this.headAfter = this.lastId
    }
    const idleUntil = isIdle ? this.idleUntil : 0
    const { headUntil } = this
    this.deadline = headUntil === 0 || idleUntil === 0 ? headUntil + idleUntil : Math.min(headUntil, idleUntil)
  }

  protected stalled(): void {
    const { socket, deadlines, timeouts } = this
    if (this.pace === null) {
      this.pace = new SendPace(socket, deadlines, timeouts.rateMin, () => this.tooSlow())
      this.pace.silenceMs = timeouts.bodyIdleMs
      deadlines.add(this.pace)
    }
    this.pace.stalled()
  }

  protected override drained(): void {
    this.pace?.drained()
    super.drained()
  }

  /** Nothing can be said to it any more, on whichever stream. */
  private tooSlow(): void {
    if (this.streams.size === 0) this.handler.turnedAway(this.client.address, 'client-too-slow', 0)
    this.requests++
    this.cut('client-too-slow')
  }

  // ---- requests

  protected headers(id: number, fields: HeaderFields, ends: boolean): void {
    const stream = this.streams.get(id)
    if (stream !== undefined) return this.trailers(stream, fields, ends)
    if (id % 2 === 0) return this.fail(ERROR.protocol)
    // Of a stream that is closed: on its way before the client heard of it.
    if (id <= this.lastId) return void this.spend(COST.idleFrame)
    this.lastId = id
    if (this.streams.size >= STREAMS_MAX || this.draining === 2) {
      this.rst(id, ERROR.refusedStream)
      return void this.spend(COST.wastedRequest)
    }
    this.requests++
    const request = spare.pop() ?? new InboundH2(this)
    this.streams.set(id, request)
    request.begin(this, id, fields, ends)
  }

  private trailers(stream: H2Stream, fields: HeaderFields, ends: boolean): void {
    if (stream.remoteEnded) return stream.violated(ERROR.streamClosed)
    const lines = fields.trailerLines()
    if (!ends || lines === null) return stream.violated(ERROR.protocol)
    stream.receiveEnd(lines)
  }

  recycle(request: InboundH2): void {
    this.patience.earn(1)
    if (spare.length < SPARE_MAX) spare.push(request)
  }

  protected wasStream(id: number): boolean {
    return id % 2 === 1 && id <= this.lastId
  }

  protected freed(): void {
    if (this.streams.size > 0 || this.over) return
    if (this.draining === 2) return this.close()
    // Counted from the last request: what else a client says keeps nothing open, as with nginx and Envoy.
    this.idleUntil = this.now + this.timeouts.keepAliveMs
    this.waitForClient()
  }

  protected settingsChanged(): void {}
  protected goingAway(): void {}

  // ---- ending

  /** No new request: says so, and refuses those that are begun after the client has heard it (RFC 9113 §6.8). */
  drain(): void {
    if (this.draining !== 0 || this.over) return
    this.draining = 1
    this.writer.goaway(WINDOW_MAX, ERROR.none)
    this.writer.ping()
    this.deadline = this.now + DRAIN_ACK_MS
  }

  protected pong(): void {
    if (this.draining !== 1) return
    this.draining = 2
    this.deadline = 0
    this.writer.goaway(this.lastId, ERROR.none)
    if (this.streams.size === 0) this.close()
  }

  private close(): void {
    this.over = true
    this.writer.flush()
    this.linger()
  }

  protected condemned(code: number): void {
    const problem = code === ERROR.enhanceYourCalm ? PROBLEMS.connectionAbused : PROBLEMS.protocolViolated
    this.requests++
    this.handler.turnedAway(this.client.address, problem.code, 0)
    this.breakStreams(code)
    this.linger()
  }

  private linger(): void {
    this.lingering = true
    this.socket.end()
    this.deadline = this.now + LINGER_MS
  }

  expired(): void {
    if (this.lingering) this.socket.destroy()
    else if (this.draining === 1) this.pong()
    else if (this.isWithinHead || this.reader.isWithin || this.lastId === 0) this.timedOut()
    else {
      this.writer.goaway(this.lastId, ERROR.none)
      this.close()
    }
  }

  private timedOut(): void {
    // One that was opened for later and not used is no fault.
    const isUnused = this.lastId === 0 && this.peer.areHere && !this.reader.isWithin && !this.isWithinHead
    if (this.prefaceAt > 0 && !isUnused) {
      this.requests++
      this.handler.turnedAway(this.client.address, PROBLEMS.headTimeout.code, 0)
    }
    this.writer.goaway(this.lastId, ERROR.none)
    this.breakStreams(ERROR.cancel)
    this.close()
  }

  /** Ends it now, whatever runs: the end of a drain. */
  destroy(): void {
    this.cut('shutdown')
  }

  private cut(why: Aborted): void {
    this.ending = why
    this.socket.destroy()
    this.breakStreams(ERROR.cancel)
  }

  private onClose(): void {
    if (this.closed) return
    this.closed = true
    this.deadlines.remove(this)
    if (this.pace !== null) this.deadlines.remove(this.pace)
    this.breakStreams(ERROR.cancel)
    if (this.requests === 0) this.handler.unused(this.client.address)
    this.onClosed(this)
  }
}
