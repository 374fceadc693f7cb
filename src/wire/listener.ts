/** A listening socket and the connections it accepted. */
import { chmodSync } from 'node:fs'
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import type { Deadlines } from './deadlines.ts'
import { type ClientTimeouts, InboundH1 } from './inbound-h1.ts'
import type { InboundHandler } from './inbound.ts'

/** What is listened on. */
export type ListenAt =
  | {
      readonly host: string
      readonly port: number
      /** `::` takes IPv4's connections too. */
      readonly dualStack: boolean
      /** Several threads, or processes of one user, listen on the same port, each with its own accept queue. */
      readonly reusePort: boolean
    }
  | {
      readonly path: string
      /** Permission bits. */
      readonly mode: number
    }

/** When TCP begins to ask whether a silent client is still there: else one that vanished in a stream or tunnel is never missed. */
const KEEP_ALIVE_MS = 60_000

/** What a client is called that came through a Unix socket: it has no address. */
const UNIX_PEER = 'unix'

export class Listener {
  /** Told of every connection, when it is set. */
  accepted: (() => void) | null = null
  private readonly server: Server
  private readonly connections = new Set<InboundH1>()
  private isUnix = false

  constructor(handler: InboundHandler, deadlines: Deadlines, timeouts: ClientTimeouts) {
    // Half-open is allowed because a client may close its side before it has read the answer; the connection decides.
    const options = { allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }
    this.server = createServer(options, (socket) => {
      this.accepted?.()
      const address = this.isUnix ? UNIX_PEER : addressOf(socket)
      this.connections.add(
        new InboundH1(socket, address, handler, deadlines, timeouts, (connection) =>
          this.connections.delete(connection),
        ),
      )
    })
  }

  /** Resolves to the port it is bound to (0: a Unix socket); rejects when it cannot be. */
  listen(at: ListenAt, backlog: number): Promise<number> {
    this.isUnix = 'path' in at
    const options = 'path' in at ? { path: at.path } : { ...at, ipv6Only: !at.dualStack }
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      // Exclusive: never shared through a parent process that happens to run a cluster.
      this.server.listen({ ...options, backlog, exclusive: true }, () => {
        this.server.off('error', reject)
        if ('path' in at) chmodSync(at.path, at.mode)
        const address = this.server.address()
        resolve(isAddressInfo(address) ? address.port : 0)
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

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return address !== null && typeof address === 'object'
}

/** IPv4 dotted, also when it came as an IPv6 address that holds one; empty when the client has gone already. */
function addressOf({ remoteAddress = '' }: Socket): string {
  return remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress
}
