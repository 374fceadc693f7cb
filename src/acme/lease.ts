/** The right to do what one process at a time may do, kept by saying again and again that we are still there. */
import type { Clock } from '../base/clock.ts'
import type { Store } from '../store/port.ts'

/** A process that is gone is missed for so long. */
const LEASE_MS = 15_000
const AGAIN_MS = 5_000

export interface LeaseDeps {
  readonly store: Pick<Store, 'takeLease' | 'dropLease'>
  readonly clock: Clock
  /** Unique to this process. */
  readonly holder: string
}

export class Lease {
  private readonly deps: LeaseDeps
  private readonly name: string
  private readonly loss = new AbortController()
  private readonly timer: NodeJS.Timeout

  private constructor(deps: LeaseDeps, name: string) {
    this.deps = deps
    this.name = name
    this.timer = setInterval(() => void this.keep(), AGAIN_MS).unref()
  }

  /** Null: somebody else has it. */
  static async take(deps: LeaseDeps, name: string): Promise<Lease | null> {
    return (await taken(deps, name)) ? new Lease(deps, name) : null
  }

  /** Somebody else has it now, or nobody knows. */
  get lost(): AbortSignal {
    return this.loss.signal
  }

  async drop(): Promise<void> {
    clearInterval(this.timer)
    await this.deps.store.dropLease(this.name, this.deps.holder)
  }

  private async keep(): Promise<void> {
    if (await taken(this.deps, this.name).catch(() => false)) return
    clearInterval(this.timer)
    this.loss.abort()
  }
}

function taken({ store, clock, holder }: LeaseDeps, name: string): Promise<boolean> {
  const now = clock.now()
  return store.takeLease(name, holder, now, now + LEASE_MS)
}
