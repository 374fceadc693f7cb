/** Large bodies, up or down, as fast as they pass. */
import { join } from 'node:path'
import { z } from 'zod'
import { LOAD_CORE } from '../machine.ts'
import { launch } from '../processes.ts'
import { readSummary } from './summary.ts'

/** What transfer-client.ts prints. */
const SUMMARY = z.object({
  /** Of bodies that passed whole. */
  bytes: z.number(),
  seconds: z.number(),
  /** Bodies that did not, and answers other than 200. */
  errors: z.number(),
})

export interface Transfer {
  readonly direction: 'up' | 'down'
  readonly bodyBytes: number
  /** 0: one body for each connection. */
  readonly seconds: number
  readonly connections: number
  /** MB a second that a download is read with; as fast as it comes when absent. */
  readonly readPerSecond?: number
}

/** Rejects when the client ended without a summary. */
export async function runTransfer(origin: string, transfer: Transfer): Promise<z.infer<typeof SUMMARY>> {
  const { direction, bodyBytes, seconds, connections, readPerSecond = Number.POSITIVE_INFINITY } = transfer
  const args = [origin, direction, ...[bodyBytes, seconds, connections, readPerSecond].map(String)]
  const launched = launch(process.execPath, [join(import.meta.dirname, 'transfer-client.ts'), ...args], LOAD_CORE)
  await launched.exited
  return SUMMARY.parse(readSummary(launched.output(), 'the transfer client'))
}
