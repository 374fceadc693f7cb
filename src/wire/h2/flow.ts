/** The windows that all streams of a connection share, and the streams that wait for room in the peer's (RFC 9113 §5.2, §6.9). */
import type { FrameWriter } from './frame-writer.ts'
import { WINDOW_DEFAULT, WINDOW_MAX } from './frames.ts'
import type { Patience } from './patience.ts'

/** What a peer may send on all streams together before it is read; as Envoy advises for an edge. */
const CONNECTION_WINDOW = 1_048_576

/** A stream with something to send. */
interface Sender {
  /** Sends a frame's worth. False when it could not. */
  pump(): boolean
}

export class Flow {
  /** What the peer lets us send on all streams together. */
  sendWindow = WINDOW_DEFAULT
  private readonly writer: FrameWriter
  private readonly patience: Patience
  private readonly waiting = new Set<Sender>()
  private receiveWindow = CONNECTION_WINDOW
  private uncredited = 0

  constructor(writer: FrameWriter, patience: Patience) {
    this.writer = writer
    this.patience = patience
  }

  // ---- sending

  sent(bytes: number): void {
    this.sendWindow -= bytes
    // Whoever reads what it asked for is not abusive.
    if (bytes >= 1_024) this.patience.earn(1)
  }

  /** False when the peer opens its window beyond what a window may be. */
  widen(bytes: number): boolean {
    this.sendWindow += bytes
    return this.sendWindow <= WINDOW_MAX
  }

  wait(stream: Sender): void {
    this.waiting.add(stream)
  }

  waitsNoMore(stream: Sender): void {
    this.waiting.delete(stream)
  }

  /** Sends what waits, a frame of each stream in turn, as long as there is room. */
  pump(): void {
    for (let moved = true; moved && this.waiting.size > 0;) {
      moved = false
      for (const stream of this.waiting) {
        if (this.sendWindow <= 0 || this.writer.choked) return
        if (stream.pump()) moved = true
      }
    }
  }

  // ---- receiving

  /** Opens the window to what it is to be: everybody starts with less. */
  open(): void {
    this.writer.windowUpdate(0, CONNECTION_WINDOW - WINDOW_DEFAULT)
  }

  /** False when the peer sends more than it was allowed to. */
  received(bytes: number): boolean {
    this.receiveWindow -= bytes
    return this.receiveWindow >= 0
  }

  /** The peer has sent all it may. */
  get isShut(): boolean {
    return this.receiveWindow <= 0
  }

  /** Bytes of body have been read: the peer may send as many again. */
  credit(bytes: number): void {
    this.uncredited += bytes
    if (this.uncredited < CONNECTION_WINDOW / 2) return
    this.receiveWindow += this.uncredited
    this.writer.windowUpdate(0, this.uncredited)
    this.uncredited = 0
  }
}
