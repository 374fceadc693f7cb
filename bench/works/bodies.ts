/** Large bodies in both directions: how many bytes a second of CPU time carries. */
import { cpuMicros } from '../accounting.ts'
import { runTransfer } from '../loads/transfer.ts'
import { nginx } from '../peers/nginx.ts'
import { postern } from '../peers/postern.ts'
import { startFiles, startSink } from '../peers/upstream.ts'
import { inTurns } from './in-turns.ts'
import { over } from './target.ts'
import type { Work } from './work.ts'

const MEGABYTE = 1024 * 1024

function bodies(direction: 'up' | 'down', megabytes: number, connections: number): Work {
  const bodyBytes = megabytes * MEGABYTE
  const way = direction === 'up' ? 'to the upstream' : 'to the client'
  return inTurns<'perCpuSecond' | 'perSecond'>({
    name: `bodies-${direction}-${megabytes}mb`,
    title: `Bodies of ${megabytes} MB ${way}, ${connections} connections`,
    peers: [nginx, postern],
    ratios: [{ title: 'to nginx', of: (peer) => over(peer, nginx, 'perCpuSecond') }],
    columns: [
      { key: 'perCpuSecond', title: 'MB/CPU s', decimals: 0 },
      { key: 'perSecond', title: 'MB/s', decimals: 0 },
    ],
    targets: [
      {
        text: `bodies of ${megabytes} MB ${way}: bytes per CPU second to nginx`,
        sense: 'at least',
        limit: 0.6,
        ratio: over(postern, nginx, 'perCpuSecond'),
      },
    ],
    startUpstream: () => (direction === 'up' ? startSink() : startFiles(bodyBytes)),
    async turn({ launched, origin }, seconds) {
      const before = cpuMicros([launched.pid])
      const { bytes, seconds: took, errors } = await runTransfer(origin, { direction, bodyBytes, seconds, connections })
      const cpuSeconds = (cpuMicros([launched.pid]) - before) / 1e6
      const passed = bytes / MEGABYTE
      return { figures: { perCpuSecond: passed / cpuSeconds, perSecond: passed / took }, errors }
    },
  })
}

export const largeBodies: readonly Work[] = [
  bodies('down', 1, 8),
  bodies('up', 1, 8),
  bodies('down', 100, 2),
  bodies('up', 100, 2),
]
