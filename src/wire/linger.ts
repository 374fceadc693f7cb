/**
 * The end of a connection: what is left is sent, our side is closed, and input is dropped for a while, so that a reset does not destroy
 * the answer on its way (RFC 9112 §9.6).
 */
import type { Socket } from 'node:net'
import type { Deadlines, Timed } from './deadlines.ts'

/** Longest silence of a client that goes on sending. */
const SILENCE_MS = 2_000
const TOTAL_MS = 30_000

export class Linger {
  private readonly deadlines: Deadlines
  private readonly timed: Timed
  private until = 0

  /** `timed` has the deadline after which nobody waits any longer; until everything is sent it has none. */
  constructor(socket: Socket, deadlines: Deadlines, timed: Timed, sent: () => void) {
    this.deadlines = deadlines
    this.timed = timed
    timed.deadline = 0
    socket.end(() => {
      sent()
      this.until = deadlines.now + TOTAL_MS
      timed.deadline = deadlines.now + SILENCE_MS
    })
    socket.resume()
  }

  /** Input was dropped. */
  heard(): void {
    if (this.until !== 0) this.timed.deadline = Math.min(this.until, this.deadlines.now + SILENCE_MS)
  }
}
