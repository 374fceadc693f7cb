/** A listening socket and the connections it accepted, in clear or behind TLS. */
import { chmodSync } from 'node:fs'
import { type AddressInfo, type BlockList, type Server, type Socket, createServer } from 'node:net'
import { includes, networkOf, networkSet } from '../base/networks.ts'
import { type Problem, PROBLEMS } from '../base/problem.ts'
import { ClientEnd, type ConnectionEnds, plainAddress } from './client-end.ts'
import type { ClientTls } from './client-tls.ts'
import type { Deadlines } from './deadlines.ts'
import { InboundSession } from './h2/inbound-session.ts'
import { InboundH1 } from './inbound-h1.ts'
import type { ClientTimeouts, InboundHandler } from './inbound.ts'
import { readPreface } from './proxy-preface.ts'
import { putBack } from './put-back.ts'
import type { Taken } from './reading.ts'
import type { TlsServer } from './tls-server.ts'
import { turnAway } from './turn-away.ts'

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

/** Counts connections, and says whether there may be one more. */
export interface Admission {
  enter(): boolean
  leave(): void
  /** By address, or network of addresses. */
  enterClient(client: string): boolean
  leaveClient(client: string): void
}

export interface ListenerOptions {
  /** Null: any number of connections. */
  readonly admission: Admission | null
  /** Networks whose connections begin with a PROXY protocol header; on a Unix socket every one does. Null: none. */
  readonly proxyProtocol: readonly string[] | null
  /** With it the listener speaks nothing else. */
  readonly tls: TlsServer | null
}

/** When TCP begins to ask whether a silent client is still there: else one that vanished in a stream or tunnel is never missed. */
const KEEP_ALIVE_MS = 60_000

/** Connections that are turned away are answered, unless so many are that the answers would cost what the cap is to save. */
const TURNED_AWAY_MAX = 256

const NOTHING = Buffer.alloc(0)

/** What a client is called that came through a Unix socket: it has no address. */
const UNIX_PEER = 'unix'

/** A client's connection, whatever it speaks. */
interface Connection {
  /** No new request: it closes when what runs is answered. */
  drain(): void
  /** Ends it now, whatever runs. */
  destroy(): void
}

export class Listener {
  /** Told of every connection, when it is set. */
  accepted: (() => void) | null = null
  private readonly server: Server
  private readonly handler: InboundHandler
  private readonly deadlines: Deadlines
  private readonly timeouts: ClientTimeouts
  private readonly admission: Admission | null
  private readonly proxied: BlockList | null
  private readonly tls: TlsServer | null
  private readonly connections = new Set<Connection>()
  /** Those that are no connection of ours yet, or will never be. */
  private readonly strangers = new Set<Socket>()
  private isUnix = false
  private draining = false

  constructor(handler: InboundHandler, deadlines: Deadlines, timeouts: ClientTimeouts, options: ListenerOptions) {
    this.handler = handler
    this.deadlines = deadlines
    this.timeouts = timeouts
    this.admission = options.admission
    this.tls = options.tls
    this.proxied = options.proxyProtocol === null ? null : networkSet(options.proxyProtocol)
    // Half-open is allowed because a client may close its side before it has read the answer; the connection decides.
    const server = { allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }
    this.server = createServer(server, (socket) => this.accept(socket))
  }

  private accept(socket: Socket): void {
    this.accepted?.()
    const address = this.isUnix ? UNIX_PEER : addressOf(socket)
    const { admission, proxied, strangers } = this
    if (admission !== null) {
      if (!admission.enter()) return this.turnAway(socket, address, PROBLEMS.tooManyConnections)
      socket.on('close', () => admission.leave())
    }
    if (proxied === null || !(this.isUnix || includes(proxied, address)))
      return this.admit(socket, address, null, NOTHING)
    strangers.add(socket)
    readPreface(socket, this.deadlines, {
      read: (told, early) => {
        strangers.delete(socket)
        this.admit(socket, told?.client ?? address, told, early)
      },
      failed: (reason) => {
        strangers.delete(socket)
        if (reason === 'no-request') this.handler.unused(address)
        else this.handler.turnedAway(address, reason, 0)
      },
    })
  }

  /** The client is known: serves it, if it may have another connection. */
  private admit(socket: Socket, address: string, told: ConnectionEnds | null, early: Buffer): void {
    const { admission } = this
    if (admission !== null) {
      const client = networkOf(address)
      if (!admission.enterClient(client)) return this.turnAway(socket, address, PROBLEMS.clientConnections)
      socket.on('close', () => admission.leaveClient(client))
    }
    const { tls } = this
    const client = new ClientEnd(socket, address, told)
    if (tls === null) return this.serve(socket, client, null, early)
    if (early.length > 0) putBack(socket, early)
    tls.accept(socket, {
      secured: (secured, known) => {
        if (secured.alpnProtocol === 'h2') this.serveH2(secured, client, known, null)
        else this.serve(secured, client, known, NOTHING)
      },
      failed: (failure, detail, serverName) =>
        this.handler.unestablished({ remoteAddress: address, failure, detail, serverName }),
    })
  }

  private serve(socket: Socket, client: ClientEnd, known: ClientTls | null, early: Buffer): void {
    const { handler, deadlines, timeouts, connections } = this
    const closed = (one: Connection) => connections.delete(one)
    const connection = new InboundH1(socket, client, known, handler, deadlines, timeouts, closed)
    connection.onPreface = (taken) => this.serveH2(socket, client, known, taken)
    this.connections.add(connection)
    if (this.draining) connection.drain()
    if (early.length > 0) connection.received(early)
  }

  private serveH2(socket: Socket, client: ClientEnd, known: ClientTls | null, taken: Taken | null): void {
    const { handler, deadlines, timeouts, connections } = this
    const closed = (one: Connection) => connections.delete(one)
    const session = new InboundSession(socket, client, known, taken, handler, deadlines, timeouts, closed)
    connections.add(session)
    if (this.draining) session.drain()
  }

  private turnAway(socket: Socket, address: string, problem: Problem): void {
    const { strangers } = this
    // To a client that begins a handshake, an answer in clear is noise.
    const isAnswered = this.tls === null && strangers.size < TURNED_AWAY_MAX
    this.handler.turnedAway(address, problem.code, isAnswered ? problem.status : 0)
    if (!isAnswered) return void socket.destroy()
    strangers.add(socket)
    socket.on('close', () => strangers.delete(socket))
    turnAway(socket, problem, this.deadlines)
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
    return this.connections.size + this.strangers.size + (this.tls?.handshakes ?? 0)
  }

  /** The listening socket's number in this process; null where this Node does not show it. */
  get descriptor(): number | null {
    const handle: unknown = Reflect.get(this.server, '_handle')
    const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined
    return typeof fd === 'number' && fd >= 0 ? fd : null
  }

  /**
   * Lets running exchanges finish, each the last of its connection, goes on accepting for as long as `accepting` is pending, and
   * resolves when all are over or another `withinMs` has passed.
   */
  async drain(withinMs: number, accepting: Promise<void> = Promise.resolve()): Promise<void> {
    this.draining = true
    for (const connection of this.connections) connection.drain()
    await accepting.then(queueTaken)
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    let timer: NodeJS.Timeout | undefined
    const bound = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs)
    })
    await Promise.race([closed, bound])
    clearTimeout(timer)
    for (const socket of this.strangers) socket.destroy()
    for (const connection of this.connections) connection.destroy()
    this.tls?.destroy()
    await closed
  }
}

/** A turn of the event loop: what waits in the accept queue already is accepted, for a listening socket that closes resets it. */
function queueTaken(): Promise<void> {
  return new Promise((resolve) => void setImmediate(() => setImmediate(resolve)))
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return address !== null && typeof address === 'object'
}

/** IPv4 dotted, also when it came as an IPv6 address that holds one; empty when the client has gone already. */
function addressOf({ remoteAddress = '' }: Socket): string {
  return plainAddress(remoteAddress)
}
