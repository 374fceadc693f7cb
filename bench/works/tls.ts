/** What TLS costs: requests on kept connections, full handshakes, and HTTP/2; all with the same ECDSA P-256 certificate. */
import { cpuMicros } from '../accounting.ts'
import { CONNECTIONS, REQUEST_COLUMNS, underWrk } from '../loads/cpu-per-request.ts'
import type { RequestFigure } from '../loads/cpu-per-request.ts'
import { runHttp2 } from '../loads/h2load.ts'
import { runHandshakes } from '../loads/handshakes.ts'
import { nginx } from '../peers/nginx.ts'
import { postern } from '../peers/postern.ts'
import { startUpstream } from '../peers/upstream.ts'
import { inTurns } from './in-turns.ts'
import { over } from './target.ts'

const PEERS = [nginx, postern]

export const tls = inTurns<RequestFigure>({
  name: 'tls',
  title: `HTTP/1.1 over TLS 1.3, ${CONNECTIONS} keep-alive connections`,
  peers: PEERS,
  tls: true,
  ratios: [{ title: 'to nginx', of: (peer) => over(peer, nginx, 'cpuMicros') }],
  columns: REQUEST_COLUMNS,
  targets: [
    {
      text: 'TLS 1.3, kept connections: CPU per request to nginx with TLS',
      sense: 'at most',
      limit: 1.5,
      ratio: over(postern, nginx, 'cpuMicros'),
    },
  ],
  startUpstream,
  turn: underWrk,
})

export const handshakes = inTurns<'perCpuSecond' | 'perSecond'>({
  name: 'handshakes',
  title: 'Full TLS 1.3 handshakes, each on a connection of its own',
  peers: PEERS,
  tls: true,
  ratios: [{ title: 'to nginx', of: (peer) => over(peer, nginx, 'perCpuSecond') }],
  columns: [
    { key: 'perCpuSecond', title: 'handshakes/CPU s', decimals: 0 },
    { key: 'perSecond', title: 'handshakes/s', decimals: 0 },
  ],
  targets: [
    {
      text: 'full handshakes per CPU second to nginx',
      sense: 'at least',
      limit: 0.6,
      ratio: over(postern, nginx, 'perCpuSecond'),
    },
  ],
  startUpstream,
  async turn({ launched, origin }, seconds) {
    const before = cpuMicros([launched.pid])
    const { handshakes, seconds: took } = await runHandshakes(origin, seconds)
    const cpuSeconds = (cpuMicros([launched.pid]) - before) / 1e6
    return { figures: { perCpuSecond: handshakes / cpuSeconds, perSecond: handshakes / took }, errors: 0 }
  },
})

const HTTP2 = { connections: 8, streams: 32 }

export const http2 = inTurns<'cpuMicros' | 'perSecond'>({
  name: 'http2',
  title: `HTTP/2 over TLS 1.3, ${HTTP2.connections} connections of ${HTTP2.streams} streams`,
  peers: PEERS,
  tls: true,
  ratios: [{ title: 'to nginx', of: (peer) => over(peer, nginx, 'cpuMicros') }],
  columns: [
    { key: 'cpuMicros', title: 'CPU µs/request', decimals: 1 },
    { key: 'perSecond', title: 'requests/s', decimals: 0 },
  ],
  targets: [
    {
      text: 'HTTP/2 over TLS: CPU per request to nginx with HTTP/2',
      sense: 'at most',
      limit: 1.7,
      ratio: over(postern, nginx, 'cpuMicros'),
    },
  ],
  startUpstream,
  async turn({ launched, origin }, seconds) {
    const before = cpuMicros([launched.pid])
    const load = await runHttp2({ url: `${origin}/user/profile?lang=en`, ...HTTP2, seconds })
    const cpu = cpuMicros([launched.pid]) - before
    return { figures: { cpuMicros: cpu / load.requests, perSecond: load.perSecond }, errors: load.errors }
  },
})
