/** Dials an origin: a TCP connection or a Unix socket, TLS on it where the origin asks for that, and why it could not be had. */
import { lookup as dnsLookup } from 'node:dns'
import { type LookupFunction, type Socket, connect as connectTcp, isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import { type GuardedLookup, isBlockedError } from './address-guard.ts'
import type { Origin, OutboundFailure } from './outbound.ts'
import { tls } from './tls-options.ts'
import { TlsSession } from './tls-session.ts'
import type { UpstreamTls } from './upstream-tls.ts'

/** One read buffer for every connection of the thread: a read is consumed before the next begins (saves 64 KiB an answer). */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536)
/** When TCP begins to ask whether a silent upstream is still there: else one that vanished behind a tunnel is never missed. */
const KEEP_ALIVE_MS = 60_000

/** Hears of one connection. `detail` is the system's or OpenSSL's code for why, or empty. */
export interface DialListener {
  /** It stands, secured and of one mind about what is spoken. */
  connected(): void
  /** It will never stand. */
  failed(failure: OutboundFailure, detail: string): void
  /** It stood, and has broken; or the upstream had not said its last word on the handshake. */
  broken(failure: 'reset' | 'tls-failed', detail: string): void
  /** The first `n` of `bytes` have come, valid during the call. False: read no more until `resume`. */
  received(bytes: Buffer, n: number): boolean
}

/** What is spoken on its connections, and how they are made. */
export interface DialOptions {
  /** Asked for by ALPN. */
  readonly protocol: 'http/1.1' | 'h2'
  /** For origins that are secure. */
  readonly tls: UpstreamTls
  /** Judges the addresses of names before they are dialled. */
  readonly lookup: GuardedLookup | undefined
  readonly clock: Clock
}

export class Dialer {
  readonly origin: Origin
  private readonly options: DialOptions
  private readonly session: TlsSession
  /** What goes out before everything else. */
  private readonly announcement: Buffer | null

  constructor(
    origin: Origin,
    options: DialOptions,
    session: TlsSession = new TlsSession(),
    announcement: Buffer | null = null,
  ) {
    this.origin = origin
    this.options = options
    this.session = session
    this.announcement = announcement
  }

  /** Begins every connection with these bytes; goes on with the sessions of this one. */
  announcing(bytes: Buffer): Dialer {
    return new Dialer(this.origin, this.options, this.session, bytes)
  }

  /** `halfOpen`: an upstream that ends its side has not ended ours. */
  dial(halfOpen: boolean, listener: DialListener): Socket {
    let connected = false
    const stands = () => {
      connected = true
      listener.connected()
    }
    const socket = this.origin.secure ? this.secure(halfOpen, listener, stands) : this.plain(halfOpen, listener, stands)
    return socket.on('error', (error: NodeJS.ErrnoException) => {
      const detail = codeOf(error)
      if (connected) listener.broken(isRefusal(detail) ? 'tls-failed' : 'reset', detail)
      else listener.failed(failureOf(error), detail)
    })
  }

  private plain(halfOpen: boolean, listener: DialListener, stands: () => void): Socket {
    const socket = connectTcp({ ...this.target(halfOpen), ...readInto(listener) }, stands)
    if (this.announcement !== null) socket.write(this.announcement)
    return socket
  }

  private secure(halfOpen: boolean, listener: DialListener, stands: () => void): TLSSocket {
    const { protocol, tls: settings, clock } = this.options
    const { host } = this.origin
    const name = settings.serverName === '' ? host : settings.serverName
    const transport = this.announced(halfOpen)
    const socket = tls().connect({
      ...this.target(halfOpen),
      ...(transport === null ? readInto(listener) : { socket: transport }),
      secureContext: settings.context,
      // An address is no name to ask for (RFC 6066 §3); the certificate is compared with it all the same.
      servername: isIP(name) === 0 ? name : '',
      rejectUnauthorized: settings.verify,
      ALPNProtocols: [protocol],
      session: this.session.take(clock.now()),
    })
    this.session.watch(socket)
    if (transport !== null) readFrom(socket, listener)
    return socket.on('secureConnect', () => {
      // An upstream that knows nothing of ALPN speaks HTTP/1.1 (RFC 7301 §3.1); HTTP/2 has to be agreed on (RFC 9113 §3.3).
      if (protocol === 'h2' && socket.alpnProtocol !== 'h2') listener.failed('tls-failed', 'no-h2')
      else stands()
    })
  }

  /** The connection beneath TLS, when something is said on it before the handshake; null: TLS makes its own. */
  private announced(halfOpen: boolean): Socket | null {
    if (this.announcement === null) return null
    const { lookup = dnsLookup } = this.options
    // Node changes the handle beneath TLS for each address it tries, so that there is one try only: IPv4's, as most upstreams have it.
    const first: LookupFunction = (host, options, done) => lookup(host, { ...options, order: 'ipv4first' }, done)
    const socket = connectTcp({ ...this.target(halfOpen), autoSelectFamily: false, lookup: first })
    socket.write(this.announcement)
    return socket
  }

  private target(allowHalfOpen: boolean) {
    const { host, port, path } = this.origin
    const { lookup } = this.options
    return {
      ...(path === undefined ? { host, port } : { path }),
      ...(lookup === undefined ? {} : { lookup }),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      allowHalfOpen,
    }
  }
}

function readInto(listener: DialListener) {
  return { onread: { buffer: READ_BUFFER, callback: (n: number) => listener.received(READ_BUFFER, n) } }
}

/** Node reads TLS on a socket of ours into no buffer of ours. */
function readFrom(socket: Socket, listener: DialListener): void {
  socket.on('data', (bytes: Buffer) => {
    if (!listener.received(bytes, bytes.length)) socket.pause()
  })
}

/** Where a request waits already, Node reports OpenSSL's reason as that of a failed write, in its message alone. */
function codeOf({ code = '', message }: NodeJS.ErrnoException): string {
  const reason = code === 'EPROTO' ? /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] : undefined
  return reason === undefined ? code : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`
}

function failureOf(error: NodeJS.ErrnoException): OutboundFailure {
  if (isBlockedError(error)) return 'blocked-address'
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') return 'name-not-found'
  return error.syscall === 'connect' || error.name === 'AggregateError' ? 'connect-refused' : 'tls-failed'
}

/**
 * In TLS 1.3 our side is done before the upstream has judged our certificate (RFC 8446 §4.4): it says with one of these alerts that it
 * went no further, so that nothing of a request has been acted on.
 */
function isRefusal(code: string): boolean {
  return /^ERR_SSL_.*ALERT_(?:\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE|DECRYPT_ERROR)$/.test(code)
}
