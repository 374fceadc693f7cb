/** A client's connection as an upstream may be told of it: whose it is, between which ends, and when it is over. */
import type { Socket } from 'node:net'

/** Addresses as `isIP` takes them. */
export interface ConnectionEnds {
  readonly client: string
  readonly clientPort: number
  /** What the client has connected to. */
  readonly server: string
  readonly serverPort: number
}

export class ClientEnd {
  /** IPv4 dotted (also when mapped into IPv6), IPv6, or `unix`: a client of a Unix socket has none. */
  readonly address: string
  private readonly socket: Socket
  private readonly told: ConnectionEnds | null
  private acts: Set<() => void> | null = null

  /** `told`: by a load balancer in front, in the place of what the socket says. */
  constructor(socket: Socket, address: string, told: ConnectionEnds | null) {
    this.socket = socket
    this.address = address
    this.told = told
  }

  /** Null when it has none: it came through a Unix socket, or is over. */
  get ends(): ConnectionEnds | null {
    if (this.told !== null) return this.told
    const { remotePort, localAddress, localPort } = this.socket
    if (remotePort === undefined || localAddress === undefined || localPort === undefined) return null
    return { client: this.address, clientPort: remotePort, server: plainAddress(localAddress), serverPort: localPort }
  }

  /** Calls `act` once, when the connection is over. */
  whenOver(act: () => void): void {
    if (this.socket.destroyed) return act()
    if (this.acts === null) {
      const acts = (this.acts = new Set())
      // One listener, however many have to hear of it.
      this.socket.once('close', () => acts.forEach((one) => one()))
    }
    this.acts.add(act)
  }
}

/** IPv4 dotted, also when it came as an IPv6 address that holds one. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
