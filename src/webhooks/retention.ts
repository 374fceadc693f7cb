/** Forgets messages and attempts whose time is over: in the background, in slices, so that nobody who writes waits for it. */
import type { Clock } from '../base/clock.ts'
import type { RetentionSpec } from '../model/gateway.ts'
import type { Log } from '../observe/log.ts'
import type { Store } from '../store/port.ts'

const LOOK_MS = 60_000
/** Some 5 ms of the store's thread, then as long a pause as lets a hundred commits through. */
const SLICE = 200
const PAUSE_MS = 50
/** One process at a time; another takes over when the lease has ended. */
const LEASE_MS = 5 * LOOK_MS

export interface RetentionDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly holder: string
  readonly rules: () => RetentionSpec
}

export class Retention {
  private readonly deps: RetentionDeps
  private timer: NodeJS.Timeout | undefined
  private stopped = false

  constructor(deps: RetentionDeps) {
    this.deps = deps
  }

  start(): void {
    this.timer = setTimeout(() => void this.look(), LOOK_MS).unref()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  private async look(): Promise<void> {
    const { clock, log, store, holder } = this.deps
    try {
      const now = clock.now()
      if (await store.takeLease('retention', holder, now, now + LEASE_MS)) await this.forget()
    } catch (error) {
      if (!this.stopped) log.error({ err: error }, 'what is too old could not be forgotten; trying again')
    }
    if (!this.stopped) this.start()
  }

  /** Everything that is too old now, and the payloads that were to be kept for less. Resolves with how many rows there were. */
  async forget(): Promise<number> {
    const { clock, store, rules } = this.deps
    const before = (ms: number) => (ms === 0 ? Number.NEGATIVE_INFINITY : clock.now() - ms)
    const purged = await this.inSlices(() => {
      const { messagesMs, attemptsMs } = rules()
      return store.purge({ messagesBefore: before(messagesMs), attemptsBefore: before(attemptsMs), limit: SLICE })
    })
    return purged + (await this.inSlices(() => store.expungeDue(clock.now(), SLICE)))
  }

  private async inSlices(slice: () => Promise<number>): Promise<number> {
    let all = 0
    for (let some = SLICE; some === SLICE && !this.stopped;) {
      some = await slice()
      all += some
      if (some === SLICE) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    return all
  }
}
