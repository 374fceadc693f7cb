/** A stream of HTTP/2 that has become one side of a tunnel (RFC 8441 §5): what a socket is to the other side. */
import { EventEmitter } from 'node:events'
import type { Timed } from '../deadlines.ts'
import type { TunnelEnd, TunnelSocket } from '../tunnel.ts'
import { ERROR } from './frames.ts'
import type { H2Stream } from './stream.ts'

/** What a tunnel asks of the connection. */
interface TunnelHost {
  /** Monotonic ms. */
  readonly now: number
  watch(timed: Timed): void
  unwatch(timed: Timed): void
}

export class TunnelStream extends EventEmitter implements TunnelSocket, Timed {
  deadline = 0
  private readonly stream: H2Stream
  private readonly host: TunnelHost
  private idleMs = 0
  private whenIdle: (() => void) | null = null
  private whenSent: (() => void) | null = null
  private closed = false

  constructor(stream: H2Stream, host: TunnelHost) {
    super()
    this.stream = stream
    this.host = host
  }

  /** For whoever joins it with the other side. */
  asEnd(): TunnelEnd {
    const { stream } = this
    return {
      socket: this,
      start: (receive, ended) => {
        const data = (bytes: Buffer, start: number, end: number) => {
          this.moved()
          receive(bytes, start, end)
        }
        stream.readInto({ data, end: ended })
        if (stream.closed && !stream.remoteEnded) this.gone()
      },
    }
  }

  write(bytes: Buffer): boolean {
    this.moved()
    return this.closed || this.stream.sendData(bytes, 0, bytes.length)
  }

  /** `done` is called when all has been sent and the other side has said its all too. */
  end(done?: () => void): void {
    this.stream.sendEnd(null)
    if (done === undefined) return
    if (this.stream.closed) setImmediate(done)
    else this.whenSent = done
  }

  destroy(): void {
    if (this.closed) return
    this.stream.reset(ERROR.cancel)
    this.gone()
  }

  pause(): void {
    this.stream.pauseInput()
  }

  resume(): void {
    this.stream.resumeInput()
  }

  /** Is the connection's. */
  setNoDelay(): void {}

  /** Is the connection's. */
  setKeepAlive(): void {}

  setTimeout(ms: number, idle: () => void): void {
    this.idleMs = ms
    this.whenIdle = idle
    if (ms !== 0) this.host.watch(this)
    this.moved()
  }

  expired(): void {
    this.whenIdle?.()
  }

  // ---- from the stream

  /** There is room again. */
  sendable(): void {
    this.emit('drain')
  }

  /** Bytes went one way or the other. */
  moved(): void {
    if (this.idleMs !== 0 && !this.closed) this.deadline = this.host.now + this.idleMs
  }

  /** Both sides have said all they had to. */
  over(): void {
    this.whenSent?.()
  }

  /** The stream was reset, or the connection is gone. */
  gone(): void {
    if (this.closed) return
    this.closed = true
    this.deadline = 0
    if (this.idleMs !== 0) this.host.unwatch(this)
    this.emit('close')
  }
}
