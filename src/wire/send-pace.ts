/** Watches how fast a peer takes what is sent to it, while there is more than the system would take at once. */
import type { Socket } from 'node:net'
import type { Deadlines, Timed } from './deadlines.ts'
import { Pace, type RateMin } from './pace.ts'

export class SendPace implements Timed {
  deadline = 0
  /** Longest silence, as of the next stall. */
  silenceMs = 0
  private readonly socket: Socket
  private readonly deadlines: Deadlines
  private readonly pace: Pace
  private readonly tooSlow: () => void
  private taken = 0

  /** `tooSlow` is called when the peer is to be given up. */
  constructor(socket: Socket, deadlines: Deadlines, rate: RateMin, tooSlow: () => void) {
    this.socket = socket
    this.deadlines = deadlines
    this.pace = new Pace(rate)
    this.tooSlow = tooSlow
  }

  /** A write had to wait. */
  stalled(): void {
    if (this.deadline !== 0) return
    this.taken = takenBytes(this.socket)
    this.deadline = this.pace.start(this.deadlines.now, this.silenceMs)
  }

  /** Everything has been taken. */
  drained(): void {
    this.deadline = 0
  }

  expired(): void {
    const { now } = this.deadlines
    const taken = takenBytes(this.socket)
    if (taken > this.taken) this.pace.moved(now, taken - this.taken)
    this.taken = taken
    if (this.pace.verdict(now) === null) this.deadline = this.pace.due
    else this.tooSlow()
  }
}

/**
 * Bytes that the system has taken so far. A stream counts a part when all of it is gone, and parts are up to 64 KiB: at 240 B/s that
 * would be four minutes. The handle knows better, where it tells.
 */
export function takenBytes(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle === 'object' && handle !== null) {
    const written: unknown = Reflect.get(handle, 'bytesWritten')
    const queued: unknown = Reflect.get(handle, 'writeQueueSize')
    if (typeof written === 'number' && typeof queued === 'number') return written - queued
  }
  return socket.bytesWritten - socket.writableLength
}
