/** A stream of HTTP/2 that has become one side of a tunnel (RFC 8441): what a socket is to the other side. */
import { EventEmitter } from 'node:events'
import type { Timed } from '../deadlines.ts'
import type { TunnelSocket } from '../tunnel.ts'

/** What a tunnel needs of its stream. */
export interface TunnelHost {
  send(bytes: Buffer): boolean
  sayEnd(): void
  stop(): void
  pauseBody(): void
  resumeBody(): void
  /** Monotonic ms. */
  readonly now: number
  watch(timed: Timed): void
  unwatch(timed: Timed): void
}

export class TunnelStream extends EventEmitter implements TunnelSocket, Timed {
  deadline = 0
  private readonly host: TunnelHost
  private idleMs = 0
  private whenIdle: (() => void) | null = null
  private closed = false

  constructor(host: TunnelHost) {
    super()
    this.host = host
  }

  write(bytes: Buffer): boolean {
    this.moved()
    return this.closed || this.host.send(bytes)
  }

  end(done?: () => void): void {
    this.host.sayEnd()
    if (done !== undefined) setImmediate(done)
  }

  destroy(): void {
    if (this.closed) return
    this.host.stop()
    this.gone()
  }

  pause(): void {
    this.host.pauseBody()
  }

  resume(): void {
    this.host.resumeBody()
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

  /** Bytes went one way or the other. */
  moved(): void {
    if (this.idleMs !== 0 && !this.closed) this.deadline = this.host.now + this.idleMs
  }

  /** The stream is over. */
  gone(): void {
    if (this.closed) return
    this.closed = true
    this.deadline = 0
    if (this.idleMs !== 0) this.host.unwatch(this)
    this.emit('close')
  }
}
