/** Connections that wait: how much resident memory of the server each of them takes. */
import { holdIdle } from '../loads/idle.ts'
import type { IdleKind } from '../loads/idle.ts'
import { filesMax } from '../machine.ts'
import { nginx } from '../peers/nginx.ts'
import { postern } from '../peers/postern.ts'
import { startUpstream, startWebSockets } from '../peers/upstream.ts'
import { alone } from './alone.ts'
import { settledBytes } from './resident.ts'
import type { Work } from './work.ts'

const WANTED = 10_000
const WARM_UP = 1000
/** Files that a server has open besides. */
const OTHER_FILES = 500
const KILOBYTE = 1024

/** Fewer where the machine's limit of open files does not allow as many. */
function idle(kind: IdleKind, title: string, limit: number): Work {
  const legs = kind === 'websocket' ? 2 : 1
  const count = Math.min(WANTED, Math.floor((filesMax() - OTHER_FILES) / legs))
  const few = count < WANTED ? ` (of ${WANTED}: no more files may be open)` : ''
  return alone<'each' | 'before' | 'held'>({
    name: `idle-${kind}`,
    title: `${count} idle ${title}${few}`,
    peers: [nginx, postern],
    columns: [
      { key: 'each', title: 'KB each', decimals: 1 },
      { key: 'held', title: 'held', decimals: 0 },
      { key: 'before', title: 'MB before', decimals: 1 },
    ],
    bounds: [{ text: `idle ${title}: memory of each`, peer: postern, key: 'each', limit, unit: 'KB' }],
    startUpstream: kind === 'websocket' ? startWebSockets : startUpstream,
    async measure(running) {
      const { errors: refused } = await (await holdIdle(running.origin, kind, WARM_UP)).release()
      const before = await settledBytes(running)
      const connections = await holdIdle(running.origin, kind, count)
      const after = await settledBytes(running)
      const { held, errors } = await connections.release()
      const each = (after - before) / held / KILOBYTE
      return { figures: { each, held, before: before / KILOBYTE / KILOBYTE }, errors: errors + refused }
    },
  })
}

export const idleConnections: readonly Work[] = [
  idle('keep-alive', 'keep-alive connections', 12),
  idle('websocket', 'WebSockets', 24),
]
