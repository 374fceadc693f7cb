/** For tests: the command line without a process of its own; what it says is kept. */
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../config/environment.ts'
import { runCli } from './program.ts'

export interface Said {
  /** The exit code. */
  readonly code: number
  readonly out: string
  readonly err: string
}

const ENTRY = fileURLToPath(new URL('../main.ts', import.meta.url))

export interface Surroundings {
  readonly env?: Environment
  readonly stdin?: string
}

/** Runs one command: the words after `postern`. */
export async function cli(args: readonly string[], { env = {}, stdin = '' }: Surroundings = {}): Promise<Said> {
  let out = ''
  let err = ''
  const code = await runCli(args, {
    env,
    entry: ENTRY,
    version: '1.2.3',
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    exitNow: (code) => {
      throw new Error(`it wanted to end at once, with ${code}`)
    },
  })
  return { code, out, err }
}
