/** A work whose servers stand one at a time, each fresh and measured once, against bounds of their own rather than a peer. */
import { note } from '../machine.ts'
import type { Peer, Running, Upstream } from '../peers/peer.ts'
import { end } from '../processes.ts'
import { figure } from '../table.ts'
import type { Verdict } from '../table.ts'
import { enter, guarded, roundsOf, rowOf } from './entrant.ts'
import type { Entrant, KeyedColumn, Turn } from './entrant.ts'
import type { Rounds } from './target.ts'
import type { Work } from './work.ts'

/** What a figure of a server may be at most. */
export interface Bound<K extends string> {
  readonly text: string
  readonly peer: Peer
  readonly key: K
  readonly limit: number
  readonly unit: string
}

export interface Alone<K extends string> {
  readonly name: string
  readonly title: string
  readonly peers: readonly Peer[]
  readonly columns: ReadonlyArray<KeyedColumn<K>>
  readonly bounds: ReadonlyArray<Bound<K>>
  startUpstream(): Promise<Upstream>
  measure(running: Running): Promise<Turn<K>>
}

export function alone<K extends string>(spec: Alone<K>): Work {
  const { name, title, peers, columns } = spec
  return {
    name,
    peers,
    async run(how) {
      const entrants: Array<Entrant<K>> = []
      for (const peer of peers.filter((peer) => how.wants(peer))) {
        note(`${name}: ${peer.name}`)
        entrants.push(await measured(spec, peer))
      }
      const rounds = roundsOf(entrants)
      const rows = entrants.map((entrant) => rowOf(entrant, columns, []))
      return { work: name, title, columns, rows, verdicts: spec.bounds.map((bound) => judge(bound, rounds)) }
    },
  }
}

async function measured<K extends string>(spec: Alone<K>, peer: Peer): Promise<Entrant<K>> {
  const upstream = await spec.startUpstream()
  const entrant = await enter<K>(peer, upstream)
  const { running } = entrant
  if (running !== null) {
    const result = await guarded(entrant, () => spec.measure(running))
    if (result !== null) entrant.rounds.push(result)
    await end(running.launched)
  }
  await end(upstream.launched)
  return entrant
}

function judge<K extends string>({ text, peer, key, limit, unit }: Bound<K>, rounds: Rounds<K>): Verdict {
  const [measured] = rounds(peer, key)
  return {
    target: `${text} ≤ ${limit} ${unit}`,
    met: measured === undefined ? null : measured <= limit,
    measured: `${figure(measured ?? Number.NaN, 1)} ${unit}`,
  }
}
