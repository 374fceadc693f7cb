/** Half load: what a gateway adds to the way when half of what it could do is asked of it. */
import { CONNECTIONS, underWrk } from '../loads/cpu-per-request.ts'
import { runPaced } from '../loads/paced.ts'
import { direct } from '../peers/direct.ts'
import { nginx } from '../peers/nginx.ts'
import { postern } from '../peers/postern.ts'
import { startUpstream } from '../peers/upstream.ts'
import { inTurns } from './in-turns.ts'
import { added } from './target.ts'

const PROBE_SECONDS = 2
/** Found out before the first round. */
let slowestPerSecond = Number.POSITIVE_INFINITY

export const latency = inTurns<'p50Micros' | 'p99Micros' | 'perSecond'>({
  name: 'latency',
  title: 'Half load: requests at the rate that is half of what the slower gateway can do, 64 connections',
  peers: [direct, nginx, postern],
  ratios: [
    { title: 'added p50 to nginx', of: (peer) => added(peer, nginx, direct, 'p50Micros') },
    { title: 'added p99 to nginx', of: (peer) => added(peer, nginx, direct, 'p99Micros') },
  ],
  columns: [
    { key: 'p50Micros', title: 'p50 µs', decimals: 0 },
    { key: 'p99Micros', title: 'p99 µs', decimals: 0 },
    { key: 'perSecond', title: 'requests/s', decimals: 0 },
  ],
  targets: [
    {
      text: 'half load: added p50 to nginx',
      sense: 'at most',
      limit: 1.2,
      ratio: added(postern, nginx, direct, 'p50Micros'),
    },
    {
      text: 'half load: added p99 to nginx',
      sense: 'at most',
      limit: 1.5,
      ratio: added(postern, nginx, direct, 'p99Micros'),
    },
  ],
  startUpstream,
  async warmUp(running) {
    await underWrk(running, PROBE_SECONDS)
    const { figures } = await underWrk(running, PROBE_SECONDS)
    slowestPerSecond = Math.min(slowestPerSecond, figures.perSecond)
  },
  async turn(running, seconds) {
    const perSecond = slowestPerSecond / 2
    const { errors, ...figures } = await runPaced(running, { perSecond, seconds, connections: CONNECTIONS })
    return { figures, errors }
  },
})
