/** Ends TLS on accepted sockets: picks the certificate by the name asked for, and says who came through or why nobody did. */
import { Socket } from 'node:net'
import type { SecureContext, Server, TLSSocket } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import type { AlpnChallenge, ChallengeListener } from './alpn-challenge.ts'
import { type ClientTls, clientTls, serverNameOf, verifiedCertificate } from './client-tls.ts'
import { ticketDay, ticketKeys } from './ticket-keys.ts'
import {
  type ClientCheck,
  Contexts,
  type TlsOptions,
  contextOptions,
  mustShow,
  tls,
  wildcardOf,
} from './tls-options.ts'

/** Why a connection never came to speak HTTP, for its access record. */
export type HandshakeFailure =
  | 'no-request'
  | 'tls-aborted'
  | 'tls-timeout'
  | 'tls-failed'
  | 'tls-unknown-name'
  /** The certificate for the name has been ordered and is not there yet. */
  | 'tls-certificate-awaited'
  /** A CA was shown that a name is ours: no failure, but no request either. */
  | 'acme-challenge'
  | 'client-certificate-missing'
  | 'client-certificate-invalid'

export interface TlsEvents {
  /** The handshake is done; `socket.alpnProtocol` says what is spoken. */
  secured(socket: TLSSocket, client: ClientTls): void
  /** `detail` is OpenSSL's reason, or empty; `serverName` what was asked for, if it came so far. */
  failed(failure: HandshakeFailure, detail: string, serverName: string): void
}

/** A fatal alert `unrecognized_name` (RFC 6066 §3), in a record of its own: nothing has been sent before it, nothing comes after. */
const UNRECOGNIZED_NAME = Buffer.from([0x15, 3, 3, 0, 2, 2, 112])

export class TlsServer {
  /** While it is set, connections are looked at before their handshake: a CA may want to be answered. */
  challenge: AlpnChallenge | null = null
  private readonly contexts = new Contexts()
  /** Listens nowhere: it makes TLS sockets of those it is shown. A reload makes another; connections keep the one they began with. */
  private server!: Server
  /** Sockets in their handshake. */
  private readonly waiting = new Map<Socket, TlsEvents>()

  private options!: TlsOptions
  private readonly ticketSecret: Uint8Array
  private readonly clock: Clock
  /** Of the ticket keys in use. */
  private day = 0

  /** Whoever has the same `ticketSecret` goes on with the sessions of the others. Throws when a context cannot be made. */
  constructor(options: TlsOptions, ticketSecret: Uint8Array, clock: Clock) {
    this.ticketSecret = ticketSecret
    this.clock = clock
    this.update(options)
  }

  /** For connections that come from now on. Throws when a context cannot be made, and goes on as before. */
  update(options: TlsOptions): void {
    const { clients, strictSni } = options
    const day = ticketDay(this.clock.now())
    const keys = ticketKeys(this.ticketSecret, clients, day)
    const names = byName(options, this.contexts.of(options, keys))
    const first = strictSni ? undefined : options.certificates[0]
    const server = tls().createServer({
      ...contextOptions(options, first, keys),
      ALPNProtocols: [...options.protocols],
      handshakeTimeout: options.handshakeMs,
      requestCert: clients !== null,
      rejectUnauthorized: clients !== null && clients.required && clients.hosts.length === 0,
      SNICallback(this: TLSSocket, name, done) {
        const context = contextFor(names, name.toLowerCase())
        const isAwaited = context === undefined && options.ordered.includes(name.toLowerCase())
        // Without one it is the first certificate's turn; but nobody is shown another's in place of the one that is to come.
        if (!isAwaited && (context !== undefined || first !== undefined)) return done(null, context)
        transportOf(this).write(UNRECOGNIZED_NAME)
        done(isAwaited ? new CertificateAwaited() : new UnknownName())
      },
    })
    server.on('secureConnection', (socket) => this.secured(socket, clients))
    server.on('tlsClientError', (error, socket) => this.failed(socket, error))
    this.server = server
    this.options = options
    this.day = day
  }

  get handshakes(): number {
    return this.waiting.size
  }

  /** Takes a socket of which nothing has been read, or what was read has been put back. */
  accept(socket: Socket, events: TlsEvents): void {
    if (ticketDay(this.clock.now()) !== this.day) this.update(this.options)
    this.waiting.set(socket, events)
    // Until the handshake is done, a client that ends its side has gone.
    socket.allowHalfOpen = false
    if (this.challenge === null) this.server.emit('connection', socket)
    else this.challenge.receive(socket, this.options.handshakeMs, this.asked(socket, events))
  }

  private asked(socket: Socket, events: TlsEvents): ChallengeListener {
    const failed = (failure: HandshakeFailure, serverName: string) => {
      this.waiting.delete(socket)
      events.failed(failure, '', serverName)
    }
    return {
      passed: () => this.server.emit('connection', socket),
      answered: (serverName) => failed('acme-challenge', serverName),
      gone: (isLate) => failed(isLate ? 'tls-timeout' : socket.bytesRead === 0 ? 'no-request' : 'tls-aborted', ''),
    }
  }

  /** Ends the handshakes that are not done yet. */
  destroy(): void {
    for (const socket of this.waiting.keys()) socket.destroy()
  }

  private secured(socket: TLSSocket, clients: ClientCheck | null): void {
    const transport = transportOf(socket)
    const events = this.waiting.get(transport)
    if (events === undefined) return void socket.destroy()
    this.waiting.delete(transport)
    socket.allowHalfOpen = true
    const serverName = serverNameOf(socket)
    if (clients !== null && mustShow(clients, serverName) && verifiedCertificate(socket) === undefined) {
      const shown = socket.getPeerX509Certificate() !== undefined
      socket.destroy()
      if (!shown) return events.failed('client-certificate-missing', '', serverName)
      return events.failed('client-certificate-invalid', String(socket.authorizationError), serverName)
    }
    events.secured(
      socket,
      clientTls(socket, clients, () => transport.resetAndDestroy()),
    )
  }

  private failed(socket: TLSSocket, error: NodeJS.ErrnoException): void {
    const transport = transportOf(socket)
    const events = this.waiting.get(transport)
    this.waiting.delete(transport)
    const silent = transport.bytesRead === 0
    socket.destroy()
    const detail = refusedCertificate(socket) ?? detailOf(error)
    const failure = failureOf(error, socket, silent)
    const serverName = serverNameOf(socket)
    const { certificates, ordered } = this.options
    // Who asks for no name is shown the first certificate, once there is one.
    const isAwaited = failure === 'tls-failed' && serverName === '' && certificates.length === 0 && ordered.length > 0
    events?.failed(isAwaited ? 'tls-certificate-awaited' : failure, detail, serverName)
  }
}

class UnknownName extends Error {
  override readonly name = 'UnknownName'
}

class CertificateAwaited extends Error {
  override readonly name = 'CertificateAwaited'
}

function failureOf(error: NodeJS.ErrnoException, socket: TLSSocket, silent: boolean): HandshakeFailure {
  if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'tls-timeout'
  if (error instanceof UnknownName) return 'tls-unknown-name'
  if (error instanceof CertificateAwaited) return 'tls-certificate-awaited'
  if (refusedCertificate(socket) !== undefined) return 'client-certificate-invalid'
  if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'client-certificate-missing'
  if (error.code?.startsWith('ERR_SSL') !== true) return silent ? 'no-request' : 'tls-aborted'
  return 'tls-failed'
}

/** Node closes a connection whose certificate it has found wanting, and leaves the reason: `CERT_HAS_EXPIRED`. */
function refusedCertificate(socket: TLSSocket): string | undefined {
  const reason: unknown = socket.authorizationError
  return typeof reason === 'string' ? reason : undefined
}

/** `no shared cipher`. */
function detailOf(error: NodeJS.ErrnoException): string {
  const reason: unknown = Reflect.get(error, 'reason')
  return typeof reason === 'string' ? reason : ''
}

/** The socket beneath. Node keeps it here, though it is not documented. */
function transportOf(socket: TLSSocket): Socket {
  const transport: unknown = Reflect.get(socket, '_parent')
  if (transport instanceof Socket) return transport
  throw new Error('this Node does not say which connection a TLS socket is on')
}

/** The contexts by the names of their certificates. The first certificate that has a name, has it. */
function byName(options: TlsOptions, contexts: readonly SecureContext[]): ReadonlyMap<string, SecureContext> {
  const names = new Map<string, SecureContext>()
  for (const [index, { hosts }] of options.certificates.entries())
    for (const host of hosts) if (!names.has(host)) names.set(host, contexts[index]!)
  return names
}

/** The exact name first, then the wildcard that covers it. */
function contextFor(names: ReadonlyMap<string, SecureContext>, name: string): SecureContext | undefined {
  return names.get(name) ?? names.get(wildcardOf(name))
}
