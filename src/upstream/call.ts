/** One whole request and its whole answer, for senders that have the body in hand and want the first bytes of the reply: deliveries. */
import type { ResponseHead } from '../wire/head.ts'
import type { Outbound, OutboundFailure, OutboundListener, OutboundTimeouts } from '../wire/outbound.ts'
import type { Pool } from '../wire/pool.ts'

export interface CallResult {
  /** 0 when there was no answer. */
  status: number
  /** Null when an answer came. */
  failure: OutboundFailure | null
  /** The first `keepBytes` of the answer. */
  body: string
  /** The `Retry-After` field, or null. */
  retryAfter: string | null
}

/**
 * Sends `head` and `body` over a connection of `pool` and calls `done` once. Of the answer `keepBytes` are kept; once they are there
 * the rest is not read. A kept connection that turns out to be dead is replaced once.
 */
export function call(
  pool: Pool,
  head: string,
  body: Uint8Array,
  timeouts: OutboundTimeouts,
  keepBytes: number,
  done: (result: CallResult) => void,
): void {
  new Call(pool, head, body, timeouts, keepBytes, done).send(false)
}

class Call implements OutboundListener {
  private readonly pool: Pool
  private readonly head_: string
  private readonly body: Uint8Array
  private readonly timeouts: OutboundTimeouts
  private readonly keepBytes: number
  private readonly done: (result: CallResult) => void
  private connection: Outbound | null = null
  private readonly result: CallResult = { status: 0, failure: null, body: '', retryAfter: null }
  private chunks: Buffer[] | null = null
  private kept = 0

  constructor(
    pool: Pool,
    head: string,
    body: Uint8Array,
    timeouts: OutboundTimeouts,
    keepBytes: number,
    done: (result: CallResult) => void,
  ) {
    this.pool = pool
    this.head_ = head
    this.body = body
    this.timeouts = timeouts
    this.keepBytes = keepBytes
    this.done = done
  }

  send(fresh: boolean): void {
    const connection = this.pool.take(fresh)
    this.connection = connection
    connection.request(this.head_, 'POST', false, false, this.timeouts, this)
    connection.write(this.body, 0, this.body.length)
    connection.endRequest()
  }

  head(head: ResponseHead): void {
    this.result.status = head.status
    if (head.status >= 300) this.result.retryAfter = head.get('retry-after')
  }

  data(bytes: Buffer, start: number, end: number): void {
    const stop = Math.min(end, start + this.keepBytes - this.kept)
    if (stop > start) {
      ;(this.chunks ??= []).push(Buffer.from(bytes.subarray(start, stop)))
      this.kept += stop - start
    }
    if (stop < end) {
      // Enough is kept. The status is known, so the answer counts; the connection does not.
      this.connection!.destroy()
      this.finish()
    }
  }

  end(): void {
    this.finish()
  }

  failed(failure: OutboundFailure, untouched: boolean): void {
    if (untouched) return this.send(true)
    this.result.failure = failure
    this.finish()
  }

  upgraded(): void {}
  ready(): void {}
  informational(): void {}
  drain(): void {}
  flush(): void {}

  private finish(): void {
    if (this.chunks !== null) this.result.body = Buffer.concat(this.chunks).toString('utf8')
    this.done(this.result)
  }
}
