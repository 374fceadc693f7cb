/** One request of an HTTP/2 client: the same head, body and answer that an exchange finds on HTTP/1.1. */
import { type Problem, PROBLEMS, problemBody } from '../../base/problem.ts'
import type { BodySink } from '../body.ts'
import type { ClientEnd } from '../client-end.ts'
import type { ClientTls } from '../client-tls.ts'
import { FRAMING, RequestHead } from '../head.ts'
import type { Aborted, ClientTimeouts, Inbound, InboundHandler, InboundListener } from '../inbound.ts'
import { OutgoingHead } from '../outgoing.ts'
import type { TunnelEnd } from '../tunnel.ts'
import type { HeaderFields } from './fields.ts'
import { ERROR } from './frames.ts'
import { encoder } from './hpack-encoder.ts'
import { COST } from './patience.ts'
import { asksTunnel, isMalformed, readRequest } from './request-fields.ts'
import { H2Stream, type StreamHost } from './stream.ts'
import { StreamTime, type TimeHost } from './stream-time.ts'
import { TunnelStream } from './tunnel-stream.ts'

/** What a request needs of its connection. */
export interface RequestHost extends StreamHost, TimeHost {
  readonly client: ClientEnd
  readonly tls: ClientTls | null
  readonly handler: InboundHandler
  readonly timeouts: ClientTimeouts
  /** Why streams end with the connection. */
  readonly ending: Aborted
  /** The object can serve another request. */
  recycle(request: InboundH2): void
  /** False when the connection has been ended for it. */
  spend(cost: number): boolean
}

export class InboundH2 extends H2Stream implements Inbound {
  readonly head = new RequestHead()
  listener: InboundListener | null = null
  bytesIn = 0
  bytesOut = 0
  declare session: RequestHost
  private target: BodySink | null = null
  private bytesMax = 0
  private readonly time = new StreamTime(this)
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

  get client(): ClientEnd {
    return this.session.client
  }

  get tls(): ClientTls | null {
    return this.session.tls
  }

  /** Takes a new request. `fields` are valid during the call. */
  begin(session: RequestHost, id: number, fields: HeaderFields, ends: boolean): void {
    this.open(session, id)
    this.listener = this.target = null
    this.bytesOut = this.bytesMax = 0
    this.bytesIn = fields.bytes
    this.time.begin(session.timeouts)
    this.awaited = this.started = this.bodyless = this.ended = this.recycled = false
    this.lengthLeft = -1
    this.tunnel = null
    this.asksTunnel = asksTunnel(fields)
    const wrong = readRequest(this.head, fields, ends)
    if (wrong !== null) return this.refuse(wrong)
    if (fields.hasLength) this.expected = this.head.length
    this.awaited = this.head.expectContinue
    if (ends) this.receiveEnd('')
    session.handler.request(this)
  }

  /** Answers what is no request that we serve, or resets what is none at all. Nothing of it goes further. */
  private refuse(problem: Problem): void {
    if (isMalformed(problem)) {
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
    if (idleMs !== 0) this.time.silenceMs = idleMs
    if (bytesMax !== 0 && this.head.length > bytesMax) return this.bodyFailed(PROBLEMS.bodyTooLarge)
    if (this.awaited) this.time.awaitContinue()
    else this.time.awaitInput()
    this.readInto(this.body)
  }

  /** What stands between the stream and whoever reads the body: it bounds and counts. */
  private readonly body: BodySink = {
    data: (bytes, start, end) => {
      if (this.awaited) this.begins()
      this.bytesIn += end - start
      if (this.bytesMax !== 0 && this.receivedBytes > this.bytesMax) this.bodyFailed(PROBLEMS.bodyTooLarge)
      else this.target?.data(bytes, start, end)
    },
    trailers: (trailers) => this.target?.trailers?.(trailers),
    end: () => {
      const { target } = this
      this.target = null
      this.time.awaitNoInput()
      target?.end()
    },
    flush: () => this.target?.flush?.(),
  }

  /** The client sends its body, told to or not. */
  private begins(): void {
    this.awaited = false
    if (this.target !== null) this.time.awaitInput()
  }

  pauseBody(): void {
    this.time.awaitNoInput()
    this.pauseInput()
  }

  resumeBody(): void {
    if (this.target !== null) this.time.awaitInput()
    this.resumeInput()
  }

  /** No more of the body will be read: whoever reads it is told, and decides how the client hears of it. */
  private bodyFailed(problem: Problem): void {
    const { listener } = this
    this.target = null
    this.time.awaitNoInput()
    if (listener === null) this.reset(ERROR.cancel)
    else listener.bodyRefused(problem)
  }

  // ---- answering

  continue(): void {
    if (this.awaited) this.informational(100, '', null)
  }

  informational(status: number, _reason: string, headers: OutgoingHead | null): void {
    if (this.started || this.closed || (status === 100 && !this.awaited)) return
    if (status === 100) this.begins()
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
    if (!room) this.time.awaitRoom()
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
    this.time.awaitNoInput()
    this.sendEnd(trailers ?? null)
    this.leave()
  }

  /** After the exchange: nobody will read what is left of the request (RFC 9113 §8.1), and the object can serve another one. */
  private leave(): void {
    if (this.localEnded && !this.remoteEnded) this.reset(ERROR.none)
    if (!this.closed || this.recycled) return
    this.recycled = true
    this.drop()
    this.time.stop()
    this.session.recycle(this)
  }

  abort(): void {
    this.listener = this.target = null
    this.reset(ERROR.internal)
    this.time.stop()
  }

  /** The answer is 200, without what only HTTP/1.1 needs to agree (RFC 8441 §5). */
  switchProtocols(headers: OutgoingHead): TunnelEnd {
    headers.remove('sec-websocket-accept')
    this.started = true
    this.listener = null
    this.sendBlock(encoder.begin().field(':status', '200').lines(headers), false)
    this.time.stop()
    this.tunnel = new TunnelStream(this, this.session)
    return this.tunnel.asEnd()
  }

  // ---- from the stream

  protected sendable(): void {
    this.time.awaitNoRoom()
    if (this.tunnel !== null) this.tunnel.sendable()
    else this.listener?.drain()
  }

  protected completed(): void {
    if (this.ended) this.leave()
    else this.tunnel?.over()
  }

  protected heard(bytes: number): void {
    this.time.heard(bytes)
  }

  protected sent(bytes: number): void {
    this.time.sent(bytes)
  }

  broken(): void {
    this.time.stop()
    const { listener } = this
    this.listener = this.target = null
    this.tunnel?.gone()
    listener?.aborted(this.session.ending)
  }

  violated(code: number): void {
    this.reset(code)
    this.time.stop()
    const { listener } = this
    this.target = null
    listener?.bodyRefused(code === ERROR.protocol ? PROBLEMS.ambiguousFraming : PROBLEMS.malformedRequest)
    // Nobody was reading: then it is as if the client had gone.
    if (this.listener !== null || this.tunnel !== null) this.broken()
    this.session.spend(COST.wastedRequest)
  }

  // ---- from the time it takes

  bodyLate(problem: Problem): void {
    this.bodyFailed(problem)
  }

  answerLate(): void {
    const { listener } = this
    this.listener = this.target = null
    this.reset(ERROR.cancel)
    this.time.stop()
    listener?.aborted('client-too-slow')
  }
}
