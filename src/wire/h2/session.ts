/** One HTTP/2 connection, whichever side we are on: frames, settings, windows, header blocks and the bounds on all of them (RFC 9113). */
import type { Socket } from 'node:net'
import type { Deadlines } from '../deadlines.ts'
import { FrameReader, type FrameSink, uint31 } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import { ERROR, FLAG, FRAME, FRAME_BYTES_DEFAULT, SETTING, WINDOW_DEFAULT, WINDOW_MAX } from './frames.ts'
import { HeaderFields } from './fields.ts'
import { HpackDecoder } from './hpack-decoder.ts'
import { COST, Patience } from './patience.ts'
import { STREAM_WINDOW, type H2Stream, type StreamHost } from './stream.ts'

/** What a peer may send on all streams together before it is read; as Envoy advises for an edge. */
const CONNECTION_WINDOW = 1_048_576
/** A compressed head may have so many bytes and come in so many frames: more is a flood (CVE-2024-27316 and its kin). */
const BLOCK_BYTES_MAX = 32_768
const CONTINUATIONS_MAX = 16
/** Settings in one frame: there are ten or so. */
const SETTINGS_MAX = 32

/** One for the whole thread: a block is read and acted on before the next. */
const fields = new HeaderFields()

export abstract class H2Session implements FrameSink, StreamHost {
  readonly writer: FrameWriter
  readonly streams = new Map<number, H2Stream>()
  readonly patience: Patience
  sendWindow = WINDOW_DEFAULT
  peerWindow = WINDOW_DEFAULT
  peerStreamsMax = 100
  peerTakesConnect = false
  /** No frame is read or written any more. */
  over = false
  protected readonly socket: Socket
  protected readonly deadlines: Deadlines
  /** The newest stream that the peer began. */
  protected lastId = 0
  private readonly reader = new FrameReader()
  private readonly decoder = new HpackDecoder()
  private readonly blocked = new Set<H2Stream>()
  private readonly touched: H2Stream[] = []
  private receiveWindow = CONNECTION_WINDOW
  private uncredited = 0
  private settled = false
  /** The stream whose head is coming, in more than one frame; 0: none. */
  private blockId = 0
  private blockEnds = false
  private blockParts: Buffer[] = []
  private blockBytes = 0

  constructor(socket: Socket, deadlines: Deadlines) {
    this.socket = socket
    this.deadlines = deadlines
    this.writer = new FrameWriter(socket)
    this.patience = new Patience(deadlines.now)
  }

  /** A head is complete. `fields` are valid during the call. */
  protected abstract headers(id: number, fields: HeaderFields, end: boolean): void
  /** The peer will not take streams above `lastId`. */
  protected abstract goingAway(lastId: number): void
  /** The answer to our PING. */
  protected abstract pong(): void
  /** The connection ends for what the peer did. */
  protected abstract condemned(code: number): void
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
    this.windowUpdate(0, CONNECTION_WINDOW - WINDOW_DEFAULT)
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

  /** In the middle of a frame. */
  protected get isWithin(): boolean {
    return this.reader.isWithin
  }

  /** In the middle of a head that comes in several frames. */
  protected get isWithinHead(): boolean {
    return this.blockId !== 0
  }

  // ---- frames

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): boolean {
    // Nothing may come between the frames of a head (§6.10), and SETTINGS come first (§3.4).
    if (
      (this.blockId !== 0 && (type !== FRAME.continuation || id !== this.blockId)) ||
      (!this.settled && type !== FRAME.settings)
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
    this.receiveWindow -= counted
    if (this.receiveWindow < 0) return this.fail(ERROR.flowControl)
    const body = this.unpadded(flags, bytes, start, end, 0)
    if (id === 0 || body === -1) return this.fail(ERROR.protocol)
    const stop = body
    const from = (flags & FLAG.padded) === 0 ? start : start + 1
    const ends = (flags & FLAG.endStream) !== 0
    if (stop === from && !ends && !this.spend(COST.idleFrame)) return
    const stream = this.streams.get(id)
    if (stream === undefined) {
      // Of a stream that has been reset there may still be something on the way; of one that never was, there may not (§5.1).
      if (!this.wasStream(id)) return this.fail(ERROR.protocol)
      this.credit(counted)
      return void this.spend(COST.idleFrame)
    }
    if (stream.remoteEnded) {
      this.credit(counted)
      return stream.violated(ERROR.streamClosed)
    }
    if (stop > from || counted > 0) {
      stream.receive(bytes, from, stop, counted)
      if (this.touched.at(-1) !== stream) this.touched.push(stream)
    }
    if (ends && !stream.closed) stream.receiveEnd('')
  }

  /** Where the payload ends without its padding, or -1. `skip` are bytes between the length of the padding and the payload. */
  private unpadded(flags: number, bytes: Buffer, start: number, end: number, skip: number): number {
    if ((flags & FLAG.padded) === 0) return end - start < skip ? -1 : end
    if (start === end) return -1
    const stop = end - bytes[start]!
    return stop < start + 1 + skip ? -1 : stop
  }

  private headersFrame(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const skip = (flags & FLAG.priority) === 0 ? 0 : 5
    const stop = this.unpadded(flags, bytes, start, end, skip)
    if (id === 0 || stop === -1) return this.fail(ERROR.protocol)
    const from = start + ((flags & FLAG.padded) === 0 ? 0 : 1) + skip
    const ends = (flags & FLAG.endStream) !== 0
    if ((flags & FLAG.endHeaders) !== 0) return this.block(id, bytes, from, stop, ends)
    this.blockId = id
    this.blockEnds = ends
    this.blockParts = [Buffer.from(bytes.subarray(from, stop))]
    this.blockBytes = stop - from
  }

  private continuation(flags: number, bytes: Buffer, start: number, end: number): void {
    const id = this.blockId
    if (id === 0) return this.fail(ERROR.protocol)
    this.blockBytes += end - start
    if (this.blockBytes > BLOCK_BYTES_MAX || this.blockParts.length > CONTINUATIONS_MAX)
      return this.fail(ERROR.enhanceYourCalm)
    this.blockParts.push(Buffer.from(bytes.subarray(start, end)))
    if ((flags & FLAG.endHeaders) === 0) return
    const whole = Buffer.concat(this.blockParts)
    this.blockId = 0
    this.blockParts = []
    this.block(id, whole, 0, whole.length, this.blockEnds)
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
    if ((end - start) / 6 > SETTINGS_MAX || !this.spend(COST.idleFrame)) return this.fail(ERROR.enhanceYourCalm)
    this.settled = true
    for (let at = start; at < end; at += 6) {
      if (this.setting(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2))) continue
      return this.fail(this.over ? ERROR.none : ERROR.protocol)
    }
    this.writer.frame(0, FRAME.settings, FLAG.ack, 0)
    this.settingsChanged()
    this.pump()
  }

  /** False for a value that it may not have (§6.5.2). */
  private setting(name: number, value: number): boolean {
    switch (name) {
      case SETTING.enablePush:
        return value <= 1
      case SETTING.maxConcurrentStreams:
        this.peerStreamsMax = value
        return true
      case SETTING.initialWindowSize: {
        if (value > WINDOW_MAX) return false
        const more = value - this.peerWindow
        this.peerWindow = value
        for (const stream of this.streams.values()) if (!stream.widen(more)) return false
        return true
      }
      case SETTING.maxFrameSize:
        return value >= FRAME_BYTES_DEFAULT && value <= 16_777_215
      case SETTING.enableConnectProtocol:
        this.peerTakesConnect = value === 1
        return value <= 1
      default:
        return true
    }
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
      this.sendWindow += more
      if (more === 0) return this.fail(ERROR.protocol)
      if (this.sendWindow > WINDOW_MAX) return this.fail(ERROR.flowControl)
    } else {
      const stream = this.streams.get(id)
      if (stream === undefined) return this.wasStream(id) ? undefined : this.fail(ERROR.protocol)
      if (more === 0) return stream.violated(ERROR.protocol)
      if (!stream.widen(more)) return stream.violated(ERROR.flowControl)
    }
    this.pump()
  }

  /** True for a stream that has existed. */
  protected abstract wasStream(id: number): boolean

  /** False when patience is at an end, and with it the connection. */
  spend(cost: number): boolean {
    if (this.patience.spend(cost, this.deadlines.now)) return true
    this.fail(ERROR.enhanceYourCalm)
    return false
  }

  // ---- windows

  sentData(bytes: number): void {
    this.sendWindow -= bytes
    if (bytes >= 1_024) this.patience.earn(1)
  }

  credit(bytes: number): void {
    this.uncredited += bytes
    if (this.over || this.uncredited < CONNECTION_WINDOW / 2) return
    this.receiveWindow += this.uncredited
    this.windowUpdate(0, this.uncredited)
    this.uncredited = 0
  }

  windowUpdate(id: number, bytes: number): void {
    this.writer.frame(4, FRAME.windowUpdate, 0, id)
    this.writer.putUint32(bytes)
  }

  waitToSend(stream: H2Stream): void {
    this.blocked.add(stream)
  }

  waitsNoMore(stream: H2Stream): void {
    this.blocked.delete(stream)
  }

  /** Sends what waits, a frame of each stream in turn, as long as there is room. */
  protected pump(): void {
    for (let moved = true; moved && this.blocked.size > 0;) {
      moved = false
      for (const stream of this.blocked) {
        if (this.sendWindow <= 0 || this.writer.choked) return
        if (stream.pump()) moved = true
      }
    }
  }

  /** The socket has room again. */
  protected drained(): void {
    this.writer.choked = false
    this.pump()
  }

  // ---- ending

  rst(id: number, code: number): void {
    if (this.over) return
    this.writer.frame(4, FRAME.rstStream, 0, id)
    this.writer.putUint32(code)
  }

  forget(stream: H2Stream): void {
    this.streams.delete(stream.id)
    this.blocked.delete(stream)
    this.freed(stream)
  }

  protected sendGoaway(lastId: number, code: number): void {
    this.writer.frame(8, FRAME.goaway, 0, 0)
    this.writer.putUint32(lastId)
    this.writer.putUint32(code)
  }

  /** Ends the connection for what the peer did (§5.4.1). */
  protected fail(code: number): void {
    if (this.over) return
    this.sendGoaway(this.lastId, code)
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
