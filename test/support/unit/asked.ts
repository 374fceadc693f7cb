/** A request over a pooled connection, and everything that is heard of it. */
import type { ResponseHead } from '../../../src/wire/head.ts'
import { OutgoingHead } from '../../../src/wire/outgoing.ts'
import type { Outbound, OutboundFailure, OutboundListener, OutboundTimeouts } from '../../../src/wire/outbound.ts'
import type { Pool } from '../../../src/wire/pool.ts'
import type { TunnelEnd } from '../../../src/wire/tunnel.ts'
import { Signal } from '../../../src/selftest/signal.ts'
import type { Lines } from './grammar.ts'

export interface AskOptions {
  readonly method?: string
  /** Sent at once and whole, unless `open`. */
  readonly body?: string
  /** The request is not complete until the test says so. */
  readonly open?: boolean
  readonly timeouts?: Partial<OutboundTimeouts>
  readonly fresh?: boolean
  readonly upgrade?: boolean
}

export class Asked implements OutboundListener {
  readonly connection: Outbound
  /** Interim answers by status, then the final one, then how it ended. */
  readonly events: string[] = []
  status = 0
  lines: Lines = []
  body = ''
  failure: OutboundFailure | null = null
  untouched = false
  detail = ''
  tunnel: TunnelEnd | null = null
  over = false
  /** The connection stands. */
  isReady = false
  drains = 0
  private readonly signal = new Signal()

  constructor(pool: Pool, options: AskOptions = {}) {
    const { method = 'GET', body = '', open = false, timeouts = {}, fresh = false, upgrade = false } = options
    this.connection = pool.take(fresh)
    const bytes = Buffer.from(body, 'latin1')
    const headers = new OutgoingHead()
    headers.append('Host', 'a')
    headers.append('Content-Length', String(bytes.length))
    const all = { connectMs: 0, firstByteMs: 0, idleMs: 0, totalMs: 0, ...timeouts }
    const request = {
      method,
      target: '/',
      host: 'a',
      headers,
      chunked: false,
      upgrade: upgrade ? 'websocket' : '',
      takesTrailers: false,
    }
    this.connection.request(request, all, this)
    if (open) this.connection.flush()
    else {
      this.connection.write(bytes, 0, bytes.length)
      this.connection.endRequest()
    }
  }

  /** Waits until it is over, and gives itself. */
  async ended(): Promise<this> {
    await this.until(() => this.over)
    return this
  }

  async until(done: () => boolean): Promise<void> {
    await this.signal.until(
      () => (done() ? true : undefined),
      () => `the answer to go on from ${JSON.stringify(this.events)}`,
    )
  }

  ready(): void {
    this.isReady = true
    this.signal.changed()
  }

  informational(head: ResponseHead): void {
    this.hear(String(head.status))
  }

  head(head: ResponseHead): void {
    this.status = head.status
    this.lines = Array.from({ length: head.count }, (_, i) => [head.name(i), head.value(i)] as const)
    this.hear(`head ${head.status}`)
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.body += bytes.toString('latin1', start, end)
    this.signal.changed()
  }

  end(): void {
    this.finish('end')
  }

  failed(failure: OutboundFailure, untouched: boolean, detail: string): void {
    this.failure = failure
    this.detail = detail
    this.untouched = untouched
    this.finish(`failed ${failure}`)
  }

  upgraded(_head: ResponseHead, end: TunnelEnd): void {
    this.tunnel = end
    this.finish('upgraded')
  }

  sendable(): void {
    this.drains++
    this.signal.changed()
  }

  flush(): void {}

  private hear(event: string): void {
    // A word after the last one is a defect wherever it is heard.
    this.events.push(this.over ? `${event} after the end` : event)
    this.signal.changed()
  }

  private finish(event: string): void {
    this.hear(event)
    this.over = true
    this.signal.changed()
  }
}
