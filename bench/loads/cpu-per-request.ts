/** A turn under wrk: what the server's processes used for each request that was answered. */
import { cpuMicros } from '../accounting.ts'
import { LOAD_CORE } from '../machine.ts'
import type { Running } from '../peers/peer.ts'
import type { Turn } from '../works/entrant.ts'
import { runLoad } from './wrk.ts'

export const CONNECTIONS = 64

export type RequestFigure = 'cpuMicros' | 'perSecond' | 'p50Ms' | 'p99Ms'

export const REQUEST_COLUMNS = [
  { key: 'cpuMicros', title: 'CPU µs/request', decimals: 1 },
  { key: 'perSecond', title: 'requests/s', decimals: 0 },
  { key: 'p50Ms', title: 'p50 ms', decimals: 2 },
  { key: 'p99Ms', title: 'p99 ms', decimals: 2 },
] as const

export async function underWrk({ launched, origin, headers }: Running, seconds: number): Promise<Turn<RequestFigure>> {
  const before = cpuMicros([launched.pid])
  const url = `${origin}/user/profile?lang=en`
  const load = await runLoad({ url, headers, connections: CONNECTIONS, seconds, core: LOAD_CORE })
  return {
    figures: {
      cpuMicros: (cpuMicros([launched.pid]) - before) / load.requests,
      perSecond: load.requests / load.seconds,
      p50Ms: load.p50Ms,
      p99Ms: load.p99Ms,
    },
    errors: load.refused + load.broken,
  }
}
