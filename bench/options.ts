/** The command line that the benchmarks share. */
import { parseArgs } from 'node:util'
import { Refusal } from './machine.ts'

export interface Options {
  /** Times that every peer has its turn. */
  readonly rounds: number
  /** Length of one turn. */
  readonly seconds: number
  /** Beginnings of peers' names, lower case; `['']` is every peer. */
  readonly only: readonly string[]
  readonly json: boolean
}

/** Reads `process.argv`. Null when help was asked for and given; throws a Refusal for what it cannot use. */
export function readOptions(command: string, defaults: Pick<Options, 'rounds' | 'seconds'>): Options | null {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: `${defaults.rounds}` },
      seconds: { type: 'string', default: `${defaults.seconds}` },
      only: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(`Usage: ${command} [options]
  --rounds N     times that every peer has its turn (${defaults.rounds})
  --seconds N    length of one turn (${defaults.seconds})
  --only NAMES   only peers whose name starts with one of these, separated by commas
  --json         results as JSON on stdout\n`)
    return null
  }
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
  if (![rounds, seconds].every((value) => Number.isInteger(value) && value >= 1)) {
    throw new Refusal('--rounds and --seconds are whole numbers from 1.')
  }
  return { rounds, seconds, only: values.only.toLowerCase().split(','), json: values.json }
}

/** The peers that `--only` names. Throws a Refusal when it names none. */
export function select<P extends { readonly name: string }>(
  peers: readonly P[],
  only: readonly string[],
): readonly P[] {
  const selected = peers.filter(({ name }) =>
    only.some((start) => name.toLowerCase().replace('@', '').startsWith(start)),
  )
  if (selected.length === 0) throw new Refusal(`--only knows: ${peers.map(({ name }) => name).join(' · ')}`)
  return selected
}

/** The peers in the order of one round: another begins each, so that none is always the one after the slowest. */
export function turns<E>(entrants: readonly E[], round: number): readonly E[] {
  const first = round % entrants.length
  return [...entrants.slice(first), ...entrants.slice(0, first)]
}
