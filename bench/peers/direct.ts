/** No gateway at all: the upstream itself, for what a way costs without one. */
import type { Peer } from './peer.ts'

export const direct: Peer = {
  name: 'direct',
  start: ({ upstream: { launched, port } }) =>
    Promise.resolve({ launched, origin: `http://127.0.0.1:${port}`, headers: {} }),
}
