/** `@fastify/http-proxy` in front of the upstream, in a process of its own. */
import { join } from 'node:path'
import { SERVER_CORE } from '../machine.ts'
import { freePort, launch, untilListening } from '../processes.ts'
import type { GatewayPeer } from './gateway-peer.ts'

export const fastify: GatewayPeer = {
  name: '@fastify/http-proxy',
  async start({ upstreamPort }) {
    const port = await freePort()
    const server = join(import.meta.dirname, 'fastify-server.ts')
    const launched = launch(process.execPath, [server, `${port}`, `http://127.0.0.1:${upstreamPort}`], SERVER_CORE)
    await untilListening(launched, '@fastify/http-proxy', port)
    return { launched, origin: `http://127.0.0.1:${port}`, headers: {} }
  },
}
