/** HTTP/1.1 without TLS, a small answer: what a request costs, with policies and without, beside every peer. */
import { CONNECTIONS, REQUEST_COLUMNS, underWrk } from '../loads/cpu-per-request.ts'
import type { RequestFigure } from '../loads/cpu-per-request.ts'
import { caddy } from '../peers/caddy.ts'
import { haproxy } from '../peers/haproxy.ts'
import { nginx, nginxLua } from '../peers/nginx.ts'
import { fastify, fastifyLogging, httpProxy, nodeUndici } from '../peers/node-proxies.ts'
import { postern, posternPolicies } from '../peers/postern.ts'
import { startUpstream } from '../peers/upstream.ts'
import { inTurns } from './in-turns.ts'
import { over } from './target.ts'
import type { Target } from './target.ts'

const POLICIES = 'CPU per request with key-auth + rate-limit'

function muchLess(text: string, ours: typeof postern, peer: typeof postern): Target<RequestFigure> {
  return {
    text: `${text}, how many times as much ${peer.name} uses`,
    sense: 'at least',
    limit: 4,
    ratio: over(peer, ours, 'cpuMicros'),
  }
}

export const proxy = inTurns<RequestFigure>({
  name: 'proxy',
  title: `HTTP/1.1, ${CONNECTIONS} keep-alive connections, an answer of 212 bytes`,
  peers: [nginx, haproxy, postern, nginxLua, posternPolicies, caddy, nodeUndici, httpProxy, fastify, fastifyLogging],
  columns: REQUEST_COLUMNS,
  ratios: [{ title: 'to nginx', of: (peer) => over(peer, nginx, 'cpuMicros') }],
  targets: [
    { text: 'CPU per request to nginx', sense: 'at most', limit: 1.2, ratio: over(postern, nginx, 'cpuMicros') },
    {
      text: 'requests/s on one core to nginx',
      sense: 'at least',
      limit: 0.85,
      ratio: over(postern, nginx, 'perSecond'),
    },
    {
      text: `${POLICIES} to nginx + Lua`,
      sense: 'at most',
      limit: 1,
      ratio: over(posternPolicies, nginxLua, 'cpuMicros'),
    },
    { text: `${POLICIES} to nginx`, sense: 'at most', limit: 1.6, ratio: over(posternPolicies, nginx, 'cpuMicros') },
    ...[caddy, nodeUndici, httpProxy, fastify].map((peer) => muchLess('CPU per request', postern, peer)),
    muchLess(POLICIES, posternPolicies, fastify),
  ],
  startUpstream,
  turn: underWrk,
})
