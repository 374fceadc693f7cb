/** What is said on a client's HTTP/1.x connection: requests, one after another, and their answers, in order. */
import { type Problem, PROBLEMS } from '../base/problem.ts'
import type { BodySink } from './body.ts'
import {
  CLOSED,
  ConnectionH1,
  DRAIN_IDLE_MS,
  IDLE,
  LINGERING,
  READING,
  RECEIVED,
  TUNNEL,
  WAITING,
} from './connection-h1.ts'
import { isHopeless } from './head-lines.ts'
import { FRAMING } from './head.ts'
import { PREFACE } from './h2/frames.ts'
import type { Inbound } from './inbound.ts'
import type { OutgoingHead } from './outgoing.ts'
import { parseRequestHead } from './parse-request.ts'
import { DISCARD_BYTES_MAX } from './request-body.ts'
import { type TunnelEnd, tunnelEnd } from './tunnel.ts'

/** How long an upstream may leave `Expect: 100-continue` unanswered before we answer it. */
const CONTINUE_WAIT_MS = 1_000

export class InboundH1 extends ConnectionH1 implements Inbound {
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
  protected bodyFailed(problem: Problem): void {
    this.body.to(null, 0)
    this.phase = WAITING
    this.answer.closes = true
    this.deadline = 0
    if (this.listener === null) this.socket.destroy()
    else this.listener.bodyRefused(problem)
  }

  /** Answers bytes that are no request, and closes. Nothing of them goes further. */
  protected refuse(problem: Problem): void {
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
}
