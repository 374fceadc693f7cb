/** The process of the upstream of WebSockets: a port in; it takes every one and answers whatever comes with a message. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'

/** RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** A text message, unmasked as a server's are (RFC 6455 §5.7). */
const HELLO = Buffer.from([0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f])

const [, , port] = process.argv
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{ "sockets": true }')
})
server.on('upgrade', (request, socket) => {
  const key = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64')
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  socket.write(`${head.join('\r\n')}\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`)
  socket.on('data', () => socket.write(HELLO))
  // Node leaves this half to us; a gateway that honours half-closed tunnels would hold on to both legs.
  socket.on('end', () => socket.end())
  socket.on('error', () => socket.destroy())
})
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 })
