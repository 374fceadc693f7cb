/** A thread of the shared-memory test: takes as fast as it can once all threads are there, and adds up what it was given. */
import assert from 'node:assert/strict'
import { workerData } from 'node:worker_threads'
import { systemClock } from '../base/clock.ts'
import type { RateSpec } from './port.ts'
import { sharedCounters } from './shared-memory.ts'

export interface HammerOrder {
  readonly table: SharedArrayBuffer
  /** Two words: the threads that are ready, and the takes that were allowed. */
  readonly tally: SharedArrayBuffer
  readonly threads: number
  readonly keys: readonly string[]
  readonly takesPerKey: number
  readonly rate: RateSpec
  /** The monotonic clock of the thread that gives the order. */
  readonly elapsedMs: number
}

const order: HammerOrder = workerData
assert.ok(systemClock.elapsed() >= order.elapsedMs, 'all threads share the origin of monotonic time')

const counters = sharedCounters(order.table)
const tally = new Int32Array(order.tally)
Atomics.add(tally, 0, 1)
Atomics.notify(tally, 0)
for (let seen = Atomics.load(tally, 0); seen < order.threads; seen = Atomics.load(tally, 0))
  Atomics.wait(tally, 0, seen)

let allowed = 0
for (let i = 0; i < order.takesPerKey; i++) {
  for (const key of order.keys) if (counters.take(key, order.rate, 1000).allowed) allowed++
}
Atomics.add(tally, 1, allowed)
