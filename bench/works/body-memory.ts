/** One body of 1 GB that is read more slowly than it could pass: how much memory grows meanwhile. */
import { underWrk } from '../loads/cpu-per-request.ts'
import { runTransfer } from '../loads/transfer.ts'
import { nginx } from '../peers/nginx.ts'
import { postern } from '../peers/postern.ts'
import { startFiles, startSink } from '../peers/upstream.ts'
import { alone } from './alone.ts'
import { peakBytes, settledBytes } from './resident.ts'
import type { Work } from './work.ts'

const MEGABYTE = 1024 * 1024
const GIGABYTE = 1024 * MEGABYTE
/** MB a second: less than any of the servers carries, so that what is not held back would pile up. */
const READ_PER_SECOND = 200
const LIMIT = 32

function growth(direction: 'up' | 'down'): Work {
  const way = direction === 'up' ? 'to the upstream' : 'to the client'
  return alone<'grown' | 'before'>({
    name: `body-memory-${direction}`,
    title: `One body of 1 GB ${way}, read with ${READ_PER_SECOND} MB/s`,
    peers: [nginx, postern],
    columns: [
      { key: 'grown', title: 'grown by MB', decimals: 1 },
      { key: 'before', title: 'MB before', decimals: 1 },
    ],
    bounds: [
      { text: `memory while 1 GB passes ${way}: growth`, peer: postern, key: 'grown', limit: LIMIT, unit: 'MB' },
    ],
    startUpstream: () => (direction === 'up' ? startSink(READ_PER_SECOND) : startFiles(GIGABYTE)),
    async measure(running) {
      // As a server is that has been at work: what small requests need is not what a body needs.
      const { errors: refused } = await underWrk(running, 2)
      const before = await settledBytes(running)
      const pace = direction === 'down' ? { readPerSecond: READ_PER_SECOND } : {}
      const transfer = { direction, bodyBytes: GIGABYTE, seconds: 0, connections: 1, ...pace }
      const passing = runTransfer(running.origin, transfer)
      const peak = await peakBytes(running, passing)
      const { errors } = await passing
      return { figures: { grown: (peak - before) / MEGABYTE, before: before / MEGABYTE }, errors: errors + refused }
    },
  })
}

export const bodyMemory: readonly Work[] = [growth('down'), growth('up')]
