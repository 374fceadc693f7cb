/**
 * Counters in shared memory: one table that every engine thread of the process sees, so that N engines together admit exactly
 * what the limit says.
 *
 * A key's place is a leaky bucket that counts what was taken and has not leaked out yet. That is GCRA by another name, but it
 * stays exact at any rate: a theoretical arrival time kept as milliseconds in a double has steps of 0.0002 ms after half a
 * century of epoch, a quarter of a cell at a million a second.
 *
 * Time is the newest that anybody has shown a bucket: a clock that goes back stands still there, and mints nothing.
 *
 * The table never grows. A key lives in one of the eight places its hash names; when all are taken, one that has leaked dry
 * is forgotten (nothing is lost), else the one that would be dry first: its owner gets back what it had taken, at most one
 * burst, and those who are at their limit are the last to go. With a quarter of the places live, 0.02 % of the groups
 * overflow; with half, 2 %.
 */
import { randomFillSync } from 'node:crypto'
import { KeyHash } from './key-hash.ts'
import type { Counters, RateSpec, Take } from './port.ts'

/** Places a key may be in. */
const GROUP = 8
const HEADER_BYTES = 64
const KEY_BYTES = 8
const BUCKET_BYTES = 24
const LOCK_BYTES = 4

/** Header fields, in 32-bit words. */
const AT = { groups: 0, seed0: 1, seed1: 2, users: 3 } as const

/** What rounding may have added to a level, cells. Never accumulates: levels themselves are not rounded. */
const ROUNDING = 1e-6

const SPINS = 1_000
/** A holder needs nanoseconds; one that has not finished in a hundred naps of ours died inside. */
const NAPS = 100

/**
 * The memory of a table with places for `keys` keys, 1 to 2^24, rounded up to a power of two and at least 16: 32.5 bytes each,
 * 2 MiB by default. Hand it to every engine. Throws RangeError.
 */
export function createSharedCounters(keys = 65_536): SharedArrayBuffer {
  if (!(keys >= 1 && keys <= 2 ** 24)) throw new RangeError(`A table of ${keys} counters`)
  // Two at least, so that what comes after the locks is aligned to 8 bytes.
  const groups = Math.max(2, 2 ** Math.ceil(Math.log2(keys / GROUP)))
  const buffer = new SharedArrayBuffer(HEADER_BYTES + groups * (LOCK_BYTES + GROUP * (KEY_BYTES + BUCKET_BYTES)))
  const header = new Int32Array(buffer, 0, HEADER_BYTES / 4)
  randomFillSync(header.subarray(AT.seed0, AT.seed1 + 1))
  header[AT.groups] = groups
  return buffer
}

/** This thread's view of a table. Answers at once; the result object is reused. */
export function sharedCounters(buffer: SharedArrayBuffer): SharedCounters {
  return new SharedCounters(buffer)
}

export class SharedCounters implements Counters {
  private readonly mask: number
  /** How this user signs a lock; never 0. */
  private readonly me: number
  private readonly hash: KeyHash
  /** One lock a group: 0 is free, else the holder's number. */
  private readonly locks: Int32Array<SharedArrayBuffer>
  private readonly keys: Int32Array<SharedArrayBuffer>
  /** Cells taken that have not leaked out yet, at time `last`. */
  private readonly level: Float64Array<SharedArrayBuffer>
  private readonly last: Float64Array<SharedArrayBuffer>
  /** When the bucket is dry: from then on it says no more than an unknown key. */
  private readonly dryAt: Float64Array<SharedArrayBuffer>
  private readonly result = { allowed: false, remaining: 0, resetMs: 0, retryAfterMs: 0 }

  constructor(buffer: SharedArrayBuffer) {
    const header = new Int32Array(buffer, 0, HEADER_BYTES / 4)
    const groups = header[AT.groups]!
    const places = groups * GROUP
    this.mask = groups - 1
    this.me = Atomics.add(header, AT.users, 1) + 1
    this.hash = new KeyHash(header[AT.seed0]!, header[AT.seed1]!)
    const levelsAt = HEADER_BYTES + groups * LOCK_BYTES + places * KEY_BYTES
    this.locks = new Int32Array(buffer, HEADER_BYTES, groups)
    this.keys = new Int32Array(buffer, HEADER_BYTES + groups * LOCK_BYTES, 2 * places)
    this.level = new Float64Array(buffer, levelsAt, places)
    this.last = new Float64Array(buffer, levelsAt + 8 * places, places)
    this.dryAt = new Float64Array(buffer, levelsAt + 16 * places, places)
  }

  take(key: string, rate: RateSpec, nowMs: number): Take {
    const { burst } = rate
    const perMs = rate.limit / rate.windowMs
    const { hash, result } = this
    hash.update(key)
    const group = hash.lo & this.mask

    this.lock(group)
    const place = this.find(group, hash.lo, hash.hi, nowMs)
    const now = Math.max(nowMs, this.last[place]!)
    // A limit that was lowered meanwhile counts a fuller bucket as just full.
    const leaked = Math.max(0, this.level[place]! - (now - this.last[place]!) * perMs)
    const before = Math.min(leaked, burst)
    const allowed = before + 1 <= burst + ROUNDING
    const level = allowed ? before + 1 : before
    const dryAt = now + level / perMs
    this.level[place] = level
    this.last[place] = now
    this.dryAt[place] = dryAt
    this.unlock(group)

    result.allowed = allowed
    result.remaining = Math.max(0, Math.floor(burst - level + ROUNDING))
    result.resetMs = dryAt - nowMs
    result.retryAfterMs = allowed ? 0 : now - nowMs + (level + 1 - burst) / perMs
    return result
  }

  /** The place of a key in its group: its own, or that of the bucket that is dry first, made empty. The lock is held. */
  private find(group: number, lo: number, hi: number, nowMs: number): number {
    const { keys, dryAt } = this
    const from = group * GROUP
    let driest = from
    for (let place = from; place < from + GROUP; place++) {
      if (keys[2 * place] === lo && keys[2 * place + 1] === hi) return place
      if (dryAt[place]! < dryAt[driest]!) driest = place
    }
    keys[2 * driest] = lo
    keys[2 * driest + 1] = hi
    this.level[driest] = 0
    this.last[driest] = nowMs
    return driest
  }

  private lock(group: number): void {
    if (Atomics.compareExchange(this.locks, group, 0, this.me) !== 0) this.lockContended(group)
  }

  private lockContended(group: number): void {
    const { locks, me } = this
    for (let nap = 0; ; nap++) {
      for (let spin = 0; spin < SPINS; spin++) if (Atomics.compareExchange(locks, group, 0, me) === 0) return
      const holder = Atomics.load(locks, group)
      // The dead holder may have left one bucket half written: one key counts wrongly, once.
      if (nap >= NAPS && Atomics.compareExchange(locks, group, holder, me) === holder) return
      // Lets a holder run that the operating system has set aside.
      if (holder !== 0) Atomics.wait(locks, group, holder, 1)
    }
  }

  private unlock(group: number): void {
    Atomics.compareExchange(this.locks, group, this.me, 0)
  }
}
