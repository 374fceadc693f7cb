/** A work whose servers all stand at once and are measured one after the other, round by round. */
import { makeCertificate } from '../certificate.ts'
import { note } from '../machine.ts'
import { turns } from '../options.ts'
import type { Named } from '../options.ts'
import type { Peer, Running, Upstream } from '../peers/peer.ts'
import { end, temporaryFolder } from '../processes.ts'
import { figure } from '../table.ts'
import { enter, guarded, roundsOf, rowOf } from './entrant.ts'
import type { Entrant, KeyedColumn, Turn } from './entrant.ts'
import type { Section } from './section.ts'
import { judge } from './target.ts'
import type { Target } from './target.ts'
import type { How, Work } from './work.ts'

export interface InTurns<K extends string> {
  readonly name: string
  readonly title: string
  readonly peers: readonly Peer[]
  /** What stands before the columns: figures of a server in proportion to another's. */
  readonly ratios: ReadonlyArray<{ readonly title: string; readonly of: (peer: Named) => Target<K>['ratio'] }>
  readonly columns: readonly [KeyedColumn<K>, ...ReadonlyArray<KeyedColumn<K>>]
  readonly targets: ReadonlyArray<Target<K>>
  /** Whether the servers speak TLS. */
  readonly tls?: boolean
  startUpstream(): Promise<Upstream>
  /** What comes before the first round, for each server; a short turn unless it is said otherwise. */
  warmUp?(running: Running): Promise<unknown>
  turn(running: Running, seconds: number): Promise<Turn<K>>
}

const WARM_UP_SECONDS = 2

export function inTurns<K extends string>(spec: InTurns<K>): Work {
  return { name: spec.name, peers: spec.peers, run: (how) => run(spec, how) }
}

async function run<K extends string>(spec: InTurns<K>, how: How): Promise<Section> {
  const upstream = await spec.startUpstream()
  const certificate = spec.tls === true ? makeCertificate(temporaryFolder()) : undefined
  const entrants: Array<Entrant<K>> = []
  for (const peer of spec.peers.filter((peer) => how.wants(peer)))
    entrants.push(await enter(peer, upstream, certificate))
  for (const entrant of measurable(entrants)) {
    note(`${spec.name}: warm-up of ${entrant.name}`)
    await guarded(entrant, () => spec.warmUp?.(entrant.running) ?? spec.turn(entrant.running, WARM_UP_SECONDS))
  }
  for (let round = 0; round < how.rounds; round++) {
    for (const entrant of turns(measurable(entrants), round)) {
      const result = await guarded(entrant, () => spec.turn(entrant.running, how.seconds))
      if (result === null) continue
      entrant.rounds.push(result)
      const { key, decimals, title } = spec.columns[0]
      const shown = `${figure(result.figures[key], decimals)} ${title}`
      note(`${spec.name}, round ${round + 1}/${how.rounds}: ${entrant.name} ${shown}`)
    }
  }
  for (const { running } of entrants) if (running !== null) await end(running.launched)
  await end(upstream.launched)
  return section(spec, entrants)
}

function measurable<K extends string>(entrants: ReadonlyArray<Entrant<K>>) {
  type Measurable = Entrant<K> & { readonly running: Running }
  return entrants.filter((each): each is Measurable => each.running !== null && each.reason === undefined)
}

function section<K extends string>(spec: InTurns<K>, entrants: ReadonlyArray<Entrant<K>>): Section {
  const rounds = roundsOf(entrants)
  const ratios = (entrant: Named) => spec.ratios.map(({ of }) => of(entrant)(rounds))
  return {
    work: spec.name,
    title: spec.title,
    columns: [...spec.ratios.map(({ title }) => ({ title, decimals: 2 })), ...spec.columns],
    rows: entrants.map((entrant) => rowOf(entrant, spec.columns, ratios(entrant))),
    verdicts: spec.targets.map((target) => judge(target, rounds)),
  }
}
