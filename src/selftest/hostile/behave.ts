/** The upstream of an attack: answers each request as its target asks, well or badly. */
import type { Socket } from 'node:net'
import type { RecordedConnection, RecordedRequest, Script } from '../recording-upstream.ts'
import { BEHAVIOURS, type Behaviour } from './exchanges.ts'

const LARGE_BYTES = 200_000
const SLOW_MS = 20
const SMUGGLED = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled'
const ACCEPTED =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'

/** `onRequest` sees every whole request before it is answered. */
export function hostileScript(onRequest: (request: RecordedRequest) => void): Script {
  return {
    onHead: (socket, start) => {
      if (behaviourIn(start.target) === 'early') write(socket, head(200, 5) + (start.method === 'HEAD' ? '' : 'early'))
    },
    answer: (socket, _, connection) => {
      const { last } = connection
      if (last === null) return
      onRequest(last)
      ANSWERS[behaviourIn(last.target)](socket, last, connection)
    },
  }
}

function behaviourIn(target: string): Behaviour {
  const name = /\/h\/[^/]*\/([a-z-]+)/.exec(target)?.[1]
  return BEHAVIOURS.find((behaviour) => behaviour === name) ?? 'echo'
}

type Answer = (socket: Socket, request: RecordedRequest, connection: RecordedConnection) => void

const echo: Answer = (socket, { method, target }) =>
  write(socket, head(200, target.length) + (method === 'HEAD' ? '' : target))

const ANSWERS: Readonly<Record<Behaviour, Answer>> = {
  echo,
  chunks: (socket, { method, target }) => {
    const half = target.length >> 1
    const body = [target.slice(0, half), target.slice(half)].map((one) => `${one.length.toString(16)};x\r\n${one}\r\n`)
    const start = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n'
    write(socket, method === 'HEAD' ? start : `${start}${body.join('')}0\r\nT: u\r\n\r\n`)
  },
  slow: (socket, { method, target }) => {
    const bytes = head(200, target.length) + (method === 'HEAD' ? '' : target)
    const pieces = [bytes.slice(0, 9), bytes.slice(9, -4), bytes.slice(-4)]
    for (const [i, piece] of pieces.entries()) setTimeout(() => write(socket, piece), i * SLOW_MS)
  },
  silent: () => {},
  garbage: (socket, { target }) => write(socket, `${target}\r\n\r\n${target}`),
  large: (socket, { method, target }) => {
    const body = target.repeat(Math.ceil(LARGE_BYTES / target.length))
    write(socket, head(200, body.length) + (method === 'HEAD' ? '' : body))
  },
  interim: (socket, request, connection) => {
    write(socket, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
    echo(socket, request, connection)
  },
  closes: (socket) => void socket.end(),
  'close-after': (socket, request, connection) => {
    echo(socket, request, connection)
    socket.end()
  },
  resets: (socket, { target }) =>
    void socket.write(head(200, target.length + 10) + target.slice(0, 5), 'latin1', () => socket.resetAndDestroy()),
  // It has been answered at its head.
  early: () => {},
  // In one piece: what comes later than the next request on the connection is its answer, to every gateway there is.
  behind: (socket, { method, target }) =>
    write(socket, head(200, target.length) + (method === 'HEAD' ? '' : target) + SMUGGLED),
  tunnel: (socket, request, connection) => {
    if (!request.lines.some(([name, value]) => name.toLowerCase() === 'upgrade' && value === 'websocket'))
      return echo(socket, request, connection)
    connection.tunnelled = true
    write(socket, ACCEPTED + connection.partial)
    socket.on('data', (bytes) => write(socket, bytes.toString('latin1')))
    socket.on('end', () => socket.end())
  },
}

function head(status: number, length: number): string {
  return `HTTP/1.1 ${status} OK\r\nContent-Length: ${length}\r\n\r\n`
}

function write(socket: Socket, text: string): void {
  if (socket.writable) socket.write(text, 'latin1')
}
