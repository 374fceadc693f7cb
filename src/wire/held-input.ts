/** Input of a connection that cannot be used yet: kept in memory up to a bound, then in the socket. */
import type { Socket } from 'node:net'

/** Bytes kept before the socket is paused. */
const HELD_BYTES_MAX = 65_536

const NOTHING = Buffer.alloc(0)

export class HeldInput {
  private readonly socket: Socket
  private held: Buffer = NOTHING
  private paused = false
  private blocked = false

  constructor(socket: Socket) {
    this.socket = socket
  }

  get isEmpty(): boolean {
    return this.held.length === 0
  }

  keep(bytes: Buffer, from: number): void {
    if (from === bytes.length) return
    const rest = bytes.subarray(from)
    this.held = this.isEmpty ? Buffer.from(rest) : Buffer.concat([this.held, rest])
    if (this.held.length >= HELD_BYTES_MAX) this.pause()
  }

  /** Hands over what is held and holds nothing. */
  take(): Buffer {
    const { held } = this
    this.held = NOTHING
    return held
  }

  /** Nothing is to be read until `unblock`: whoever takes it has no room. */
  block(): void {
    this.blocked = true
    this.pause()
  }

  unblock(): void {
    this.blocked = false
    this.resume()
  }

  private pause(): void {
    this.paused = true
    this.socket.pause()
  }

  /** Reads on, unless as much is held as may be, or it is blocked. */
  resume(): void {
    if (!this.paused || this.blocked || this.held.length >= HELD_BYTES_MAX) return
    this.paused = false
    this.socket.resume()
  }
}
