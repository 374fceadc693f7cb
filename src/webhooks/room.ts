/** How much an engine holds in memory of deliveries and their payloads, and when that is enough. */
import { type Lane, RESERVE, bytesOf } from './lanes.ts'
import type { Job } from './records.ts'

/** Deliveries leased and held in memory, and their payloads. From then on an endpoint may have its reserve there and no more. */
const HELD_MAX = 10_000
const HELD_BYTES_MAX = 64 * 1_048_576
/** Of one endpoint, waiting in memory; a claim may exceed it once. */
const WAITING_MAX = 256
const WAITING_BYTES_MAX = 16 * 1_048_576
/** Room to speak of. */
const ROOM = 256

export class Room {
  held = 0
  private bytes = 0

  add(job: Job): void {
    this.held++
    this.bytes += bytesOf(job.claimed)
  }

  remove(jobs: readonly Job[]): void {
    this.held -= jobs.length
    for (const { claimed } of jobs) this.bytes -= bytesOf(claimed)
  }

  /** How many more may be taken in. */
  get left(): number {
    return Math.max(RESERVE, this.isFull ? 0 : HELD_MAX - this.held)
  }

  /** There is some again for those who found none. */
  get isRoomy(): boolean {
    return this.held <= HELD_MAX - ROOM && this.bytes <= HELD_BYTES_MAX
  }

  private get isFull(): boolean {
    return this.held >= HELD_MAX || this.bytes >= HELD_BYTES_MAX
  }

  /** With everything full, an endpoint still has its reserve: the others' patience is not its own. */
  hasRoomFor(lane: Lane): boolean {
    return this.isFull ? lane.jobs.length + lane.running < RESERVE : !isLong(lane)
  }
}

/** As much waits in it as is kept. */
export function isLong(lane: Lane): boolean {
  return lane.jobs.length >= WAITING_MAX || lane.bytes >= WAITING_BYTES_MAX
}

/** Enough of that is done for more to be fetched. */
export function isHalfDone(lane: Lane): boolean {
  return lane.jobs.length <= WAITING_MAX / 2 && lane.bytes <= WAITING_BYTES_MAX / 2
}
