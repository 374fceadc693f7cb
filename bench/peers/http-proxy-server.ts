/**
 * The process of the http-proxy peer: port and upstream in. Its default agent closes the upstream's connection, and with it
 * the client's, after every request; it is given one that keeps them, as its documentation offers and as everybody else does.
 */
import { Agent } from 'node:http'
import httpProxy from 'http-proxy'

const [, , port, upstream] = process.argv
const agent = new Agent({ keepAlive: true })
httpProxy.createProxyServer({ target: upstream!, agent }).listen(Number(port), '127.0.0.1')
