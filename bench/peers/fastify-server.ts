/** The process of the Fastify peer: port and upstream in, a proxy with the package's own defaults and no log out. */
import { fastifyHttpProxy } from '@fastify/http-proxy'
import { fastify } from 'fastify'

const [, , port, upstream] = process.argv
const server = fastify({ logger: false })
await server.register(fastifyHttpProxy, { upstream: upstream! })
await server.listen({ host: '127.0.0.1', port: Number(port) })
