/** One whole request and its whole answer, for senders that have the body in hand and want the first bytes of the reply: deliveries. */
import type { ResponseHead } from '../wire/head.ts'
import type {
  Outbound,
  OutboundFailure,
  OutboundListener,
  OutboundRequest,
  OutboundTimeouts,
} from '../wire/outbound.ts'
import type { Pool } from '../wire/pool.ts'

export interface CallRequest {
  /** Its headers say the body's length; they may be read again, after `call` has returned. */
  readonly request: OutboundRequest
  readonly body: Uint8Array
  readonly timeouts: OutboundTimeouts
  /** How much of the answer's body is kept; the rest is not read. */
  readonly keepBytes: number
}

export interface CallResult {
  /** 0 when there was no answer. */
  status: number
  /** Null when an answer came, even if its body broke off after what is kept. */
  failure: OutboundFailure | null
  /** The first `keepBytes` of the answer, as UTF-8; where none came, the system's or OpenSSL's code for why, if there is one. */
  body: string
  /** The `Retry-After` field of an answer that is no success, or null. */
  retryAfter: string | null
  /** The `Webhook-Delivery` field: what the receiver wants done about deliveries, or null. */
  control: string | null
}

/** Sends a request over a connection of `pool` and calls `done` once. A kept connection that turns out to be dead is replaced once. */
export function call(pool: Pool, request: CallRequest, done: (result: CallResult) => void): void {
  new Call(pool, request, done).send(false)
}

class Call implements OutboundListener {
  private readonly pool: Pool
  private readonly request: CallRequest
  private readonly done: (result: CallResult) => void
  private readonly result: CallResult = { status: 0, failure: null, body: '', retryAfter: null, control: null }
  private connection: Outbound | null = null
  private chunks: Buffer[] | null = null
  private kept = 0

  constructor(pool: Pool, request: CallRequest, done: (result: CallResult) => void) {
    this.pool = pool
    this.request = request
    this.done = done
  }

  send(fresh: boolean): void {
    const { request, timeouts, body } = this.request
    const connection = (this.connection = this.pool.take(fresh))
    connection.request(request, timeouts, this)
    connection.write(body, 0, body.length)
    connection.endRequest()
  }

  head(head: ResponseHead): void {
    this.result.status = head.status
    this.result.control = head.get('webhook-delivery')
    if (head.status >= 300) this.result.retryAfter = head.get('retry-after')
  }

  data(bytes: Buffer, start: number, end: number): void {
    const stop = Math.min(end, start + this.request.keepBytes - this.kept)
    if (stop > start) {
      ;(this.chunks ??= []).push(Buffer.from(bytes.subarray(start, stop)))
      this.kept += stop - start
    }
    if (stop < end) {
      // Enough is kept. The status is known, so the answer counts; the connection, full of the rest, does not.
      this.connection!.destroy()
      this.finish()
    }
  }

  end(): void {
    this.finish()
  }

  failed(failure: OutboundFailure, untouched: boolean, detail: string): void {
    if (untouched) return this.send(true)
    this.result.failure = failure
    if (this.result.status === 0) this.result.body = detail
    this.finish()
  }

  upgraded(): void {}
  ready(): void {}
  informational(): void {}
  sendable(): void {}
  flush(): void {}

  private finish(): void {
    if (this.chunks !== null) this.result.body = Buffer.concat(this.chunks).toString('utf8')
    this.done(this.result)
  }
}
