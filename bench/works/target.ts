/** What a work is to reach, as a ratio to a peer of the same rounds, and whether it does. */
import type { Named } from '../options.ts'
import { median, medianRatio } from '../statistics.ts'
import { figure } from '../table.ts'
import type { Verdict } from '../table.ts'

/** The figures of a server, round by round; none when it was not measured or had errors. */
export type Rounds<K extends string> = (peer: Named, key: K) => readonly number[]

export interface Target<K extends string> {
  /** What is divided by what. */
  readonly text: string
  readonly sense: 'at most' | 'at least'
  readonly limit: number
  /** NaN when one of the two was not measured. */
  readonly ratio: (of: Rounds<K>) => number
}

export function judge<K extends string>({ text, sense, limit, ratio }: Target<K>, of: Rounds<K>): Verdict {
  const measured = ratio(of)
  const met = sense === 'at most' ? measured <= limit : measured >= limit
  return {
    target: `${text} ${sense === 'at most' ? '≤' : '≥'} ${limit} ×`,
    met: Number.isNaN(measured) ? null : met,
    measured: `${figure(measured, 2)} ×`,
  }
}

/** One server's figure over another's. */
export function over<K extends string>(peer: Named, base: Named, key: K): Target<K>['ratio'] {
  return (of) => medianRatio(of(peer, key), of(base, key))
}

/** What one server adds to a way without it, over what another adds. */
export function added<K extends string>(peer: Named, base: Named, direct: Named, key: K): Target<K>['ratio'] {
  return (of) => {
    const without = of(direct, key)
    const adds = (server: Named) => of(server, key).map((value, round) => value - without[round]!)
    const [ours, theirs] = [adds(peer), adds(base)]
    // Where noise has made the way with a gateway shorter than without, there is nothing to divide by.
    return median(theirs.flatMap((value, round) => (value > 0 && round < ours.length ? [ours[round]! / value] : [])))
  }
}
