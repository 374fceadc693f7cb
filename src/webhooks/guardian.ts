/**
 * Watches over endpoints for all engines: tells their owners when they fail and when they are well again, disables those that are gone
 * or have failed for too long, and passes on who asks for patience. On the main thread; what it knows outlives a restart.
 */
import type { Clock } from '../base/clock.ts'
import type { DeliverySpec } from '../model/gateway.ts'
import { type Endpoint, type EndpointHealth, OPERATIONAL_CONSUMER } from '../model/webhook.ts'
import type { Log } from '../observe/log.ts'
import type { ClaimedDelivery, Settlement, Store } from '../store/port.ts'
import type { EndpointNews } from './news.ts'

/** Something that the owner of the system may want to hear, as an event for the operational endpoints. */
export interface Announcement {
  readonly eventType: 'endpoint.failing' | 'endpoint.recovered' | 'endpoint.disabled' | 'message.attempt.exhausted'
  readonly data: Readonly<Record<string, unknown>>
}

/** The announcement of a delivery whose schedule is used up; null when nobody is to hear of it. */
export function exhausted({ message, delivery }: ClaimedDelivery, { attempt }: Settlement): Announcement | null {
  const { consumerId } = message
  if (consumerId === null || consumerId === OPERATIONAL_CONSUMER || attempt.trigger === 'manual') return null
  const { id, status, startedAt } = attempt
  const lastAttempt = { id, responseStatusCode: status, timestamp: new Date(startedAt).toISOString() }
  const { endpointId, messageId: msgId } = delivery
  return {
    eventType: 'message.attempt.exhausted',
    data: { appId: consumerId, endpointId, msgId, msgEventId: message.eventId, lastAttempt },
  }
}

export interface GuardianDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  rules(): DeliverySpec['disable']
  /** Engines hear of it before this resolves. */
  changed(endpoint: Endpoint): Promise<unknown>
  announce(announcement: Announcement): Promise<void>
  /** An endpoint has begun to fail: every engine is to say when it is well. */
  failing(endpointId: string): Promise<unknown>
  /** To every engine. */
  pause(endpointId: string, ms: number): Promise<unknown>
}

export class Guardian {
  private readonly deps: GuardianDeps
  private readonly failing = new Map<string, EndpointHealth>()
  /** One thing after another: of one endpoint the engines may have said both. */
  private work: Promise<void> = Promise.resolve()

  constructor(deps: GuardianDeps) {
    this.deps = deps
  }

  /** What was known when the last process ended. */
  async start(): Promise<readonly string[]> {
    for (const health of await this.deps.store.allHealth()) this.failing.set(health.endpointId, health)
    return [...this.failing.keys()]
  }

  /** An engine has news. */
  hear(news: readonly EndpointNews[]): void {
    for (const one of news) {
      if (one.patienceMs > 0) void this.deps.pause(one.endpointId, one.patienceMs)
      if (one.consumerId === '' || !(one.ok || one.gone || one.failure !== null)) continue
      this.work = this.work
        .then(() => this.judge(one))
        .catch((error: unknown) =>
          this.deps.log.error({ err: error, endpointId: one.endpointId }, 'an endpoint could not be judged'),
        )
    }
  }

  /** Somebody has changed endpoints: one that he has disabled begins anew when it is enabled. */
  changed(endpoints: readonly Endpoint[]): void {
    for (const { id, disabled } of endpoints)
      if (disabled && this.failing.has(id)) this.work = this.work.then(() => this.forget(id)).catch(() => {})
  }

  /** Resolves when everything that was heard has been judged. */
  settled(): Promise<void> {
    return this.work
  }

  private judge(news: EndpointNews): Promise<void> {
    if (news.gone) return this.disable(news, 'gone')
    return news.ok ? this.recovered(news) : this.failed(news)
  }

  private async failed(news: EndpointNews): Promise<void> {
    const { store, clock } = this.deps
    const { endpointId } = news
    const now = clock.now()
    const known = this.failing.get(endpointId) ?? { endpointId, failingSince: now, warned: 0 }
    const { afterMs, warnAfterMs } = this.deps.rules()
    // A clock that was set back makes nobody younger than he was when he began to fail.
    const age = Math.max(0, now - known.failingSince)
    // Not without a warning: two failures with nothing between them say little, however far apart.
    const isWarned = known.warned > 0 || warnAfterMs.length === 0
    if (afterMs !== 0 && age >= afterMs && isWarned) return this.disable(news, 'failing')
    const warned = Math.max(known.warned, warnAfterMs.filter((ms) => age >= ms).length)
    if (warned === known.warned && this.failing.has(endpointId)) return
    const health = { ...known, warned }
    await store.putHealth(health)
    if (!this.failing.has(endpointId)) await this.deps.failing(endpointId)
    this.failing.set(endpointId, health)
    if (warned > known.warned) await this.announce('endpoint.failing', news, { failingSince: known.failingSince })
  }

  private async recovered(news: EndpointNews): Promise<void> {
    const known = this.failing.get(news.endpointId)
    if (known === undefined) return
    await this.forget(news.endpointId)
    if (known.warned > 0) await this.announce('endpoint.recovered', news, { failingSince: known.failingSince })
  }

  private async disable(news: EndpointNews, reason: 'gone' | 'failing'): Promise<void> {
    const { store, clock, log } = this.deps
    const { consumerId, endpointId } = news
    const known = this.failing.get(endpointId)
    await this.forget(endpointId) // once it is enabled again it begins anew
    if (!(await store.disableEndpoint(consumerId, endpointId, clock.now()))) return
    const endpoint = await store.getEndpoint(consumerId, endpointId)
    if (endpoint !== null) await this.deps.changed(endpoint)
    log.warn({ endpointId, consumerId, reason }, 'an endpoint has been disabled')
    await this.announce('endpoint.disabled', news, { reason, failingSince: known?.failingSince })
  }

  private async forget(endpointId: string): Promise<void> {
    this.failing.delete(endpointId)
    await this.deps.store.deleteHealth(endpointId)
  }

  private async announce(
    eventType: Announcement['eventType'],
    { consumerId, endpointId, failure }: EndpointNews,
    { failingSince, ...more }: { readonly failingSince: number | undefined; readonly reason?: string },
  ): Promise<void> {
    if (consumerId === OPERATIONAL_CONSUMER) return // or their failing would make them fail
    const [consumer, endpoint] = await Promise.all([
      this.deps.store.getConsumer(consumerId),
      this.deps.store.getEndpoint(consumerId, endpointId),
    ])
    const since = failingSince === undefined ? null : new Date(failingSince).toISOString()
    const who = { appId: consumerId, appUid: consumer?.uid ?? null, endpointId, endpointUid: endpoint?.uid ?? null }
    await this.deps.announce({ eventType, data: { ...who, failSince: since, lastFailure: failure, ...more } })
  }
}
