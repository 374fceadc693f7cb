/** The process of the node:http + undici peer: port and upstream in; the proxy that one writes in twenty lines, without a log. */
import { createServer } from 'node:http'
import { pipeline } from 'node:stream'
import { Pool } from 'undici'

/** Of this connection, not of the message (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'host'])

const [, , port, upstream] = process.argv
const pool = new Pool(upstream!)

createServer((request, response) => {
  const { method = 'GET', url = '/' } = request
  const bodiless = method === 'GET' || method === 'HEAD'
  const sent = { path: url, method, headers: forwarded(request.headers), body: bodiless ? null : request }
  pool.request(sent).then(
    ({ statusCode, headers, body }) => {
      // The client may have gone meanwhile; a pipeline to what is destroyed throws.
      if (response.destroyed) return void body.destroy()
      response.writeHead(statusCode, forwarded(headers))
      pipeline(body, response, () => {})
    },
    () => response.writeHead(502).end(),
  )
}).listen(Number(port), '127.0.0.1')

function forwarded<V>(headers: Readonly<Record<string, V>>): Record<string, V> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)))
}
