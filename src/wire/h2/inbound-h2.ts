/** One request of an HTTP/2 client: the same head, body and answer that an exchange finds on HTTP/1.1. */
import { randomBytes } from 'node:crypto'
import { type Problem, PROBLEMS, problemBody } from '../../base/problem.ts'
import type { BodySink } from '../body.ts'
import type { ClientTls } from '../client-tls.ts'
import type { Timed } from '../deadlines.ts'
import { FRAMING, RequestHead } from '../head.ts'
import type { ClientTimeouts, Inbound, InboundHandler, InboundListener } from '../inbound.ts'
import { OutgoingHead } from '../outgoing.ts'
import { parseRequestHead } from '../parse-request.ts'
import type { TunnelEnd } from '../tunnel.ts'
import type { HeaderFields } from './fields.ts'
import { ERROR } from './frames.ts'
import { encoder } from './hpack-encoder.ts'
import { COST } from './patience.ts'
import { H2Stream, type StreamHost } from './stream.ts'
import { type TunnelHost, TunnelStream } from './tunnel-stream.ts'

/** How long an upstream may leave `Expect: 100-continue` unanswered before we answer it. */
const CONTINUE_WAIT_MS = 1_000

const UPGRADE = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: '

/** What makes a request malformed in the sense of RFC 9113 §8.1.1: it is reset, not answered. */
const MALFORMED: ReadonlySet<Problem> = new Set([
  PROBLEMS.malformedRequest,
  PROBLEMS.ambiguousFraming,
  PROBLEMS.invalidHost,
  PROBLEMS.versionNotSupported,
])

/** What a request needs of its connection. */
export interface RequestHost extends StreamHost {
  readonly remoteAddress: string
  readonly tls: ClientTls | null
  readonly handler: InboundHandler
  readonly timeouts: ClientTimeouts
  /** Monotonic ms. */
  readonly now: number
  /** It was we who ended the connection. */
  readonly byUs: boolean
  watch(timed: Timed): void
  unwatch(timed: Timed): void
  /** The object can serve another request. */
  recycle(request: InboundH2): void
  /** False when the connection has been ended for it. */
  spend(cost: number): boolean
}

export class InboundH2 extends H2Stream implements Inbound, TunnelHost, Timed {
  readonly head = new RequestHead()
  listener: InboundListener | null = null
  deadline = 0
  bytesIn = 0
  bytesOut = 0
  declare session: RequestHost
  private target: BodySink | null = null
  private bytesMax = 0
  private idleMs = 0
  private awaited = false
  private started = false
  private bodyless = false
  private lengthLeft = -1
  /** The exchange is over; what is left to send is sent. */
  private ended = false
  private recycled = false
  /** It asked to become a tunnel; what it became. */
  private asksTunnel = false
  private tunnel: TunnelStream | null = null
  private timed = false
  private readDeadline = 0
  private sendDeadline = 0

  get remoteAddress(): string {
    return this.session.remoteAddress
  }

  get tls(): ClientTls | null {
    return this.session.tls
  }

  /** Takes a new request. `fields` are valid during the call. */
  begin(session: RequestHost, id: number, fields: HeaderFields, ends: boolean): void {
    this.open(session, id)
    this.listener = this.target = null
    this.bytesOut = this.bytesMax = this.readDeadline = this.sendDeadline = this.deadline = 0
    this.bytesIn = fields.bytes
    this.idleMs = session.timeouts.bodyIdleMs
    this.awaited = this.started = this.bodyless = this.ended = this.recycled = false
    this.lengthLeft = -1
    this.tunnel = null
    const wrong = this.read(fields, ends)
    if (wrong !== null) return this.refuse(wrong)
    this.awaited = this.head.expectContinue
    if (ends) this.receiveEnd('')
    session.handler.request(this)
  }

  private read(fields: HeaderFields, ends: boolean): Problem | null {
    const { head } = this
    head.method = ''
    if (fields.method === 'CONNECT' && fields.protocol !== 'websocket') return PROBLEMS.methodNotImplemented
    this.asksTunnel = fields.protocol !== ''
    // For the parser, the policies and the upstream it is an upgrade of HTTP/1.1 (RFC 8441 §5); a key is part of that.
    const text = fields.requestText(this.asksTunnel ? UPGRADE + randomBytes(16).toString('base64') + '\r\n' : '')
    if (text === null) return PROBLEMS.malformedRequest
    if (fields.tooLarge) return PROBLEMS.headTooLarge
    const wrong = parseRequestHead(head, text)
    if (wrong !== null) return wrong
    head.major = 2
    head.takesTrailers = true
    if (this.asksTunnel) {
      if (head.framing !== FRAMING.none) return PROBLEMS.ambiguousFraming
    } else if (ends) {
      if (head.framing !== FRAMING.none) return PROBLEMS.ambiguousFraming
    } else if (fields.hasLength) this.expected = head.length
    else {
      head.framing = FRAMING.chunked
      head.expectContinue = head.find('expect') !== -1
    }
    return null
  }

  /** Answers what is no request that we serve, or resets what is none at all. Nothing of it goes further. */
  private refuse(problem: Problem): void {
    if (MALFORMED.has(problem)) {
      this.reset(ERROR.protocol)
      this.session.handler.refused(this, problem)
      this.session.spend(COST.wastedRequest)
      return
    }
    const body = Buffer.from(problemBody(problem))
    const headers = new OutgoingHead()
    headers.appendOwn('content-type', 'application/problem+json')
    headers.appendOwn('content-length', String(body.length))
    this.respond(problem.status, '', headers, FRAMING.length, body.length)
    this.write(body, 0, body.length)
    this.session.handler.refused(this, problem)
    this.end()
  }

  // ---- the request's body

  readBody(sink: BodySink, bytesMax: number, idleMs: number): void {
    if (this.closed) return
    this.target = sink
    this.bytesMax = bytesMax
    if (idleMs !== 0) this.idleMs = idleMs
    if (bytesMax !== 0 && this.head.length > bytesMax) return this.bodyFailed(PROBLEMS.bodyTooLarge)
    this.wait(this.awaited ? CONTINUE_WAIT_MS : this.idleMs)
    this.readInto(this.body)
  }

  /** What stands between the stream and whoever reads the body: it bounds and counts. */
  private readonly body: BodySink = {
    data: (bytes, start, end) => {
      this.awaited = false
      this.bytesIn += end - start
      if (this.bytesMax !== 0 && this.receivedBytes > this.bytesMax) this.bodyFailed(PROBLEMS.bodyTooLarge)
      else this.target?.data(bytes, start, end)
    },
    trailers: (trailers) => this.target?.trailers?.(trailers),
    end: () => {
      const { target } = this
      this.target = null
      this.wait(0)
      target?.end()
    },
    flush: () => this.target?.flush?.(),
  }

  pauseBody(): void {
    this.wait(0)
    this.pauseInput()
  }

  resumeBody(): void {
    if (this.target !== null) this.wait(this.idleMs)
    this.resumeInput()
  }

  /** No more of the body will be read: whoever reads it is told, and decides how the client hears of it. */
  private bodyFailed(problem: Problem): void {
    const { listener } = this
    this.target = null
    this.wait(0)
    if (listener === null) this.reset(ERROR.cancel)
    else listener.bodyRefused(problem)
  }

  // ---- answering

  continue(): void {
    if (this.awaited) this.informational(100, '', null)
  }

  informational(status: number, _reason: string, headers: OutgoingHead | null): void {
    if (this.started || this.closed || (status === 100 && !this.awaited)) return
    if (status === 100) {
      this.awaited = false
      if (this.readDeadline !== 0) this.wait(this.idleMs)
    }
    encoder.begin().field(':status', String(status))
    if (headers !== null) encoder.lines(headers)
    this.sendBlock(encoder, false)
  }

  respond(status: number, _reason: string, headers: OutgoingHead, framing: number, length: number): void {
    if (this.closed) return
    this.started = true
    // What is no 101 upstream would be read as one here (RFC 8441 §5).
    if (this.asksTunnel && status < 300) status = 502
    this.bodyless = status === 204 || status === 304 || this.head.method === 'HEAD'
    this.lengthLeft = framing === FRAMING.length ? length : -1
    const ends = this.bodyless || framing === FRAMING.none || (framing === FRAMING.length && length === 0)
    this.sendBlock(encoder.begin().field(':status', String(status)).lines(headers), ends)
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.closed || this.bodyless || start === end) return true
    this.bytesOut += end - start
    if (this.lengthLeft !== -1) this.lengthLeft -= end - start
    const room = this.sendData(bytes, start, end)
    if (!room && this.sendDeadline === 0) this.waitToSend(this.idleMs)
    return room
  }

  flush(): boolean {
    return !this.isWaiting
  }

  end(trailers?: OutgoingHead | null): void {
    if (this.ended) return
    if (this.lengthLeft > 0 && !this.bodyless) return this.abort()
    this.ended = true
    this.listener = this.target = null
    this.wait(0)
    this.sendEnd(trailers ?? null)
    this.leave()
  }

  /** After the exchange: nobody will read what is left of the request (RFC 9113 §8.1), and the object can serve another one. */
  private leave(): void {
    if (this.localEnded && !this.remoteEnded) this.reset(ERROR.none)
    if (!this.closed || this.recycled) return
    this.recycled = true
    this.drop()
    this.forgetTime()
    this.session.recycle(this)
  }

  abort(): void {
    this.listener = this.target = null
    this.reset(ERROR.internal)
    this.forgetTime()
  }

  /** The answer is 200, without what only HTTP/1.1 needs to agree (RFC 8441 §5). */
  switchProtocols(headers: OutgoingHead): TunnelEnd {
    headers.remove('sec-websocket-accept')
    this.started = true
    this.listener = null
    this.sendBlock(encoder.begin().field(':status', '200').lines(headers), false)
    const socket = (this.tunnel = new TunnelStream(this))
    return {
      socket,
      start: (receive, ended) => {
        const data = (bytes: Buffer, start: number, end: number) => {
          socket.moved()
          receive(bytes, start, end)
        }
        this.readInto({ data, end: ended })
        if (this.closed && !this.remoteEnded) socket.gone()
      },
    }
  }

  // ---- as a tunnel

  get now(): number {
    return this.session.now
  }

  send(bytes: Buffer): boolean {
    return this.sendData(bytes, 0, bytes.length)
  }

  sayEnd(): void {
    this.sendEnd(null)
  }

  stop(): void {
    this.reset(ERROR.cancel)
    this.forgetTime()
  }

  watch(timed: Timed): void {
    this.session.watch(timed)
  }

  unwatch(timed: Timed): void {
    this.session.unwatch(timed)
  }

  // ---- from the stream

  protected sendable(): void {
    this.waitToSend(0)
    if (this.tunnel !== null) this.tunnel.emit('drain')
    else this.listener?.drain()
  }

  protected completed(): void {
    if (this.ended) this.leave()
  }

  protected progressed(): void {
    if (this.readDeadline !== 0) this.wait(this.idleMs)
    if (this.sendDeadline !== 0) this.waitToSend(this.idleMs)
  }

  broken(): void {
    this.forgetTime()
    const { listener } = this
    this.listener = this.target = null
    this.tunnel?.gone()
    listener?.aborted(this.session.byUs ? 'shutdown' : 'client-abort')
  }

  violated(code: number): void {
    this.reset(code)
    this.forgetTime()
    const { listener } = this
    this.target = null
    listener?.bodyRefused(code === ERROR.protocol ? PROBLEMS.ambiguousFraming : PROBLEMS.malformedRequest)
    // Nobody was reading: then it is as if the client had gone.
    if (this.listener !== null || this.tunnel !== null) this.broken()
    this.session.spend(COST.wastedRequest)
  }

  // ---- time

  private wait(ms: number): void {
    this.readDeadline = ms === 0 ? 0 : this.session.now + ms
    this.setDeadline()
  }

  private waitToSend(ms: number): void {
    this.sendDeadline = ms === 0 ? 0 : this.session.now + ms
    this.setDeadline()
  }

  private setDeadline(): void {
    const { readDeadline, sendDeadline } = this
    this.deadline =
      readDeadline === 0 || sendDeadline === 0 ? readDeadline + sendDeadline : Math.min(readDeadline, sendDeadline)
    // Most requests never wait for anything of the client's.
    if (this.deadline === 0 || this.timed) return
    this.timed = true
    this.session.watch(this)
  }

  private forgetTime(): void {
    this.deadline = 0
    if (!this.timed) return
    this.timed = false
    this.session.unwatch(this)
  }

  expired(): void {
    const { now } = this.session
    if (this.sendDeadline !== 0 && now >= this.sendDeadline) {
      // A client that opens no window is given as long as one that sends no body.
      const { listener } = this
      this.listener = null
      this.reset(ERROR.cancel)
      this.forgetTime()
      listener?.aborted('client-too-slow')
    } else if (this.awaited) {
      this.continue()
      this.wait(this.idleMs)
    } else this.bodyFailed(PROBLEMS.bodyTimeout)
  }
}
