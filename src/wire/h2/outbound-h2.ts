/** One request to an HTTP/2 upstream, and its answer. */
import type { BodySink } from '../body.ts'
import type { Timed } from '../deadlines.ts'
import { FRAMING, ResponseHead } from '../head.ts'
import type { Outbound, OutboundFailure, OutboundListener, OutboundRequest, OutboundTimeouts } from '../outbound.ts'
import type { OutgoingHead } from '../outgoing.ts'
import { parseResponseHead } from '../parse-response.ts'
import type { HeaderFields } from './fields.ts'
import { ERROR } from './frames.ts'
import { encoder } from './hpack-encoder.ts'
import type { PeerSettings } from './peer-settings.ts'
import { H2Stream, type StreamHost } from './stream.ts'
import { agreementText, takeKey } from './tunnel-handshake.ts'
import { TunnelStream } from './tunnel-stream.ts'

const INFORMATIONAL_MAX = 32

/** What a request needs of its connection. */
export interface UpstreamHost extends StreamHost {
  /** Monotonic ms. */
  readonly now: number
  readonly secure: boolean
  /** It has answered before: if it dies without a word to this request, that may be for its age alone. */
  readonly hasAnswered: boolean
  /** Gives the stream its number when the connection stands, at once or later. */
  enlist(stream: OutboundH2): void
  watch(timed: Timed): void
  unwatch(timed: Timed): void
  /** A stream has waited in vain: is anybody there? */
  probe(): void
}

export class OutboundH2 extends H2Stream implements Outbound, Timed {
  deadline = 0
  declare session: UpstreamHost
  private readonly head = new ResponseHead()
  private listener: OutboundListener | null = null
  private timeouts!: OutboundTimeouts
  private method = ''
  private startedAt = 0
  /** The request's head, until the connection stands; then null. */
  private block: Buffer | null = null
  private isOpen = false
  private requestSent = false
  private answering = false
  private answered = false
  private stalled = false
  private informationals = 0
  private bindsConnection = false
  /** It asks for a tunnel: what the client's key is; null: it does not. */
  private key: string | null = null
  private tunnel: TunnelStream | null = null

  request(request: OutboundRequest, timeouts: OutboundTimeouts, listener: OutboundListener): void {
    const { session } = this
    this.listener = listener
    this.timeouts = timeouts
    this.method = request.method
    this.startedAt = session.now
    this.bindsConnection = request.bindsConnection === true
    const { headers } = request
    encoder.begin()
    if (request.upgrade === '') encoder.field(':method', request.method)
    else {
      this.key = takeKey(headers)
      encoder.field(':method', 'CONNECT').field(':protocol', request.upgrade)
    }
    encoder
      .field(':scheme', session.secure ? 'https' : 'http')
      .field(':path', request.target)
      .field(':authority', headers.get('host') ?? request.host)
      .lines(headers)
    if (request.takesTrailers) encoder.field('te', 'trailers')
    this.block = Buffer.from(encoder.bytes.subarray(0, encoder.length))
    session.watch(this)
    this.awaitHead()
    session.enlist(this)
  }

  /** Why it cannot be made on a connection to such a peer, or null. Nothing has been sent then. */
  refusal(peer: PeerSettings): OutboundFailure | null {
    // Whoever shares the connection could be taken for whoever sent it (RFC 4559 §6).
    if (this.bindsConnection) return 'needs-http1'
    if (this.key === null || peer.takesConnect) return null
    // Over TLS the next try can ask for HTTP/1.1.
    return this.session.secure ? 'refused-stream' : 'needs-http1'
  }

  /** The connection stands: the request goes out as stream `id`. */
  begin(id: number): void {
    const { block, session } = this
    if (block === null) return
    this.id = id
    this.isOpen = true
    this.block = null
    this.sendWindow = session.peer.window
    this.sendBlock({ bytes: block, length: block.length }, this.requestSent && !this.isWaiting && this.key === null)
    this.readInto(this.answer)
    this.awaitHead()
    this.listener?.ready()
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.closed || start === end) return true
    const room = this.sendData(bytes, start, end)
    if (!room && !this.stalled) {
      this.stalled = true
      this.awaitHead()
    }
    return room
  }

  flush(): boolean {
    return !this.isWaiting
  }

  endRequest(trailers?: OutgoingHead | null): void {
    this.requestSent = true
    // Before the connection stands, HEADERS will say it, or what waits is sent first.
    if (this.key === null && (this.isOpen || this.isWaiting)) this.sendEnd(trailers ?? null)
    this.awaitHead()
  }

  pause(): void {
    this.deadline = this.within(0)
    this.pauseInput()
  }

  resume(): void {
    this.deadline = this.within(this.timeouts.idleMs)
    this.resumeInput()
  }

  destroy(): void {
    this.listener = null
    this.leave(ERROR.cancel)
  }

  // ---- the answer

  /** A head has come: an interim one, the final one, or trailers. `fields` are valid during the call. */
  headers(fields: HeaderFields, ends: boolean): void {
    if (this.answering) {
      const lines = fields.trailerLines()
      if (!ends || lines === null) return this.violated(ERROR.protocol)
      return this.receiveEnd(lines)
    }
    if (this.key !== null && fields.status.startsWith('2')) return this.agreed(this.key, fields, ends)
    const { head, listener } = this
    const text = fields.tooLarge ? null : fields.responseText('')
    if (text === null || !parseResponseHead(head, text, this.method) || head.status === 101)
      return this.violated(ERROR.protocol)
    if (head.status < 200) {
      if (ends || ++this.informationals > INFORMATIONAL_MAX) return this.violated(ERROR.protocol)
      this.awaitHead()
      return listener?.informational(head)
    }
    this.answering = true
    head.major = 2
    if (ends) {
      if (head.framing === FRAMING.length) return this.violated(ERROR.protocol)
      head.framing = FRAMING.none
    } else if (head.framing === FRAMING.close) head.framing = FRAMING.chunked
    else this.expected = head.framing === FRAMING.length ? head.length : 0
    this.deadline = this.within(this.timeouts.idleMs)
    listener?.head(head)
    if (ends && !this.closed) this.receiveEnd('')
  }

  /** The service has made the stream a tunnel: to the floors above it has switched protocols. */
  private agreed(key: string, fields: HeaderFields, ends: boolean): void {
    const { head, listener } = this
    const text = fields.tooLarge ? null : agreementText(fields, key)
    if (text === null || !parseResponseHead(head, text, this.method)) return this.violated(ERROR.protocol)
    head.major = 2
    head.status = 101
    this.answering = true
    this.listener = null
    this.forgetTime()
    this.tunnel = new TunnelStream(this, this.session)
    listener?.upgraded(head, this.tunnel.asEnd())
    if (ends && !this.closed) this.receiveEnd('')
  }

  /** What stands between the stream and whoever reads the answer. */
  private readonly answer: BodySink = {
    data: (bytes, start, end) => {
      if (this.answering) this.listener?.data(bytes, start, end)
      else this.violated(ERROR.protocol)
    },
    trailers: (trailers) => this.listener?.trailers?.(trailers),
    end: () => {
      const { listener } = this
      if (!this.answering) return this.violated(ERROR.protocol)
      this.answered = true
      this.listener = null
      // An early answer: what is left of the request has nobody to read it.
      if (!this.localEnded) this.leave(ERROR.cancel)
      listener?.end()
    },
    flush: () => this.listener?.flush(),
  }

  // ---- from the stream

  protected sendable(): void {
    this.stalled = false
    if (this.tunnel !== null) return this.tunnel.sendable()
    if (this.listener === null) return
    this.awaitHead()
    this.listener.sendable()
  }

  protected heard(): void {
    if (this.tunnel !== null) return
    if (this.answering) this.deadline = this.within(this.timeouts.idleMs)
    else this.awaitHead()
  }

  protected sent(): void {
    this.heard()
  }

  protected completed(): void {
    this.forgetTime()
    this.tunnel?.over()
  }

  broken(code: number): void {
    const untouched = !this.answering && this.session.hasAnswered
    if (code === ERROR.refusedStream) this.fail('refused-stream', untouched)
    else this.fail('reset', untouched && code === ERROR.none)
  }

  violated(code: number): void {
    this.reset(code)
    this.fail('invalid-answer', false)
  }

  /** The request has failed, wherever it stood. */
  fail(failure: OutboundFailure, untouched: boolean, detail = ''): void {
    const { listener } = this
    this.listener = null
    this.leave(ERROR.cancel)
    this.tunnel?.gone()
    listener?.failed(failure, untouched, detail)
  }

  private leave(code: number): void {
    if (this.isOpen) this.reset(code)
    else this.drop()
    this.forgetTime()
  }

  // ---- time

  /** How long until something must have moved, as long as the answer's head is not here. */
  private awaitHead(): void {
    if (this.answering) return
    const { connectMs, firstByteMs, idleMs } = this.timeouts
    if (!this.isOpen) this.deadline = this.within(connectMs)
    else if (this.stalled) this.deadline = this.within(idleMs)
    else this.deadline = this.within(this.requestSent ? firstByteMs : 0)
  }

  /** The monotonic ms at which `ms` from now are over, or the total is; 0 when neither bounds it. */
  private within(ms: number): number {
    const { totalMs } = this.timeouts
    const total = totalMs === 0 ? 0 : this.startedAt + totalMs
    const next = ms === 0 ? 0 : this.session.now + ms
    return total === 0 || next === 0 ? total + next : Math.min(total, next)
  }

  private forgetTime(): void {
    this.deadline = 0
    this.session.unwatch(this)
  }

  expired(): void {
    const { totalMs } = this.timeouts
    const { now } = this.session
    if (totalMs !== 0 && now >= this.startedAt + totalMs) return this.fail('total-timeout', false)
    if (!this.isOpen) return this.fail('connect-timeout', false)
    this.session.probe()
    this.fail(this.answering || this.stalled ? 'idle-timeout' : 'first-byte-timeout', false)
  }
}
