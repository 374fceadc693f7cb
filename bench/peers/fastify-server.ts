/** The process of the Fastify peer: port, upstream and perhaps a log file in; a proxy with the package's own defaults out. */
import { fastifyHttpProxy } from '@fastify/http-proxy'
import { fastify } from 'fastify'

const [, , port, upstream, file] = process.argv
const server = fastify({ logger: file === undefined ? false : { file } })
await server.register(fastifyHttpProxy, { upstream: upstream! })
await server.listen({ host: '127.0.0.1', port: Number(port) })
