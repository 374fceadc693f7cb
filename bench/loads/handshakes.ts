/** Load of TLS 1.3 handshakes by `openssl s_time`: full ones, one after the other in each of several processes. */
import { LOAD_CORE } from '../machine.ts'
import { launch } from '../processes.ts'

/** So many that the server always has one to work on. */
const PROCESSES = 8

export interface HandshakeSummary {
  readonly handshakes: number
  readonly seconds: number
}

/** Rejects with what openssl said when one of its processes failed. */
export async function runHandshakes(origin: string, seconds: number): Promise<HandshakeSummary> {
  const args = ['s_time', '-connect', new URL(origin).host, '-new', '-tls1_3', '-time', `${seconds}`]
  const started = Array.from({ length: PROCESSES }, () => launch('openssl', args, LOAD_CORE))
  const begin = performance.now()
  await Promise.all(started.map(({ exited }) => exited))
  const took = (performance.now() - begin) / 1000
  const handshakes = started.reduce((sum, launched) => sum + parseHandshakes(launched.output()), 0)
  return { handshakes, seconds: took }
}

/** How many connections a process counted. Throws, with what it printed, when it ended without saying. */
export function parseHandshakes(output: string): number {
  const count = /^(\d+) connections in \d+ real seconds/m.exec(output)?.[1]
  if (count === undefined) throw new Error(`openssl s_time: ${output.trim()}`)
  return Number(count)
}
