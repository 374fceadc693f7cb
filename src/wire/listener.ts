/** A listening socket and the connections it accepted. */
import { type AddressInfo, type Server, createServer } from 'node:net'
import type { Deadlines } from './deadlines.ts'
import { type ClientTimeouts, InboundH1 } from './inbound-h1.ts'
import type { InboundHandler } from './inbound.ts'

export interface ListenOptions {
  readonly host: string
  readonly port: number
  /** Several threads listen on the same port, each with its own accept queue. */
  readonly reusePort: boolean
}

export class Listener {
  private readonly server: Server
  private readonly connections = new Set<InboundH1>()

  constructor(handler: InboundHandler, deadlines: Deadlines, timeouts: ClientTimeouts) {
    // Half-open is allowed because a client may close its side before it has read the answer; the connection decides.
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      this.connections.add(
        new InboundH1(socket, handler, deadlines, timeouts, (connection) => this.connections.delete(connection)),
      )
    })
  }

  /** Resolves to the address it is bound to; rejects when it cannot be. */
  listen(options: ListenOptions): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen({ ...options, backlog: 4_096 }, () => {
        this.server.off('error', reject)
        const address = this.server.address()
        if (address !== null && typeof address === 'object') resolve(address)
      })
    })
  }

  get open(): number {
    return this.connections.size
  }

  /** Stops accepting, lets running exchanges finish, and resolves when all are over or `withinMs` has passed. */
  async drain(withinMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    for (const connection of this.connections) connection.drain()
    let timer: NodeJS.Timeout | undefined
    const bound = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs)
    })
    await Promise.race([closed, bound])
    clearTimeout(timer)
    for (const connection of this.connections) connection.destroy()
    await closed
  }
}
