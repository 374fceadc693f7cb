/** The process of the upstream that takes large bodies: a port and perhaps the MB a second it reads in; it reads each to its end and says how long it was. */
import { createServer } from 'node:http'
import { Pace } from '../loads/pace.ts'

const [, , port, readPerSecond] = process.argv
const slow = new Pace(Number(readPerSecond))
// 100 MB may take as long as they take.
const server = createServer({ requestTimeout: 0, keepAliveTimeout: 3_600_000 }, (request, response) => {
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    slow.read(request, chunk.length)
  })
  request.once('end', () => {
    const body = `{ "bytes": ${bytes} }`
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
  })
})
server.listen(Number(port), '127.0.0.1')
