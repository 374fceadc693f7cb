/** A connection to an upstream over HTTP/1.1: sends one request at a time, reads its answer, and says whether it can be used again. */
import type { Socket } from 'node:net'
import { type AnswerOwner, AnswerReader, READ } from './answer-reader.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { DialListener, Dialer } from './dial.ts'
import type { ResponseHead } from './head.ts'
import { MessageWriter } from './message-writer.ts'
import type { Outbound, OutboundFailure, OutboundListener, OutboundRequest, OutboundTimeouts } from './outbound.ts'
import type { OutgoingHead } from './outgoing.ts'
import { requestText } from './request-text.ts'
import { type Receive, tunnelEnd } from './tunnel.ts'

export class OutboundH1 implements Outbound, AnswerOwner, DialListener, Timed {
  deadline = 0
  /** When it went idle, monotonic ms. */
  idleSince = 0
  /** Idle time after which the upstream is expected to close: its own `Keep-Alive: timeout`, or what was seen. Infinity: not known. */
  idleMaxMs = Number.POSITIVE_INFINITY
  requests = 0
  closed = false
  /** It was the upstream that closed it, while it was idle. */
  droppedByPeer = false

  private readonly socket: Socket
  private readonly deadlines: Deadlines
  private readonly onIdle: (connection: OutboundH1) => void
  private readonly onClosed: (connection: OutboundH1) => void
  private readonly answer = new AnswerReader(this)
  private stands = false
  /** Of the request that runs. */
  listener: OutboundListener | null = null
  private timeouts: OutboundTimeouts = NO_TIMEOUTS
  private upgradeAsked = false
  /** It has served its last request. */
  private isSpent = false
  private answerBytes = 0
  private startedAt = 0
  private paused = false
  /** Who takes what comes, since the connection became a tunnel. */
  private tunnel: Receive | null = null

  private readonly writer: MessageWriter
  private requestSent = true
  /** `write` said false, and the socket has not drained since. */
  private stalled = false

  constructor(
    dialer: Dialer,
    deadlines: Deadlines,
    onIdle: (connection: OutboundH1) => void,
    onClosed: (connection: OutboundH1) => void,
  ) {
    this.deadlines = deadlines
    this.onIdle = onIdle
    this.onClosed = onClosed
    // A half-closed tunnel goes on; any other connection that the upstream half-closes is dropped by `ended`.
    this.socket = dialer.dial(true, this)
    this.writer = new MessageWriter(this.socket)
    this.socket.on('drain', () => this.drained())
    this.socket.on('end', () => this.ended())
    this.socket.on('close', () => this.onClose())
    deadlines.add(this)
  }

  // ---- sending

  request(request: OutboundRequest, timeouts: OutboundTimeouts, listener: OutboundListener): void {
    const { now } = this.deadlines
    this.listener = listener
    this.timeouts = timeouts
    this.answer.start(request.method)
    this.upgradeAsked = request.upgrade !== ''
    this.isSpent = request.bindsConnection === true
    this.requestSent = false
    this.answerBytes = 0
    this.requests++
    this.startedAt = now
    this.writer.begin(requestText(request), request.chunked)
    this.stalled = false
    this.awaitHead()
    if (this.stands) listener.ready()
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.closed) return true
    return this.took(this.writer.write(bytes, start, end))
  }

  endRequest(trailers?: OutgoingHead | null): void {
    this.requestSent = true
    if (this.closed) return
    this.writer.end(trailers)
    if (!this.answer.hasHead) this.awaitHead()
  }

  flush(): boolean {
    return this.closed || this.took(this.writer.flush())
  }

  private took(room: boolean): boolean {
    if (!room && !this.stalled) {
      this.stalled = true
      if (!this.answer.hasHead) this.awaitHead()
    }
    return room
  }

  /** How long until something must have moved, as long as the answer's head is not here. */
  private awaitHead(): void {
    const { connectMs, firstByteMs, idleMs } = this.timeouts
    if (!this.stands) this.deadline = this.within(connectMs)
    // An upstream that does not take the body, or stops within a head, is given as long as one that stops within a body.
    else if (this.stalled || this.answer.isWithinHead) this.deadline = this.within(idleMs)
    // While the body is on its way it is the client who is waited for, and the client's own deadline holds.
    else this.deadline = this.within(this.requestSent ? firstByteMs : 0)
  }

  pause(): void {
    if (this.paused) return
    this.paused = true
    this.deadline = this.within(0)
    this.socket.pause()
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    this.deadline = this.within(this.quietMs)
    this.socket.resume()
  }

  /** Longest silence within the answer. */
  private get quietMs(): number {
    const { streamMs, idleMs } = this.timeouts
    return this.answer.isEventStream ? (streamMs ?? idleMs) : idleMs
  }

  /** The monotonic ms at which `ms` from now are over, or the total is; 0 when neither bounds it. */
  private within(ms: number): number {
    const { totalMs } = this.timeouts
    const total = totalMs === 0 ? 0 : this.startedAt + totalMs
    const next = ms === 0 ? 0 : this.deadlines.now + ms
    if (total === 0 || next === 0) return total + next
    return Math.min(total, next)
  }

  connected(): void {
    this.stands = true
    if (this.listener === null) return
    this.awaitHead()
    this.listener.ready()
  }

  private drained(): void {
    this.stalled = false
    if (this.listener === null) return
    if (!this.answer.hasHead) this.awaitHead()
    this.listener.sendable()
  }

  // ---- receiving

  received(bytes: Buffer, n: number): boolean {
    if (this.tunnel !== null) {
      this.tunnel(bytes, 0, n)
      return true
    }
    if (this.listener === null) {
      // An idle connection has nothing to say: bytes here would become somebody else's answer.
      this.destroy()
      return false
    }
    this.answerBytes += n
    this.judge(this.answer.read(bytes, n), bytes, n)
    return !this.paused
  }

  /** What came of bytes[0, n) of an answer. */
  private judge(outcome: number, bytes: Buffer, n: number): void {
    const { answer, listener } = this
    if (listener === null) return
    switch (outcome) {
      case READ.more:
        if (!answer.hasHead) return this.awaitHead()
        if (!this.paused) this.deadline = this.within(this.quietMs)
        return listener.flush()
      case READ.whole:
        // Bytes after the end of an answer belong to no request: the answer stands, the connection does not (F14).
        if (answer.next < n) answer.head.keepAlive = false
        return this.finish()
      case READ.switched:
        return this.upgrade(answer.head, bytes, answer.next, n)
      default:
        this.fail('invalid-answer')
    }
  }

  /** The answer is whole. If the request is not (an early answer), the connection cannot be used again. */
  private finish(): void {
    const { listener } = this
    if (!this.requestSent) this.answer.head.keepAlive = false
    if (this.requestSent) this.complete()
    else this.release()
    listener!.end()
  }

  private complete(): void {
    const { keepAlive, keepAliveTimeout } = this.answer.head
    // One second less than announced: our request must not cross the upstream's close on the way.
    if (keepAliveTimeout !== -1) this.idleMaxMs = Math.max(0, keepAliveTimeout * 1_000 - 1_000)
    this.listener = null
    if (!keepAlive || this.closed || this.isSpent) return this.destroy()
    this.resume()
    this.idleSince = this.deadlines.now
    this.deadline = 0
    this.onIdle(this)
  }

  private release(): void {
    this.listener = null
    this.destroy()
  }

  private upgrade(head: ResponseHead, bytes: Buffer, start: number, n: number): void {
    const { listener, socket } = this
    if (listener === null || !this.upgradeAsked) return this.fail('invalid-answer')
    // Only what was asked for (RFC 9110 §7.8).
    if (head.get('upgrade')?.toLowerCase() !== 'websocket') return this.fail('invalid-answer')
    this.deadlines.remove(this)
    this.listener = null
    this.closed = true // not the pool's any more
    this.onClosed(this)
    const early = Buffer.from(bytes.subarray(start, n))
    socket.removeAllListeners('close')
    const end = tunnelEnd(socket, early, (receive) => {
      this.tunnel = receive
    })
    listener.upgraded(head, end)
  }

  // ---- ending

  private ended(): void {
    // Within a handshake that is an error, and about to be told as one.
    if (!this.stands) return
    this.droppedByPeer = this.listener === null
    if (this.listener !== null && this.answer.endsWithConnection) {
      const { listener } = this
      this.release()
      listener.end()
      return
    }
    this.fail('reset')
    this.destroy()
  }

  failed(failure: OutboundFailure, detail: string): void {
    this.fail(failure, detail)
    this.destroy()
  }

  broken(failure: 'reset' | 'tls-failed', detail: string): void {
    this.failed(this.requests > 1 || this.answerBytes > 0 ? 'reset' : failure, detail)
  }

  private onClose(): void {
    if (!this.closed) this.droppedByPeer = this.listener === null
    this.fail(this.stands ? 'reset' : 'connect-refused')
    this.destroy()
  }

  expired(): void {
    if (this.listener === null) return this.destroy() // idle for as long as it is kept
    const { totalMs } = this.timeouts
    if (totalMs !== 0 && this.deadlines.now >= this.startedAt + totalMs) this.fail('total-timeout')
    else if (!this.stands) this.fail('connect-timeout')
    else this.fail(this.answerBytes === 0 ? 'first-byte-timeout' : 'idle-timeout')
  }

  private fail(failure: OutboundFailure, detail = ''): void {
    const { listener } = this
    if (listener === null) return
    const untouched = this.requests > 1 && this.answerBytes === 0 && failure === 'reset'
    this.release()
    listener.failed(failure, untouched, detail)
  }

  /** Ends the connection with the request: what is left of an answer cannot be skipped. */
  destroy(): void {
    this.listener = null
    if (this.closed) return
    this.closed = true
    this.deadlines.remove(this)
    this.socket.destroy()
    this.onClosed(this)
  }
}

const NO_TIMEOUTS: OutboundTimeouts = { connectMs: 0, firstByteMs: 0, idleMs: 0, totalMs: 0 }
