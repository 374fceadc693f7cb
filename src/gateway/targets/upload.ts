/** A client's body on its way upstream. A small one is kept until it is answered, so that a request that may be repeated can be. */
import { forwardTrailers } from '../../upstream/request-head.ts'
import type { BodySink } from '../../wire/body.ts'
import type { Head } from '../../wire/head.ts'
import type { Outbound } from '../../wire/outbound.ts'
import type { OutgoingHead } from '../../wire/outgoing.ts'
import type { GatewayExchange } from '../exchange.ts'

/** Kept of a body for another try: what a client sends at once, and little beside what the exchange holds anyway. */
const KEPT_BYTES_MAX = 65_536

export class Upload implements BodySink {
  private started = false
  private ended = false
  private readonly x: GatewayExchange
  private connection: Outbound | null = null
  /** The head it follows. */
  private sent: OutgoingHead | null = null
  private sentTrailers: OutgoingHead | null = null
  /** Null when it is not wanted, or was too much. */
  private kept: Buffer[] | null
  private keptBytes = 0

  /** `keep`: the request may be repeated. */
  constructor(x: GatewayExchange, keep: boolean) {
    this.x = x
    this.kept = keep && x.head.length <= KEPT_BYTES_MAX ? [] : null
  }

  /** From now on it goes over `connection`, behind the head `sent`. */
  over(connection: Outbound, sent: OutgoingHead): void {
    this.connection = connection
    this.sent = sent
  }

  /** The connection stands. */
  ready(idleMs: number): void {
    const { x, connection } = this
    if (!this.started) {
      this.started = true
      return x.inbound.readBody(this, x.route.bodyBytesMax, idleMs)
    }
    // Another try: the client has sent all of it before.
    for (const bytes of this.kept!) connection!.write(bytes, 0, bytes.length)
    connection!.endRequest(this.sentTrailers)
  }

  /** Another try would send the same. */
  get canRepeat(): boolean {
    return !this.started || (this.ended && this.kept !== null)
  }

  /** It still flows, so its trailers are still to be judged by the head that was sent. */
  get isUnderWay(): boolean {
    return this.started && !this.ended
  }

  /** The connection is over: what still comes goes nowhere. */
  detach(): void {
    this.connection = null
  }

  data(bytes: Buffer, start: number, end: number): void {
    if (this.kept !== null) this.keep(bytes, start, end)
    if (this.connection !== null && !this.connection.write(bytes, start, end)) this.x.inbound.pauseBody()
  }

  private keep(bytes: Buffer, start: number, end: number): void {
    this.keptBytes += end - start
    if (this.keptBytes > KEPT_BYTES_MAX) this.kept = null
    else this.kept!.push(Buffer.from(bytes.subarray(start, end)))
  }

  trailers(trailers: Head): void {
    this.sentTrailers = forwardTrailers(trailers, this.sent!)
  }

  end(): void {
    this.ended = true
    this.connection?.endRequest(this.sentTrailers)
  }

  flush(): void {
    if (this.connection?.flush() === false) this.x.inbound.pauseBody()
  }
}
