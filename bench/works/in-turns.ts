/** A work whose servers all stand at once and are measured one after the other, round by round. */
import { makeCertificate } from '../certificate.ts'
import { Refusal, note, requirePrograms } from '../machine.ts'
import { turns } from '../options.ts'
import { parityFault, probe } from '../parity.ts'
import type { Ground, Peer, Running, Upstream } from '../peers/peer.ts'
import { end, temporaryFolder } from '../processes.ts'
import { median, medianRatio } from '../statistics.ts'
import { figure } from '../table.ts'
import type { Column, Section, SectionRow } from './section.ts'
import { judge } from './target.ts'
import type { Rounds, Target } from './target.ts'
import type { How, Work } from './work.ts'

/** One server's turn in one round. */
export interface Turn<K extends string> {
  readonly figures: Readonly<Record<K, number>>
  /** Requests refused or broken; any makes the server's row invalid. */
  readonly errors: number
}

interface KeyedColumn<K extends string> extends Column {
  readonly key: K
}

export interface InTurns<K extends string> {
  readonly name: string
  readonly title: string
  readonly peers: readonly Peer[]
  /** The first is the figure that the ratio to `base` is taken of. */
  readonly columns: readonly [KeyedColumn<K>, ...ReadonlyArray<KeyedColumn<K>>]
  readonly base: Peer
  readonly targets: ReadonlyArray<Target<K>>
  /** Whether the servers speak TLS. */
  readonly tls?: boolean
  startUpstream(): Promise<Upstream>
  /** Called once, when all servers are warm. */
  prepare?(servers: readonly Running[]): Promise<void>
  turn(running: Running, seconds: number): Promise<Turn<K>>
}

interface Entrant<K extends string> {
  readonly name: string
  readonly running: Running | null
  readonly rounds: Array<Turn<K>>
  /** Why there is nothing to measure, or no more. */
  reason?: string
  broken?: boolean
}

const WARM_UP_SECONDS = 2

export function inTurns<K extends string>(spec: InTurns<K>): Work {
  return { name: spec.name, peers: spec.peers, run: (how) => run(spec, how) }
}

async function run<K extends string>(spec: InTurns<K>, how: How): Promise<Section> {
  const upstream = await spec.startUpstream()
  const tls = spec.tls === true ? { certificate: makeCertificate(temporaryFolder()) } : {}
  const expected = await probe(`http://127.0.0.1:${upstream.port}`, {})
  const entrants: Array<Entrant<K>> = []
  for (const peer of spec.peers.filter((peer) => how.wants(peer))) {
    entrants.push(await enter(peer, { folder: temporaryFolder(), upstream, ...tls }, expected))
  }
  const turn = async (entrant: Entrant<K>, running: Running, seconds: number) => {
    try {
      return await spec.turn(running, seconds)
    } catch (error) {
      Object.assign(entrant, { reason: firstLine(error), broken: true })
      return null
    }
  }
  for (const entrant of measurable(entrants)) {
    note(`${spec.name}: warm-up of ${entrant.name}`)
    await turn(entrant, entrant.running, WARM_UP_SECONDS)
  }
  await spec.prepare?.(measurable(entrants).map(({ running }) => running))
  for (let round = 0; round < how.rounds; round++) {
    for (const entrant of turns(measurable(entrants), round)) {
      const result = await turn(entrant, entrant.running, how.seconds)
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

async function enter<K extends string>(peer: Peer, ground: Ground, expected: string): Promise<Entrant<K>> {
  const { name } = peer
  try {
    requirePrograms(peer.programs ?? [])
    const running = await peer.start(ground)
    const fault = await parityFault(running, expected)
    if (fault === null) return { name, running, rounds: [] }
    await end(running.launched)
    return { name, running: null, rounds: [], reason: fault, broken: true }
  } catch (error) {
    return { name, running: null, rounds: [], reason: firstLine(error), broken: !(error instanceof Refusal) }
  }
}

function measurable<K extends string>(entrants: ReadonlyArray<Entrant<K>>) {
  return entrants.filter(
    (each): each is Entrant<K> & { running: Running } => each.running !== null && each.reason === undefined,
  )
}

function section<K extends string>(spec: InTurns<K>, entrants: ReadonlyArray<Entrant<K>>): Section {
  const rounds: Rounds<K> = ({ name }, key) => {
    const entrant = entrants.find((each) => each.name === name)
    if (entrant === undefined || entrant.reason !== undefined || errorsOf(entrant) > 0) return []
    return entrant.rounds.map(({ figures }) => figures[key])
  }
  const { key } = spec.columns[0]
  const row = (entrant: Entrant<K>): SectionRow => ({
    server: entrant.name,
    figures: [
      medianRatio(rounds(entrant, key), rounds(spec.base, key)),
      ...spec.columns.map(({ key }) => median(entrant.rounds.map(({ figures }) => figures[key]))),
    ],
    errors: errorsOf(entrant),
    rounds: entrant.rounds.map(({ figures }) => figures),
    ...(entrant.reason === undefined ? {} : { reason: entrant.reason, broken: entrant.broken === true }),
  })
  return {
    work: spec.name,
    title: spec.title,
    columns: [{ title: `to ${spec.base.name}`, decimals: 2 }, ...spec.columns],
    rows: entrants.map(row),
    verdicts: spec.targets.map((target) => judge(target, rounds)),
  }
}

function errorsOf<K extends string>(entrant: Entrant<K>): number {
  return entrant.rounds.reduce((sum, { errors }) => sum + errors, 0)
}

/** Of what a person should read in a table; the rest is on the process's own streams. */
function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n').slice(0, 3).join(' ').trim()
}
