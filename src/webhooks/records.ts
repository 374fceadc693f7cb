/** Keeps what came of attempts: gathered for a moment, tried until the store has them, and one that it refuses harms no other. */
import type { Clock } from '../base/clock.ts'
import type { AttemptTrigger } from '../model/webhook.ts'
import type { Log } from '../observe/log.ts'
import { type ClaimedDelivery, type GivenBack, type Lessee, type Settlement, StoreUnavailable } from '../store/port.ts'
import type { Store } from '../store/port.ts'

const AGAIN_MS = 500
/** Attempts are recorded together: so many at once, or after so long. A crash in between attempts them again. */
const TOGETHER_MAX = 256
const TOGETHER_MS = 3
/** A delivery whose attempt the store refuses to record is not attempted again before this. */
const REFUSED_AGAIN_MS = 60_000

export interface Job {
  readonly claimed: ClaimedDelivery
  readonly trigger: AttemptTrigger
}

interface Record {
  readonly job: Job
  readonly settlement: Settlement
}

export interface RecordsDeps {
  readonly store: Store
  readonly lessee: Lessee
  readonly clock: Clock
  readonly log: Log
  /** These are recorded and no longer ours; the first of them is due again then. */
  over(jobs: readonly Job[], nextAt: number): void
}

export class Records {
  private readonly deps: RecordsDeps
  private gathered: Record[] = []
  private timer: NodeJS.Timeout | undefined
  private hurried = false
  private ended = false

  constructor(deps: RecordsDeps) {
    this.deps = deps
  }

  /** A transaction for a hundred costs little more than one for a single attempt. */
  add(job: Job, settlement: Settlement): void {
    this.gathered.push({ job, settlement })
    if (this.gathered.length >= TOGETHER_MAX || this.hurried) this.flush()
    else this.timer ??= setTimeout(() => this.flush(), TOGETHER_MS)
  }

  /** From now on nothing is gathered. */
  hurry(): void {
    this.hurried = true
    this.flush()
  }

  /** From now on nothing is tried again: what is not recorded waits for our silence. */
  end(): void {
    this.ended = true
  }

  /** Unattempted: they stand where they stood. */
  giveBack(jobs: readonly Job[]): void {
    if (jobs.length > 0) void this.release(jobs.map(({ claimed }) => givenBack(claimed)))
  }

  private flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const batch = this.gathered
    this.gathered = []
    if (batch.length > 0) void this.keep(batch)
  }

  /** Until the store has them the leases are ours, and after a crash the deliveries are attempted again. */
  private async keep(batch: readonly Record[]): Promise<void> {
    try {
      await this.settle(batch.map((one) => one.settlement))
    } catch (error) {
      if (error instanceof StoreUnavailable) return // and so are we
      if (batch.length > 1) {
        for (const one of batch) await this.keep([one])
        return
      }
      await this.refused(batch[0]!, error)
    }
    const times = batch.map(({ settlement }) => settlement.nextAt ?? Number.POSITIVE_INFINITY)
    this.deps.over(
      batch.map((one) => one.job),
      Math.min(...times),
    )
  }

  private settle(settlements: readonly Settlement[]): Promise<void> {
    return this.untilAvailable(() => this.deps.store.settle(this.deps.lessee, settlements))
  }

  private async refused({ job: { claimed, trigger }, settlement }: Record, error: unknown): Promise<void> {
    const { clock, log } = this.deps
    const { deliveryId, messageId, endpointId } = settlement.attempt
    log.error({ err: error, deliveryId, messageId, endpointId }, 'the store refuses the record of an attempt')
    const later = { state: 'pending' as const, nextAt: clock.now() + REFUSED_AGAIN_MS }
    await this.release([trigger === 'manual' ? givenBack(claimed) : { messageId, endpointId, to: later }])
  }

  private async release(given: readonly GivenBack[]): Promise<void> {
    const { store, lessee, log } = this.deps
    try {
      await this.untilAvailable(() => store.release(lessee, given))
    } catch (error) {
      if (!this.ended)
        log.error({ err: error }, 'deliveries could not be given back; they wait for the end of this engine')
    }
  }

  /** Rejects with what is not for want of the store, or when we have ended. */
  private async untilAvailable(call: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await call()
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || this.ended) throw error
        this.deps.log.error({ err: error }, 'the store did not answer; trying again')
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
  }
}

function givenBack({ delivery: { messageId, endpointId }, before }: ClaimedDelivery): GivenBack {
  return { messageId, endpointId, to: before }
}
