/** A lessee's heartbeat, and the right to reclaim what the silent hold: only for one who was there to hear them all that time. */
import type { Clock } from '../base/clock.ts'
import type { Lessee, Store } from '../store/port.ts'

/** A lessee silent for this long is dead, and its leases are anybody's. */
const SILENT_MS = 5_000
/** Later than this, by either clock, a beat is the first of a new row. */
const GAP_MS = SILENT_MS / 2

/**
 * After a stall that was everybody's (a process stopped and continued, a disk that did not answer) and after a step of the wall clock
 * all others seem silent until their next beat. Whoever sees such a gap in its own row of beats therefore reclaims nothing until the
 * row is long enough again for every living one to have been heard.
 */
export class Pulse {
  private readonly store: Store
  private readonly lessee: Lessee
  private readonly clock: Clock
  /** When the row of beats without a gap began and when the last was recorded, by the monotonic clock. */
  private since = 0
  private recordedAt = Number.NEGATIVE_INFINITY
  /** The wall clock against the monotonic one at the last beat: it changes when somebody sets the clock. */
  private offset = 0

  private readonly lost: () => void

  /** `lost` hears that others have taken the leases back. */
  constructor(store: Store, lessee: Lessee, clock: Clock, lost: () => void) {
    this.lost = lost
    this.store = store
    this.lessee = lessee
    this.clock = clock
  }

  /**
   * Says that the lessee lives, then reclaims if it may. Resolves with how many deliveries were reclaimed; rejects as the store does.
   * It need not be awaited before the next: beats that pile up behind a stalled disk still say that we lived.
   */
  async beat(): Promise<number> {
    const now = this.clock.now()
    const at = this.clock.elapsed()
    const isKnown = await this.store.heartbeat(this.lessee, now)
    if (!isKnown && this.recordedAt !== Number.NEGATIVE_INFINITY) this.lost()
    if (!this.isSteady(at, now - at)) return 0
    // With the beat's own time: whoever was heard by then is not silent, however long this takes.
    return this.store.reclaim(now, SILENT_MS)
  }

  /** Adds a beat that was made `at` and has just been recorded to the row. */
  private isSteady(at: number, offset: number): boolean {
    const recordedAt = this.clock.elapsed()
    const hasGap = recordedAt - this.recordedAt > GAP_MS || recordedAt - at > GAP_MS
    if (hasGap || Math.abs(offset - this.offset) > GAP_MS) this.since = recordedAt
    this.recordedAt = recordedAt
    this.offset = offset
    return recordedAt - this.since >= SILENT_MS
  }
}
