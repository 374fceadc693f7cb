/** Sockets on loopback: a port that is free, a joined pair, and the sockets that the product opens for itself. */
import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type Server, Socket, connect, createServer } from 'node:net'

/** A free port, as a Listener is told to take one. */
export const LOOPBACK = { host: '127.0.0.1', port: 0, dualStack: false, reusePort: false }

/** A listener without caps, whose connections begin with their own bytes. */
export const FOR_ANYBODY = { admission: null, proxyProtocol: null, tls: null }

/** Listens on a free port and says which. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  return address.port
}

export interface SocketPair {
  readonly near: Socket
  readonly far: Socket
  readonly close: () => void
}

/** Either side may close its half and go on reading. */
export async function socketPair(): Promise<SocketPair> {
  const server = createServer({ allowHalfOpen: true })
  const port = await listen(server)
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const near = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const far = await accepted
  server.close()
  return {
    near,
    far,
    close: () => {
      near.destroy()
      far.destroy()
    },
  }
}

export interface SeenSockets {
  /** In the order in which they were opened. */
  readonly sockets: Socket[]
  readonly stop: () => void
}

/** Notes every socket of this process that connects (`client`) or is accepted (`server`). */
export function seeSockets(side: 'client' | 'server'): SeenSockets {
  const sockets: Socket[] = []
  const note = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('socket' in message)) return
    if (message.socket instanceof Socket) sockets.push(message.socket)
  }
  const opened = channel(`net.${side}.socket`)
  opened.subscribe(note)
  return { sockets, stop: () => opened.unsubscribe(note) }
}
