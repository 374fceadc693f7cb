/** What the command line is given to work with, so that every command can be tried without a process of its own. */
import picocolors from 'picocolors'
import type { Environment } from '../config/environment.ts'
import type { LoadResult } from '../config/load.ts'
import type { Explanation } from '../gateway/explain.ts'
import type { DesiredState } from '../model/gateway.ts'

export type Paint = ReturnType<typeof picocolors.createColors>

/** Standard output or standard error. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
}

/** A running Postern. */
export interface App {
  /** URLs of the listeners, in the order of the file. */
  readonly gateway: readonly string[]
  readonly admin: string
  /** Takes nothing new, finishes what runs within the bound, lets go of everything. */
  stop(withinMs: number): Promise<void>
}

/** What only the composition roots can do; they stand above the command line, and the entry connects them. */
export interface Roots {
  /** `file` is absolute. Rejects when it cannot start; `onFatal` is for what goes wrong beyond repair later. */
  readonly startApp: (options: {
    readonly file: string
    readonly env: Environment
    onFatal(error: Error): void
  }) => Promise<App>
  /** Checks a configuration text with everything that this build knows. `file` is absolute. */
  readonly loadConfig: (text: string, file: string, env: Environment) => LoadResult
  /** Compiles a checked configuration as a server would, and throws what that throws. */
  readonly rehearse: (revision: number, state: DesiredState) => unknown
  readonly explainState: (state: DesiredState, method: string, url: string) => Explanation
  /** The bearer token of the store that a configuration names, made if absent. */
  readonly tokenOf: (state: DesiredState) => Promise<string>
}

export interface Host {
  readonly env: Environment
  /** Absolute path of the entry: what a child process is started with. */
  readonly entry: string
  readonly version: string
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: Output
  readonly stderr: Output
  /** Loads them: they bring everything with them, which `postern --help` does not need. */
  roots(): Promise<Roots>
  /** Ends the process at once, nothing finished. */
  exitNow(code: number): void
}

/** Colours for an output: on a terminal that has them, unless NO_COLOR or FORCE_COLOR say otherwise. */
export function paintFor(output: Output, env: Environment): Paint {
  const wanted = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0'
  const onTerminal = output.isTTY === true && env['TERM'] !== 'dumb'
  return picocolors.createColors(!env['NO_COLOR'] && (wanted || onTerminal))
}
