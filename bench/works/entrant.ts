/** A server that takes part in a work: started, proved to do the job, and with what was measured of it. */
import type { Certificate } from '../certificate.ts'
import { Refusal, requirePrograms } from '../machine.ts'
import { parityFault, probe } from '../parity.ts'
import type { Peer, Running, Upstream } from '../peers/peer.ts'
import { end, temporaryFolder } from '../processes.ts'
import { median } from '../statistics.ts'
import type { Column, SectionRow } from './section.ts'
import type { Rounds } from './target.ts'

/** One server's turn in one round. */
export interface Turn<K extends string> {
  readonly figures: Readonly<Record<K, number>>
  /** Requests refused or broken; any makes the server's row invalid. */
  readonly errors: number
}

export interface KeyedColumn<K extends string> extends Column {
  readonly key: K
}

export interface Entrant<K extends string> {
  readonly name: string
  readonly running: Running | null
  readonly rounds: Array<Turn<K>>
  /** Why there is nothing to measure, or no more. */
  reason?: string
  /** The reason is a fault, not something that the machine lacks. */
  broken?: boolean
}

/** Starts a server and compares its answer with the upstream's; one that cannot take part says why. */
export async function enter<K extends string>(
  peer: Peer,
  upstream: Upstream,
  certificate?: Certificate,
): Promise<Entrant<K>> {
  const { name } = peer
  try {
    requirePrograms(peer.programs ?? [])
    const tls = certificate === undefined ? {} : { certificate }
    const running = await peer.start({ folder: temporaryFolder(), upstream, ...tls })
    const fault = await parityFault(running, await probe(`http://127.0.0.1:${upstream.port}`, {}))
    if (fault === null) return { name, running, rounds: [] }
    await end(running.launched)
    return { name, running: null, rounds: [], reason: fault, broken: true }
  } catch (error) {
    return { name, running: null, rounds: [], reason: firstLines(error), broken: !(error instanceof Refusal) }
  }
}

/** What breaks ends the server's part in this work, not the work; then it is null. */
export async function guarded<K extends string, T>(entrant: Entrant<K>, act: () => Promise<T>): Promise<T | null> {
  try {
    return await act()
  } catch (error) {
    Object.assign(entrant, { reason: firstLines(error), broken: true })
    return null
  }
}

/** The figures by server, for targets: only of those that were measured to the end without an error. */
export function roundsOf<K extends string>(entrants: ReadonlyArray<Entrant<K>>): Rounds<K> {
  return ({ name }, key) => {
    const entrant = entrants.find((each) => each.name === name)
    if (entrant === undefined || entrant.reason !== undefined || errorsOf(entrant) > 0) return []
    return entrant.rounds.map(({ figures }) => figures[key])
  }
}

/** A server's row, with what stands before its own figures. */
export function rowOf<K extends string>(
  entrant: Entrant<K>,
  columns: ReadonlyArray<KeyedColumn<K>>,
  ratios: readonly number[],
): SectionRow {
  const { name, rounds, reason, broken = false } = entrant
  return {
    server: name,
    figures: [...ratios, ...columns.map(({ key }) => median(rounds.map(({ figures }) => figures[key])))],
    errors: errorsOf(entrant),
    rounds: rounds.map(({ figures }) => figures),
    ...(reason === undefined ? {} : { reason, broken }),
  }
}

function errorsOf<K extends string>({ rounds }: Entrant<K>): number {
  return rounds.reduce((sum, { errors }) => sum + errors, 0)
}

/** As much of it as a person should read under a table. */
function firstLines(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n').slice(0, 3).join(' ').trim().slice(0, 300)
}
