/** `@fastify/http-proxy` in front of the upstream, in a process of its own: with a log of its requests, as the others keep, and without. */
import { join } from 'node:path'
import { SERVER_CORE } from '../machine.ts'
import { freePort, launch, untilListening } from '../processes.ts'
import type { GatewayPeer } from './gateway-peer.ts'

const peer = (name: string, logs: boolean): GatewayPeer => ({
  name,
  async start({ folder, upstreamPort }) {
    const port = await freePort()
    const server = join(import.meta.dirname, 'fastify-server.ts')
    const log = logs ? join(folder, 'requests.log') : '-'
    const launched = launch(process.execPath, [server, `${port}`, `http://127.0.0.1:${upstreamPort}`, log], SERVER_CORE)
    await untilListening(launched, name, port)
    return { launched, origin: `http://127.0.0.1:${port}`, headers: {} }
  },
})

export const fastify = peer('@fastify/http-proxy', true)
export const fastifySilent = peer('@fastify/http-proxy, no log', false)
