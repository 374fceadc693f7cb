/** A connection to an HTTP/2 upstream: carries as many requests at a time as the upstream takes. */
import type { Deadlines, Timed } from '../deadlines.ts'
import type { Dialer } from '../dial.ts'
import type { OutboundFailure } from '../outbound.ts'
import type { HeaderFields } from './fields.ts'
import { ERROR, PREFACE, SETTING, WINDOW_MAX } from './frames.ts'
import { OutboundH2, type UpstreamHost } from './outbound-h2.ts'
import { COST } from './patience.ts'
import { H2Session } from './session.ts'

/** Requests at a time, however many more the upstream would take. */
const STREAMS_MAX = 256
/** How long it is kept without a request; common servers close after 60 s and more. */
const IDLE_MS = 55_000
/** How long a peer that should be there has to say so. */
const PING_MS = 5_000

/** What an origin has told of itself, for its next connections. */
export interface UpstreamLimits {
  streamsMax: number
  /** RFC 8441; assumed until it has told. */
  takesTunnels: boolean
}

export class OutboundSession extends H2Session implements UpstreamHost, Timed {
  deadline = 0
  readonly secure: boolean
  hasAnswered = false
  private readonly onClosed: (session: OutboundSession) => void
  private connected = false
  private leaving = false
  private closed = false
  private nextId = 1
  private pinged = false
  /** The upstream's settings are here. */
  private agreed = false
  private readonly waiting = new Set<OutboundH2>()
  private readonly limits: UpstreamLimits

  constructor(
    dialer: Dialer,
    deadlines: Deadlines,
    limits: UpstreamLimits,
    onClosed: (session: OutboundSession) => void,
  ) {
    // Called by events only, when there is a session.
    const socket = dialer.dial(false, {
      connected: () => this.onConnect(),
      failed: (failure, detail) => this.end(failure, detail),
      broken: (failure, detail) => this.end(failure, detail),
      received: (bytes, n) => {
        this.take(bytes.subarray(0, n), 0)
        return true
      },
    })
    super(socket, deadlines)
    this.secure = dialer.origin.secure
    this.onClosed = onClosed
    this.limits = limits
    socket.on('drain', () => this.drained())
    // Within a handshake that is an error, and about to be told as one.
    socket.on('end', () => this.connected && this.end('reset'))
    socket.on('close', () => this.end(this.connected ? 'reset' : 'connect-refused'))
    deadlines.add(this)
  }

  get now(): number {
    return this.deadlines.now
  }

  /** It can take another request. */
  get hasRoom(): boolean {
    // One that may be dead is not given more to do before it has answered.
    if (this.over || this.leaving || this.closed || this.pinged) return false
    return this.streams.size + this.waiting.size < this.limits.streamsMax
  }

  watch(timed: Timed): void {
    this.deadlines.add(timed)
  }

  unwatch(timed: Timed): void {
    this.deadlines.remove(timed)
  }

  enlist(stream: OutboundH2): void {
    this.deadline = 0
    if (this.agreed) this.begin(stream)
    else this.waiting.add(stream)
  }

  private begin(stream: OutboundH2): void {
    const refusal = stream.refusal(this.peer)
    // Not within the call that asks.
    if (refusal !== null) return void setImmediate(() => stream.fail(refusal, false))
    const id = this.nextId
    this.nextId += 2
    if (this.nextId > WINDOW_MAX) this.leaving = true
    this.streams.set(id, stream)
    stream.begin(id)
  }

  private onConnect(): void {
    this.connected = true
    this.writer.raw(PREFACE)
    this.start([...H2Session.SETTINGS, [SETTING.enablePush, 0]])
    this.idle()
  }

  /** The upstream has said how many requests it takes at a time; those beyond go to another connection. */
  protected settingsChanged(): void {
    this.limits.takesTunnels = this.peer.takesConnect
    this.limits.streamsMax = Math.min(STREAMS_MAX, this.peer.streamsMax)
    if (this.agreed) return
    this.agreed = true
    for (const stream of this.waiting) {
      this.waiting.delete(stream)
      if (this.streams.size < this.limits.streamsMax) this.begin(stream)
      else stream.broken(ERROR.refusedStream)
    }
  }

  // ---- from the connection

  protected headers(id: number, fields: HeaderFields, ends: boolean): void {
    const stream = this.streams.get(id)
    if (stream === undefined) {
      if (this.wasStream(id)) this.spend(COST.idleFrame)
      else this.fail(ERROR.protocol)
    } else if (stream instanceof OutboundH2) {
      this.hasAnswered = true
      this.patience.earn(1)
      if (stream.remoteEnded) stream.violated(ERROR.streamClosed)
      else stream.headers(fields, ends)
    }
  }

  protected wasStream(id: number): boolean {
    return id % 2 === 1 && id < this.nextId
  }

  protected freed(stream: OutboundH2): void {
    this.waiting.delete(stream)
    this.idle()
  }

  /** Each stream has its own time. */
  protected stalled(): void {}

  private idle(): void {
    if (this.streams.size > 0 || this.waiting.size > 0 || this.closed) return
    if (this.leaving) this.end('reset')
    else if (this.pinged) return
    else if (this.connected) this.deadline = this.now + IDLE_MS
    else this.end('reset')
  }

  /** No more requests here; those above `lastId` have not been looked at, and can be made elsewhere (RFC 9113 §6.8). */
  protected goingAway(lastId: number): void {
    this.leaving = true
    for (const [id, stream] of this.streams) {
      if (id <= lastId) continue
      stream.drop()
      stream.broken(ERROR.refusedStream)
    }
    this.idle()
  }

  probe(): void {
    if (this.pinged || this.over) return
    this.pinged = true
    this.writer.ping()
    this.deadline = this.now + PING_MS
  }

  protected pong(): void {
    this.pinged = false
    this.deadline = 0
    this.idle()
  }

  protected condemned(): void {
    for (const stream of this.streams.values()) {
      stream.drop()
      if (stream instanceof OutboundH2) stream.fail('invalid-answer', false)
    }
    this.end('invalid-answer')
  }

  expired(): void {
    if (!this.pinged && this.streams.size === 0) this.writer.goaway(0, ERROR.none)
    this.writer.flush()
    this.end('reset')
  }

  /** Ends it without waiting for anything. */
  close(): void {
    this.leaving = true
    this.idle()
  }

  private end(failure: OutboundFailure, detail = ''): void {
    if (this.closed) return
    this.closed = true
    this.deadlines.remove(this)
    this.socket.destroySoon()
    this.onClosed(this)
    const waiting = [...this.waiting]
    this.waiting.clear()
    for (const stream of waiting) stream.fail(failure, false, detail)
    this.breakStreams(ERROR.none)
  }
}
