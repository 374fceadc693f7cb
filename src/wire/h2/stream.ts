/** One stream of a connection, whichever side it is on: its windows, what waits to be sent, what waits to be read (RFC 9113 §5). */
import type { BodySink } from '../body.ts'
import type { OutgoingHead } from '../outgoing.ts'
import { readTrailers } from '../trailers.ts'
import type { Flow } from './flow.ts'
import { ERROR, FLAG, FRAME, FRAME_BYTES_DEFAULT, WINDOW_MAX } from './frames.ts'
import { encoder } from './hpack-encoder.ts'
import type { FrameWriter } from './frame-writer.ts'
import type { PeerSettings } from './peer-settings.ts'

/** What a peer may send on one stream before it is read; as Envoy advises for an edge. */
export const STREAM_WINDOW = 65_536

/** What a stream needs of its connection. */
export interface StreamHost {
  readonly writer: FrameWriter
  readonly flow: Flow
  readonly peer: PeerSettings
  rst(id: number, code: number): void
  forget(stream: H2Stream): void
}

export abstract class H2Stream {
  id = 0
  session: StreamHost
  /** What the peer lets us send. */
  sendWindow = 0
  /** Neither side may send any more, or the stream was reset. */
  closed = false
  localEnded = false
  remoteEnded = false
  /** Bytes of body that were declared; -1: not said. */
  protected expected = -1
  protected receivedBytes = 0
  /** Who reads; null: not yet. */
  protected sink: BodySink | null = null
  private paused = false
  /** The sink has heard the end. */
  private told = false
  private receiveWindow = STREAM_WINDOW
  private uncredited = 0
  private readonly held: Buffer[] = []
  private trailerLines = ''
  private readonly pending: Buffer[] = []
  private pendingAt = 0
  private pendingBytes = 0
  private endPending = false
  private trailersPending: OutgoingHead | null = null

  constructor(session: StreamHost) {
    this.session = session
  }

  /** Starts over as stream `id`. */
  protected open(session: StreamHost, id: number): void {
    this.session = session
    this.id = id
    this.sendWindow = session.peer.window
    this.closed = this.localEnded = this.remoteEnded = this.paused = this.told = this.endPending = false
    this.expected = -1
    this.receivedBytes = this.uncredited = this.pendingBytes = this.pendingAt = 0
    this.receiveWindow = STREAM_WINDOW
    this.sink = this.trailersPending = null
    this.trailerLines = ''
    this.empty()
  }

  /** Setting the length of an array calls into C++: not for those that are empty anyway. */
  private empty(): void {
    if (this.held.length > 0) this.held.length = 0
    if (this.pending.length > 0) this.pending.length = 0
  }

  // ---- what the two sides do differently

  /** All that waited has been sent. */
  protected abstract sendable(): void
  /** Reset by the peer, or the connection is gone. Closed already. */
  abstract broken(code: number): void
  /** The peer broke the rules of this stream; `code` is what it will be reset with. */
  abstract violated(code: number): void
  /** Both sides have said all they had to. */
  protected abstract completed(): void
  /** Body bytes have come: deadlines move. */
  protected abstract heard(bytes: number): void
  /** Bytes that waited have been sent: deadlines move. */
  protected abstract sent(bytes: number): void

  // ---- sending

  get isWaiting(): boolean {
    return this.pendingBytes > 0
  }

  /** Sends what the windows allow and keeps a copy of the rest. False when something is kept. */
  sendData(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.localEnded || this.closed) return true
    const at = this.pendingBytes === 0 ? this.emit(bytes, start, end) : start
    if (at < end) {
      this.pending.push(Buffer.from(bytes.subarray(at, end)))
      this.pendingBytes += end - at
      this.session.flow.wait(this)
      return false
    }
    return this.pendingBytes === 0
  }

  /** Returns the index after the last byte that could be sent. */
  private emit(bytes: Uint8Array, start: number, end: number): number {
    const { flow, writer } = this.session
    let at = start
    while (at < end && !writer.choked) {
      const bound = Math.min(end - at, this.sendWindow, flow.sendWindow, FRAME_BYTES_DEFAULT)
      if (bound <= 0) break
      writer.frame(bound, FRAME.data, 0, this.id)
      writer.put(bytes, at, at + bound)
      this.sendWindow -= bound
      flow.sent(bound)
      at += bound
    }
    return at
  }

  /** Sends one frame's worth of what waits. False when nothing could be sent. */
  pump(): boolean {
    const first = this.pending[0]
    if (first === undefined) return false
    const stop = this.emit(first, this.pendingAt, Math.min(first.length, this.pendingAt + FRAME_BYTES_DEFAULT))
    const sent = stop - this.pendingAt
    if (sent === 0) return false
    this.pendingBytes -= sent
    this.pendingAt = stop
    if (stop === first.length) {
      this.pending.shift()
      this.pendingAt = 0
    }
    this.sent(sent)
    if (this.pendingBytes > 0) return true
    this.session.flow.waitsNoMore(this)
    if (this.endPending) this.finishSending()
    else this.sendable()
    return true
  }

  /** The body is complete. */
  sendEnd(trailers: OutgoingHead | null): void {
    if (this.localEnded || this.closed) return
    this.trailersPending = trailers
    if (this.pendingBytes > 0) this.endPending = true
    else this.finishSending()
  }

  private finishSending(): void {
    const { id, session, trailersPending } = this
    if (trailersPending !== null) this.sendBlock(encoder.begin().lines(trailersPending), true)
    else {
      if (!session.writer.endLast(id)) session.writer.frame(0, FRAME.data, FLAG.endStream, id)
      this.endedLocally()
    }
  }

  /** Sends the block that `encoder` holds as HEADERS. */
  protected sendBlock({ bytes, length }: { readonly bytes: Buffer; readonly length: number }, end: boolean): void {
    this.session.writer.block(bytes, length, end ? FLAG.endStream : 0, this.id, FRAME_BYTES_DEFAULT)
    if (end) this.endedLocally()
  }

  private endedLocally(): void {
    this.localEnded = true
    if (this.remoteEnded) this.finish()
  }

  /** Room in the window. False when it grows beyond what a window may be. */
  widen(bytes: number): boolean {
    this.sendWindow += bytes
    return this.sendWindow <= WINDOW_MAX
  }

  // ---- receiving

  /** Body bytes of a frame that counted `counted` bytes with its padding. */
  receive(bytes: Buffer, start: number, end: number, counted: number): void {
    this.receiveWindow -= counted
    if (this.receiveWindow < 0) return this.violated(ERROR.flowControl)
    this.receivedBytes += end - start
    if (this.expected !== -1 && this.receivedBytes > this.expected) return this.violated(ERROR.protocol)
    if (counted > end - start) this.credit(counted - (end - start))
    if (start === end) return
    this.heard(end - start)
    if (this.sink !== null && !this.paused && this.held.length === 0) {
      this.credit(end - start)
      this.sink.data(bytes, start, end)
    } else this.held.push(Buffer.from(bytes.subarray(start, end)))
  }

  /** The peer has said all it had to; `trailerLines` is empty without trailers. */
  receiveEnd(trailerLines: string): void {
    if (this.expected !== -1 && this.receivedBytes !== this.expected) return this.violated(ERROR.protocol)
    this.remoteEnded = true
    this.trailerLines = trailerLines
    if (trailerLines !== '' && readTrailers(trailerLines) === null) return this.violated(ERROR.protocol)
    this.tellEnd()
    if (this.localEnded && !this.closed) this.finish()
  }

  /** Nothing more came in this read. */
  flushInput(): void {
    if (!this.paused && !this.told) this.sink?.flush?.()
  }

  /** Gives the body to `sink`, what has come of it first. */
  readInto(sink: BodySink): void {
    this.sink = sink
    this.release()
  }

  pauseInput(): void {
    this.paused = true
  }

  resumeInput(): void {
    if (!this.paused) return
    this.paused = false
    this.release()
  }

  private release(): void {
    if (this.held.length > 0 && this.sink !== null) {
      while (this.held.length > 0 && !this.paused && this.sink !== null) {
        const bytes = this.held.shift()!
        this.credit(bytes.length)
        this.sink.data(bytes, 0, bytes.length)
      }
      this.flushInput()
    }
    this.tellEnd()
  }

  private tellEnd(): void {
    const { sink } = this
    if (!this.remoteEnded || this.told || sink === null || this.paused || this.held.length > 0) return
    this.told = true
    const trailers = this.trailerLines === '' ? null : readTrailers(this.trailerLines)
    if (trailers !== null && trailers.count > 0) sink.trailers?.(trailers)
    sink.end()
  }

  /** Lets the peer send as much again as has been read. */
  private credit(bytes: number): void {
    this.session.flow.credit(bytes)
    if (this.remoteEnded || this.closed) return
    this.uncredited += bytes
    if (this.uncredited < STREAM_WINDOW / 2) return
    this.receiveWindow += this.uncredited
    this.session.writer.windowUpdate(this.id, this.uncredited)
    this.uncredited = 0
  }

  // ---- ending

  /** Both sides have said all; what was held is still to be read. */
  private finish(): void {
    this.closed = true
    this.session.forget(this)
    this.completed()
  }

  /** Ends the stream at once on our side. */
  reset(code: number): void {
    if (!this.closed) this.session.rst(this.id, code)
    this.drop()
  }

  /** Forgets what waits, and is forgotten. What was held counts as read for the connection. */
  drop(): void {
    for (const bytes of this.held) this.session.flow.credit(bytes.length)
    this.empty()
    this.pendingBytes = 0
    this.sink = null
    if (this.closed) return
    this.closed = true
    this.session.forget(this)
  }
}
