/** The connections to one HTTP/2 origin: requests share one while it has room, and get another when it has none. */
import type { Deadlines } from '../deadlines.ts'
import type { Dialer } from '../dial.ts'
import { OutboundH2 } from './outbound-h2.ts'
import { OutboundSession, type UpstreamLimits } from './outbound-session.ts'

export class Sessions {
  private sessions: OutboundSession[] = []
  private readonly limits: UpstreamLimits = { streamsMax: 100, takesTunnels: true }
  private readonly dialer: Dialer
  private readonly deadlines: Deadlines

  constructor(dialer: Dialer, deadlines: Deadlines) {
    this.dialer = dialer
    this.deadlines = deadlines
  }

  /** `fresh` asks for a new connection: one that was there has just refused or died. */
  take(fresh: boolean): OutboundH2 {
    let session = this.sessions.find((one) => one.hasRoom && !(fresh && one.hasAnswered))
    if (session === undefined) {
      session = new OutboundSession(this.dialer, this.deadlines, this.limits, (closed) => {
        this.sessions = this.sessions.filter((one) => one !== closed)
      })
      // The newest first: older ones empty themselves and are let go.
      this.sessions.unshift(session)
    }
    return new OutboundH2(session)
  }

  get takesTunnels(): boolean {
    return this.limits.takesTunnels
  }

  get size(): number {
    return this.sessions.length
  }

  /** Takes no more requests; those that run are finished. */
  close(): void {
    for (const session of this.sessions) session.close()
  }
}
