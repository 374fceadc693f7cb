/** Load at a fixed rate, whatever the server does: an open loop, as users are, with latencies in microseconds. */
import { join } from 'node:path'
import { z } from 'zod'
import { LOAD_CORE } from '../machine.ts'
import type { Running } from '../peers/peer.ts'
import { launch } from '../processes.ts'
import { readSummary } from './summary.ts'

/** What paced-client.ts prints. */
const SUMMARY = z.object({
  /** Requests that were due in the recorded time and were answered. */
  perSecond: z.number(),
  p50Micros: z.number(),
  p99Micros: z.number(),
  /** Refused, broken or never answered. */
  errors: z.number(),
})

export interface Pace {
  readonly perSecond: number
  readonly seconds: number
  readonly connections: number
}

/** Rejects when the client ended without a summary. */
export async function runPaced({ origin, headers }: Running, pace: Pace): Promise<z.infer<typeof SUMMARY>> {
  const client = join(import.meta.dirname, 'paced-client.ts')
  // Young objects get so much room that collecting them is rare: its pauses would be taken for the server's.
  const node = [process.execPath, '--max-semi-space-size=128', client, origin, JSON.stringify(headers)]
  const numbers = [pace.perSecond, pace.seconds, pace.connections].map(String)
  const launched = launch('chrt', ['--idle', '0', ...node, ...numbers], LOAD_CORE)
  await launched.exited
  return SUMMARY.parse(readSummary(launched.output(), 'the paced client'))
}
