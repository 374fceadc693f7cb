/** Resident memory of a server's processes as it settles and as it grows. */
import { setTimeout as sleep } from 'node:timers/promises'
import { residentBytes } from '../accounting.ts'
import type { Running } from '../peers/peer.ts'

const SAMPLE_MS = 100
const SETTLE_LIMIT_MS = 20_000
/** Settled: so many seconds in which it moves by less than a hundredth. */
const QUIET_SECONDS = 3
const QUIET_SHARE = 0.01

/** Waits until it moves no more; at most 20 s, then as it is. */
export async function settledBytes({ launched }: Running): Promise<number> {
  const last: number[] = []
  const deadline = performance.now() + SETTLE_LIMIT_MS
  for (;;) {
    last.push(residentBytes([launched.pid]))
    const recent = last.slice(-QUIET_SECONDS - 1)
    const [least, most] = [Math.min(...recent), Math.max(...recent)]
    const quiet = recent.length > QUIET_SECONDS && most - least <= QUIET_SHARE * most
    if (quiet || performance.now() > deadline) return recent.at(-1)!
    await sleep(1000)
  }
}

/** The most it takes while something runs. */
export async function peakBytes({ launched }: Running, during: Promise<unknown>): Promise<number> {
  let most = 0
  const sample = setInterval(() => {
    most = Math.max(most, residentBytes([launched.pid]))
  }, SAMPLE_MS)
  try {
    await during
  } finally {
    clearInterval(sample)
  }
  return Math.max(most, residentBytes([launched.pid]))
}
