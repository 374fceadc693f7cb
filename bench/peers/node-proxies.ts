/** Proxies written in a few lines on Node.js, each in a process of its own, as their documentation shows them. */
import { join } from 'node:path'
import { SERVER_CORE } from '../machine.ts'
import { freePort, launch, untilListening } from '../processes.ts'
import type { Peer } from './peer.ts'

const peer = (name: string, file: string, logs = false): Peer => ({
  name,
  async start({ folder, upstream }) {
    const port = await freePort()
    const log = logs ? [join(folder, 'requests.log')] : []
    const args = [join(import.meta.dirname, file), `${port}`, `http://127.0.0.1:${upstream.port}`, ...log]
    const launched = launch(process.execPath, args, SERVER_CORE)
    await untilListening(launched, name, port)
    return { launched, origin: `http://127.0.0.1:${port}`, headers: {} }
  },
})

/** With its default, no log, and with a log of its requests to a file, as nginx and Postern keep one. */
export const fastify = peer('@fastify/http-proxy', 'fastify-server.ts')
export const fastifyLogging = peer('@fastify/http-proxy, with a log', 'fastify-server.ts', true)
export const httpProxy = peer('http-proxy', 'http-proxy-server.ts')
export const nodeUndici = peer('node:http + undici', 'undici-server.ts')
