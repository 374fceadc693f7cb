/** What the command line is given to work with, so that every command can be tried without a process of its own. */
import picocolors from 'picocolors'
import type { Environment } from '../config/environment.ts'

export type Paint = ReturnType<typeof picocolors.createColors>

/** Standard output or standard error. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export interface Host {
  readonly env: Environment
  /** Absolute path of the entry: what a child process is started with. */
  readonly entry: string
  readonly version: string
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: Output
  readonly stderr: Output
  /** Ends the process at once, nothing finished. */
  exitNow(code: number): void
}

/** Colours for an output: on a terminal that has them, unless NO_COLOR or FORCE_COLOR say otherwise. */
export function paintFor(output: Output, env: Environment): Paint {
  const wanted = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0'
  const onTerminal = output.isTTY === true && env['TERM'] !== 'dumb'
  return picocolors.createColors(!env['NO_COLOR'] && (wanted || onTerminal))
}
