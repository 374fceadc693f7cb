/** HAProxy in front of the upstream: one thread, upstream connections shared, no log (it has none to a file). */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SERVER_CORE } from '../machine.ts'
import { freePort, launch, untilListening } from '../processes.ts'
import type { Peer } from './peer.ts'

export const haproxy: Peer = {
  name: 'HAProxy',
  programs: ['haproxy'],
  async start({ folder, upstream }) {
    const port = await freePort()
    const file = join(folder, 'haproxy.cfg')
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
frontend gateway
  bind 127.0.0.1:${port} backlog 1024
  default_backend upstream
backend upstream
  server upstream 127.0.0.1:${upstream.port}\n`,
    )
    const launched = launch('haproxy', ['-db', '-f', file], SERVER_CORE)
    await untilListening(launched, 'haproxy', port)
    return { launched, origin: `http://127.0.0.1:${port}`, headers: {} }
  },
}
