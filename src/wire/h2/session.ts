/** One HTTP/2 connection, whichever side we are on: what each frame means, and when it is the last (RFC 9113). */
import type { Socket } from 'node:net'
import type { Deadlines } from '../deadlines.ts'
import { HeaderFields } from './fields.ts'
import { Flow } from './flow.ts'
import { FrameReader, type FrameSink, payloadEnd, uint31 } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import { ERROR, FLAG, FRAME, SETTING } from './frames.ts'
import { HpackDecoder } from './hpack-decoder.ts'
import { COST, Patience } from './patience.ts'
import { PeerSettings } from './peer-settings.ts'
import { SplitHead } from './split-head.ts'
import { STREAM_WINDOW, type H2Stream, type StreamHost } from './stream.ts'

/** One for the whole thread: a block is read and acted on before the next. */
const fields = new HeaderFields()

export abstract class H2Session implements FrameSink, StreamHost {
  readonly writer: FrameWriter
  readonly flow: Flow
  readonly peer = new PeerSettings()
  readonly streams = new Map<number, H2Stream>()
  readonly patience: Patience
  /** No frame is read or written any more. */
  over = false
  protected readonly socket: Socket
  protected readonly deadlines: Deadlines
  /** The newest stream that the peer began. */
  protected lastId = 0
  protected readonly reader = new FrameReader()
  private readonly decoder = new HpackDecoder()
  private readonly split = new SplitHead()
  /** Streams that this read brought something for. */
  private readonly touched: H2Stream[] = []

  constructor(socket: Socket, deadlines: Deadlines) {
    this.socket = socket
    this.deadlines = deadlines
    this.writer = new FrameWriter(socket, () => this.stalled())
    this.patience = new Patience(deadlines.now)
    this.flow = new Flow(this.writer, this.patience)
  }

  /** A head is complete. `fields` are valid during the call. */
  protected abstract headers(id: number, fields: HeaderFields, end: boolean): void
  /** The peer will not take streams above `lastId`. */
  protected abstract goingAway(lastId: number): void
  /** The answer to our PING. */
  protected abstract pong(): void
  /** The connection ends for what the peer did. */
  protected abstract condemned(code: number): void
  /** The socket is full: the peer takes less than is sent. */
  protected abstract stalled(): void
  /** A stream has ended. */
  protected abstract freed(stream: H2Stream): void
  /** The first SETTINGS have come, or later ones: limits may have changed. */
  protected abstract settingsChanged(): void

  protected start(settings: readonly (readonly [number, number])[]): void {
    const { writer } = this
    writer.frame(settings.length * 6, FRAME.settings, 0, 0)
    for (const [name, value] of settings) {
      writer.putUint16(name)
      writer.putUint32(value)
    }
    this.flow.open()
  }

  /** Settings that both sides send. */
  protected static readonly SETTINGS = [
    [SETTING.initialWindowSize, STREAM_WINDOW],
    [SETTING.maxHeaderListSize, 16_384],
  ] as const

  /** Reads what has arrived. */
  protected take(bytes: Buffer, from: number): void {
    if (this.over) return
    this.reader.feed(bytes, from, this)
    const { touched } = this
    if (touched.length === 0) return
    for (const stream of touched) stream.flushInput()
    touched.length = 0
  }

  /** In the middle of a head that comes in several frames. */
  protected get isWithinHead(): boolean {
    return this.split.id !== 0
  }

  // ---- frames

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): boolean {
    // Nothing may come between the frames of a head (§6.10), and SETTINGS come first (§3.4).
    if (
      (this.split.id !== 0 && (type !== FRAME.continuation || id !== this.split.id)) ||
      (!this.peer.areHere && type !== FRAME.settings)
    ) {
      this.fail(ERROR.protocol)
      return false
    }
    switch (type) {
      case FRAME.data:
        this.data(flags, id, bytes, start, end)
        break
      case FRAME.headers:
        this.headersFrame(flags, id, bytes, start, end)
        break
      case FRAME.rstStream:
        this.rstFrame(id, bytes, start, end)
        break
      case FRAME.settings:
        this.settings(flags, id, bytes, start, end)
        break
      case FRAME.ping:
        this.ping(flags, id, bytes, start, end)
        break
      case FRAME.goaway:
        if (id !== 0 || end - start < 8) this.fail(id !== 0 ? ERROR.protocol : ERROR.frameSize)
        else this.goingAway(uint31(bytes, start))
        break
      case FRAME.windowUpdate:
        this.windowFrame(id, bytes, start, end)
        break
      case FRAME.continuation:
        this.continuation(flags, bytes, start, end)
        break
      case FRAME.pushPromise:
        this.fail(ERROR.protocol)
        break
      case FRAME.priority:
        if (id === 0 || end - start !== 5) this.fail(id === 0 ? ERROR.protocol : ERROR.frameSize)
        else this.spend(COST.idleFrame)
        break
      default:
        this.spend(COST.idleFrame)
    }
    return !this.over
  }

  unreadable(code: number): void {
    this.fail(code)
  }

  private data(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const counted = end - start
    if (!this.flow.received(counted)) return this.fail(ERROR.flowControl)
    const stop = payloadEnd(flags, bytes, start, end, 0)
    if (id === 0 || stop === -1) return this.fail(ERROR.protocol)
    const from = (flags & FLAG.padded) === 0 ? start : start + 1
    const ends = (flags & FLAG.endStream) !== 0
    if (stop === from && !ends && !this.spend(COST.idleFrame)) return
    const stream = this.streams.get(id)
    if (stream === undefined) {
      // Of a stream that has been reset there may still be something on the way; of one that never was, there may not (§5.1).
      if (!this.wasStream(id)) return this.fail(ERROR.protocol)
      this.flow.credit(counted)
      return void this.spend(COST.idleFrame)
    }
    if (stream.remoteEnded) {
      this.flow.credit(counted)
      return stream.violated(ERROR.streamClosed)
    }
    if (stop > from || counted > 0) {
      stream.receive(bytes, from, stop, counted)
      if (this.touched.at(-1) !== stream) this.touched.push(stream)
    }
    if (ends && !stream.closed) stream.receiveEnd('')
  }

  private headersFrame(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const skip = (flags & FLAG.priority) === 0 ? 0 : 5
    const stop = payloadEnd(flags, bytes, start, end, skip)
    if (id === 0 || stop === -1) return this.fail(ERROR.protocol)
    const from = start + ((flags & FLAG.padded) === 0 ? 0 : 1) + skip
    const ends = (flags & FLAG.endStream) !== 0
    if ((flags & FLAG.endHeaders) !== 0) this.block(id, bytes, from, stop, ends)
    else this.split.begin(id, ends, bytes, from, stop)
  }

  private continuation(flags: number, bytes: Buffer, start: number, end: number): void {
    const { id, ends } = this.split
    if (id === 0) return this.fail(ERROR.protocol)
    if (!this.split.add(bytes, start, end)) return this.fail(ERROR.enhanceYourCalm)
    if ((flags & FLAG.endHeaders) === 0) return
    const whole = this.split.take()
    this.block(id, whole, 0, whole.length, ends)
  }

  private block(id: number, bytes: Buffer, start: number, end: number, ends: boolean): void {
    fields.reset()
    if (!this.decoder.decode(bytes, start, end, fields)) return this.fail(ERROR.compression)
    this.headers(id, fields, ends)
  }

  private rstFrame(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) return this.fail(ERROR.frameSize)
    if (id === 0 || !this.wasStream(id)) return this.fail(ERROR.protocol)
    const stream = this.streams.get(id)
    if (!this.spend(stream === undefined ? COST.idleFrame : COST.wastedRequest) || stream === undefined) return
    stream.drop()
    stream.broken(bytes.readUInt32BE(start))
  }

  private settings(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) return this.fail(ERROR.protocol)
    if ((flags & FLAG.ack) !== 0) return start === end ? undefined : this.fail(ERROR.frameSize)
    if ((end - start) % 6 !== 0) return this.fail(ERROR.frameSize)
    if (!this.spend(COST.idleFrame)) return
    const { window } = this.peer
    const wrong = this.peer.read(bytes, start, end)
    if (wrong !== ERROR.none) return this.fail(wrong)
    // It holds for streams that are open too, back to when they began (§6.9.2).
    const more = this.peer.window - window
    if (more !== 0)
      for (const stream of this.streams.values()) if (!stream.widen(more)) return this.fail(ERROR.flowControl)
    this.writer.frame(0, FRAME.settings, FLAG.ack, 0)
    this.settingsChanged()
    this.flow.pump()
  }

  private ping(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) return this.fail(ERROR.protocol)
    if (end - start !== 8) return this.fail(ERROR.frameSize)
    if ((flags & FLAG.ack) !== 0) return this.pong()
    if (!this.spend(COST.idleFrame)) return
    this.writer.frame(8, FRAME.ping, FLAG.ack, 0)
    this.writer.put(bytes, start, end)
  }

  private windowFrame(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) return this.fail(ERROR.frameSize)
    const more = uint31(bytes, start)
    if (!this.spend(COST.windowUpdate)) return
    if (id === 0) {
      if (more === 0) return this.fail(ERROR.protocol)
      if (!this.flow.widen(more)) return this.fail(ERROR.flowControl)
    } else {
      const stream = this.streams.get(id)
      if (stream === undefined) return this.wasStream(id) ? undefined : this.fail(ERROR.protocol)
      if (more === 0) return stream.violated(ERROR.protocol)
      if (!stream.widen(more)) return stream.violated(ERROR.flowControl)
    }
    this.flow.pump()
  }

  /** True for a stream that has existed. */
  protected abstract wasStream(id: number): boolean

  /** False when patience is at an end, and with it the connection. */
  spend(cost: number): boolean {
    if (this.patience.spend(cost, this.deadlines.now)) return true
    this.fail(ERROR.enhanceYourCalm)
    return false
  }

  /** The socket has room again. */
  protected drained(): void {
    this.writer.choked = false
    this.flow.pump()
  }

  // ---- ending

  rst(id: number, code: number): void {
    if (!this.over) this.writer.rst(id, code)
  }

  forget(stream: H2Stream): void {
    this.streams.delete(stream.id)
    this.flow.waitsNoMore(stream)
    this.freed(stream)
  }

  /** Ends the connection for what the peer did (§5.4.1). */
  protected fail(code: number): void {
    if (this.over) return
    this.writer.goaway(this.lastId, code)
    this.over = true
    this.writer.flush()
    this.condemned(code)
  }

  /** The connection is gone, or is to be: every stream hears of it. */
  protected breakStreams(code: number): void {
    this.over = true
    for (const stream of this.streams.values()) {
      stream.drop()
      stream.broken(code)
    }
  }
}
