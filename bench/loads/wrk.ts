/** Load by wrk: a closed loop of keep-alive connections in one thread, its summary read as data. */
import { join } from 'node:path'
import { z } from 'zod'
import { launch } from '../processes.ts'
import type { Launched } from '../processes.ts'
import { readSummary } from './summary.ts'

/** What summary.lua prints. */
const SUMMARY = z.object({
  /** Requests answered, whatever the status. */
  requests: z.number(),
  seconds: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  /** Answers outside 2xx and 3xx. */
  refused: z.number(),
  /** Connections that failed, broke or waited longer than wrk's limit. */
  broken: z.number(),
})
export type LoadSummary = z.infer<typeof SUMMARY>

export interface Load {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  readonly seconds: number
  readonly core?: number
  /** publish.lua (with its arguments) in place of the same GET over and over. */
  readonly publish?: readonly string[]
}

export function startLoad(load: Load): Launched {
  const headers = Object.entries(load.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const shape = ['-t', '1', '-c', `${load.connections}`, '-d', `${load.seconds}s`, '--timeout', '30s']
  const script = join(import.meta.dirname, load.publish === undefined ? 'summary.lua' : 'publish.lua')
  return launch('wrk', [...shape, '-s', script, ...headers, load.url, '--', ...(load.publish ?? [])], load.core)
}

/** Runs the load to its end. */
export async function runLoad(load: Load): Promise<LoadSummary> {
  const wrk = startLoad(load)
  await wrk.exited
  return parseSummary(wrk.output())
}

/** What summary.lua printed. Throws when wrk ended without. */
export function parseSummary(output: string): LoadSummary {
  return SUMMARY.parse(readSummary(output, 'wrk'))
}
