/** The command line that the benchmarks share. */
import { parseArgs } from 'node:util'
import { Refusal } from './machine.ts'

/** A work or a server. */
export interface Named {
  readonly name: string
}

export interface Options {
  /** Times that every peer has its turn. */
  readonly rounds: number
  /** Length of one turn. */
  readonly seconds: number
  /** Beginnings of names, lower case; none is everything. */
  readonly only: readonly string[]
  readonly json: boolean
}

/**
 * Reads `process.argv`. `known` is what `--only` may name. Null when help was asked for and given;
 * throws a Refusal for what it cannot use.
 */
export function readOptions(
  command: string,
  defaults: Pick<Options, 'rounds' | 'seconds'>,
  known: readonly Named[],
): Options | null {
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
    const names = known.map(({ name }) => `\n                 ${name}`).join('')
    process.stdout.write(`Usage: ${command} [options]
  --rounds N     times that every peer has its turn (${defaults.rounds})
  --seconds N    length of one turn (${defaults.seconds})
  --only NAMES   only what has a name that starts with one of these, separated by commas:${names}
  --json         results as JSON on stdout\n`)
    return null
  }
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
  if (![rounds, seconds].every((value) => Number.isInteger(value) && value >= 1)) {
    throw new Refusal('--rounds and --seconds are whole numbers from 1.')
  }
  const only = values.only
    .toLowerCase()
    .split(',')
    .filter((start) => start !== '')
  const unknown = only.filter((start) => !known.some((each) => begins(each, start)))
  if (unknown.length > 0) {
    throw new Refusal(`--only knows no ${unknown.join(', ')}, but: ${known.map(({ name }) => name).join(' · ')}`)
  }
  return { rounds, seconds, only, json: values.json }
}

/** Those that `--only` names; all of them when it names none of them, as then it speaks of something else. */
export function select<N extends Named>(all: readonly N[], only: readonly string[]): readonly N[] {
  const named = all.filter((each) => only.some((start) => begins(each, start)))
  return named.length === 0 ? all : named
}

function begins({ name }: Named, start: string): boolean {
  return name.toLowerCase().replace('@', '').startsWith(start.replace('@', ''))
}

/** The peers in the order of one round: another begins each, so that none is always the one after the slowest. */
export function turns<E>(entrants: readonly E[], round: number): readonly E[] {
  const first = round % entrants.length
  return [...entrants.slice(first), ...entrants.slice(0, first)]
}
