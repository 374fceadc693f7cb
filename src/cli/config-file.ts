/** The configuration file that a command names: read, checked, and its faults shown. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Fault } from '../config/fault.ts'
import type { LoadResult } from '../config/load.ts'
import type { DesiredState } from '../model/gateway.ts'
import { Failure, systemCode } from './failure.ts'
import { type Host, paintFor } from './host.ts'

export const DEFAULT_FILE = 'postern.yaml'

export interface ConfigFile {
  /** Absolute. */
  readonly path: string
  /** As the user named it. */
  readonly name: string
  readonly text: string
}

/** Throws Failure when it cannot be read. */
export async function readConfigFile(name: string): Promise<ConfigFile> {
  const path = resolve(name)
  try {
    return { path, name, text: await readFile(path, 'utf8') }
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') throw new Failure(`there is no file ${name}; name the one you mean`)
    if (code === 'EISDIR') throw new Failure(`${name} is a folder; name the file in it`)
    throw new Failure(`${name} cannot be read (${code ?? String(error)})`)
  }
}

/** Also compiles what was checked: a provider's secret, say, is only read then. */
export async function checkConfigFile({ path, text, name }: ConfigFile, host: Host): Promise<LoadResult> {
  const { loadConfig, rehearse } = await import('../rehearsal.ts')
  const result = loadConfig(text, path, host.env)
  if (!result.ok) return result
  try {
    rehearse(0, result.state)
    return result
  } catch (error) {
    throw new Failure(`${name} cannot be compiled: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** What a good file says. A bad one's faults are shown on standard error, and Failure is thrown. */
export async function stateOfFile(file: ConfigFile, host: Host): Promise<DesiredState> {
  const result = await checkConfigFile(file, host)
  if (result.ok) return result.state
  await showFaults(host, file, 'error', result.faults)
  throw faulty(file, result.faults)
}

export function faulty({ name }: ConfigFile, faults: readonly Fault[]): Failure {
  return new Failure(`${name} has ${counted(faults.length, 'fault')}`)
}

export async function showFaults(
  { stderr, env }: Host,
  { name, text }: ConfigFile,
  level: 'error' | 'warning',
  faults: readonly Fault[],
): Promise<void> {
  if (faults.length === 0) return
  const { presentFaults } = await import('../config/present.ts')
  const color = paintFor(stderr, env).isColorSupported
  stderr.write(`${presentFaults(faults, { file: name, text, level, color })}\n\n`)
}

/** `1 route`, `2 routes`. */
export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
