/** Dials an origin: a TCP connection or a Unix socket, TLS on it where the origin asks for that, and why it could not be had. */
import { type Socket, connect as connectTcp } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type GuardedLookup, isBlockedError } from './address-guard.ts'
import type { Origin, OutboundFailure } from './outbound.ts'
import { tls } from './tls-options.ts'

/** One read buffer for every connection of the thread: a read is consumed before the next begins (saves 64 KiB an answer). */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536)
/** When TCP begins to ask whether a silent upstream is still there: else one that vanished behind a tunnel is never missed. */
const KEEP_ALIVE_MS = 60_000

/** Hears of one connection. */
export interface DialListener {
  /** It stands, secured and of one mind about what is spoken. */
  connected(): void
  /** It will never stand. `detail` is the system's or OpenSSL's code for why, or empty. */
  failed(failure: OutboundFailure, detail: string): void
  /** It stood, and has broken. */
  broken(): void
  /** The first `n` of `bytes` have come, valid during the call. False: read no more until `resume`. */
  received(bytes: Buffer, n: number): boolean
}

export class Dialer {
  readonly origin: Origin
  private readonly protocol: 'http/1.1' | 'h2'
  private readonly lookup: GuardedLookup | undefined

  /** `protocol` is asked for by ALPN. With `lookup` the addresses of names are judged before they are dialled. */
  constructor(origin: Origin, protocol: 'http/1.1' | 'h2', lookup: GuardedLookup | undefined) {
    this.origin = origin
    this.protocol = protocol
    this.lookup = lookup
  }

  /** `halfOpen`: an upstream that ends its side has not ended ours. */
  dial(halfOpen: boolean, listener: DialListener): Socket {
    const { origin, lookup } = this
    const options = {
      ...(origin.path === undefined ? { host: origin.host, port: origin.port } : { path: origin.path }),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      allowHalfOpen: halfOpen,
      ...(lookup === undefined ? {} : { lookup }),
      onread: { buffer: READ_BUFFER, callback: (n: number) => listener.received(READ_BUFFER, n) },
    }
    let connected = false
    const stands = () => {
      connected = true
      listener.connected()
    }
    const socket = origin.secure ? this.secure(options, stands, listener) : connectTcp(options, stands)
    return socket.on('error', (error: NodeJS.ErrnoException) => {
      if (connected) listener.broken()
      else listener.failed(failureOf(error), error.code ?? '')
    })
  }

  private secure(options: object, stands: () => void, listener: DialListener): TLSSocket {
    const { host } = this.origin
    const named = { servername: /^[\d.]+$|:/.test(host) ? '' : host, ALPNProtocols: [this.protocol] }
    const socket = tls().connect({ ...options, ...named }, () => {
      // An upstream that knows nothing of ALPN speaks HTTP/1.1 (RFC 7301 §3.1); HTTP/2 has to be agreed on (RFC 9113 §3.3).
      if (this.protocol === 'h2' && socket.alpnProtocol !== 'h2') listener.failed('tls-failed', 'no-h2')
      else stands()
    })
    return socket
  }
}

function failureOf(error: NodeJS.ErrnoException): OutboundFailure {
  if (isBlockedError(error)) return 'blocked-address'
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') return 'name-not-found'
  return error.syscall === 'connect' || error.name === 'AggregateError' ? 'connect-refused' : 'tls-failed'
}
