/** What one engine has to tell the others and the main thread of endpoints: who fails, who is well again, who asks for patience. */
import type { Clock } from '../base/clock.ts'
import type { ClaimedDelivery, Settlement } from '../store/port.ts'
import { type Ending, wantsNoMore } from './outcome.ts'

/** Of one endpoint, since the last time. */
export interface EndpointNews {
  readonly endpointId: string
  readonly consumerId: string
  /** It has taken something. */
  ok: boolean
  /** Why the last attempt failed; null when none did. */
  failure: string | null
  /** It has answered 410, or said so: nothing more is to be sent. */
  gone: boolean
  /** It asks for patience, ms; 0: it does not. */
  patienceMs: number
}

/** Nobody waits for more than this to hear of an endpoint. */
const TOGETHER_MS = 500

export class News {
  private readonly tell: (news: readonly EndpointNews[]) => void
  private readonly clock: Clock
  private readonly gathered = new Map<string, EndpointNews>()
  /** Endpoints last heard of as failing: of those that are well there is no news. */
  private readonly failing = new Set<string>()
  private toldAt = Number.NEGATIVE_INFINITY
  private timer: NodeJS.Timeout | undefined

  constructor(clock: Clock, tell: (news: readonly EndpointNews[]) => void) {
    this.clock = clock
    this.tell = tell
  }

  /** An attempt is over. What was tried by hand and failed says nothing: somebody knew why he tried. */
  ended({ message }: ClaimedDelivery, { attempt }: Settlement, ending: Ending): void {
    const { endpointId, ok, failure, trigger } = attempt
    const gone = wantsNoMore(ending)
    if (message.consumerId === null || (ok && !gone && !this.failing.has(endpointId))) return
    if (!ok && (trigger === 'manual' || NOT_ITS_FAULT.has(failure!))) return
    const news = this.of(endpointId, message.consumerId)
    if (gone) news.gone = true
    if (ok) {
      news.ok = true
      this.failing.delete(endpointId)
      return
    }
    news.failure = failure
    this.failing.add(endpointId)
  }

  /** Endpoints that failed before this engine began, or in another one. */
  known(endpointIds: readonly string[]): void {
    for (const id of endpointIds) this.failing.add(id)
  }

  paused(endpointId: string, ms: number): void {
    this.of(endpointId, '').patienceMs = ms
    this.flush()
  }

  private of(endpointId: string, consumerId: string): EndpointNews {
    const known = this.gathered.get(endpointId)
    if (known !== undefined) return known
    const news = { endpointId, consumerId, ok: false, failure: null, gone: false, patienceMs: 0 }
    this.gathered.set(endpointId, news)
    this.timer ??= setTimeout(() => this.flush(), Math.max(0, this.toldAt + TOGETHER_MS - this.clock.elapsed())).unref()
    return news
  }

  private flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.toldAt = this.clock.elapsed()
    const news = [...this.gathered.values()]
    this.gathered.clear()
    if (news.length > 0) this.tell(news)
  }
}

/** Attempts that failed before they reached anybody who could be blamed. */
const NOT_ITS_FAULT = new Set([
  'payload-expunged',
  'endpoint-deleted',
  'endpoint-disabled',
  'no-service',
  'unsendable',
  'expired',
])
