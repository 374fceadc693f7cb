/** Takes from the store what has become due, whenever there is room for it: woken when something may be, and looking now and then anyway. */
import type { Clock } from '../base/clock.ts'
import type { ClaimedDelivery, Lessee, Store } from '../store/port.ts'
import { type Directory, serviceOf } from './directory.ts'

const CLAIM_MAX = 256
/** How often the store is asked for what is due when nothing says that something is. */
const POLL_MS = 1_000

export interface ClaimsDeps {
  readonly store: Store
  readonly lessee: Lessee
  readonly clock: Clock
  readonly directory: () => Directory
  /** How many more may be held. */
  readonly room: () => number
  /** Endpoints to which nothing is to be claimed now. */
  readonly except: () => string[]
  /** What was claimed and is not to be attempted after all. */
  readonly giveBack: (claimed: readonly ClaimedDelivery[]) => void
  readonly take: (claimed: ClaimedDelivery) => void
  readonly failed: (error: unknown) => void
}

export class Claims {
  private readonly deps: ClaimsDeps
  private stopping = false
  /** The claim in progress, and whether something has become due since it looked. */
  private claiming: Promise<void> | null = null
  private again = false
  /** The time of the armed timer. */
  private wakeAt = Number.POSITIVE_INFINITY
  private wakeTimer: NodeJS.Timeout | undefined

  constructor(deps: ClaimsDeps) {
    this.deps = deps
  }

  /** Something may have become due, or there is room again. */
  wake(): void {
    this.again = true
    if (this.stopping) return
    this.claiming ??= this.claim()
  }

  /** Something becomes due at this time. */
  wakeBy(at: number): void {
    if (at >= this.wakeAt || this.stopping) return
    this.wakeAt = at
    clearTimeout(this.wakeTimer)
    const onTime = () => {
      this.wakeAt = Number.POSITIVE_INFINITY
      this.wake()
    }
    this.wakeTimer = setTimeout(onTime, Math.max(0, at - this.deps.clock.now()))
  }

  /** Resolves when nothing is being claimed any more. */
  async stop(): Promise<void> {
    this.stopping = true
    clearTimeout(this.wakeTimer)
    await this.claiming
  }

  /** One at a time; whoever wakes us meanwhile is served by another round of this one. */
  private async claim(): Promise<void> {
    const { store, clock, except, failed } = this.deps
    let next: number | null = null
    try {
      while (this.again && !this.stopping) {
        this.again = false
        await this.claimWhatIsDue()
        // What is for endpoints without room is left out: it is claimed when there is some.
        if (!this.stopping) next = await store.nextDue(except())
      }
    } catch (error) {
      failed(error)
    }
    this.claiming = null
    this.wakeBy(Math.min(next ?? Number.POSITIVE_INFINITY, clock.now() + POLL_MS))
  }

  private async claimWhatIsDue(): Promise<void> {
    const { store, lessee, clock, room, except, take } = this.deps
    for (let some = true; some && !this.stopping;) {
      const due = await store.claim(lessee, Math.min(CLAIM_MAX, room()), clock.now(), except())
      await this.learn(due)
      for (const one of due) take(one)
      some = due.length > 0
    }
  }

  /**
   * Another process may have made an endpoint that this engine has not heard of: the store knows. What cannot be asked for is given
   * back, and the claim fails.
   */
  async learn(claimed: readonly ClaimedDelivery[]): Promise<void> {
    if (this.stopping) return // they are given back
    const { store, giveBack } = this.deps
    const directory = this.deps.directory()
    const isUnknown = (id: string) => serviceOf(id) === null && directory.endpoint(id) === null
    const consumers = new Map<string, string>()
    for (const { delivery, message } of claimed) {
      if (message.consumerId !== null && isUnknown(delivery.endpointId))
        consumers.set(delivery.endpointId, message.consumerId)
    }
    if (consumers.size === 0) return
    try {
      const asked = [...consumers].map(([id, consumerId]) => store.getEndpoint(consumerId, id))
      const found = (await Promise.all(asked)).filter((one) => one !== null)
      directory.apply({ endpoints: found.filter(({ id }) => consumers.has(id) && isUnknown(id)) })
    } catch (error) {
      giveBack(claimed)
      throw error
    }
  }
}
