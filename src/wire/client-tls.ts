/** What is known of a client's TLS connection: the name it asked for, and who it is when it showed a certificate. */
import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type ClientCheck, mustShow } from './tls-options.ts'

/** One whose chain ends at a CA of the listener's. Others are refused, or never come here. */
export interface ClientCertificate {
  /** As in RFC 4514, most specific first: `CN=terminal-7,O=Shop`. */
  readonly subject: string
  readonly issuer: string
  /** `DNS:terminal-7.shop.example`, `URI:spiffe://shop/terminal`, `email:ops@shop.example`, `IP:10.0.0.7`. */
  readonly names: readonly string[]
  /** SHA-256 of the DER form, hex in lower case. */
  readonly fingerprint: string
  /** Hex. */
  readonly serial: string
  /** The DER form. */
  readonly raw: Uint8Array
}

export interface ClientTls {
  /** What the client asked for by SNI, lower case; empty when it did not. */
  readonly serverName: string
  /** `TLSv1.3`. */
  readonly version: string
  readonly cipher: string
  /** The handshake went on from an earlier connection's ticket. */
  readonly resumed: boolean
  readonly certificate: ClientCertificate | null
  /** False when `host` asks its clients for certificates, and this handshake was for another name (421, RFC 9110 §15.5.20). */
  answersFor(host: string): boolean
  /** Resets the connection beneath: a TLS socket cannot do it. */
  reset(): void
}

/** Resets a client's connection: what was sent cannot be taken for whole. */
export function reset(socket: Socket, tls: ClientTls | null): void {
  if (tls === null) socket.resetAndDestroy()
  else tls.reset()
}

/** Of a socket whose handshake is done. */
export function clientTls(socket: TLSSocket, clients: ClientCheck | null, reset: () => void): ClientTls {
  const certificate = verifiedCertificate(socket)
  const serverName = serverNameOf(socket)
  return {
    serverName,
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    resumed: socket.isSessionReused(),
    certificate: certificate === undefined ? null : describeCertificate(certificate),
    answersFor: (host) => clients === null || host === serverName || !isBound(clients, host, serverName),
    reset,
  }
}

/** What the client asked for by SNI; empty when it did not. */
export function serverNameOf(socket: TLSSocket): string {
  const name: unknown = Reflect.get(socket, 'servername')
  return typeof name === 'string' ? name.toLowerCase() : ''
}

export function verifiedCertificate(socket: TLSSocket): X509Certificate | undefined {
  return socket.authorized ? socket.getPeerX509Certificate() : undefined
}

/** Where every name asks for the same, one who asked for none has met it. */
function isBound(clients: ClientCheck, host: string, serverName: string): boolean {
  return clients.hosts.length === 0 ? clients.required && serverName !== '' : mustShow(clients, host)
}

function describeCertificate(certificate: X509Certificate): ClientCertificate {
  return {
    subject: distinguishedName(certificate.subject),
    issuer: distinguishedName(certificate.issuer),
    names: alternativeNames(certificate.subjectAltName ?? ''),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    serial: certificate.serialNumber.toLowerCase(),
    raw: certificate.raw,
  }
}

/** Node writes one part a line, escaped, least specific first. */
function distinguishedName(lines: string): string {
  return lines.split('\n').toReversed().join(',')
}

/** Node joins them with `, ` and puts those that hold a comma or worse between quotes, as JSON does. */
export function alternativeNames(text: string): string[] {
  const names = text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []
  return names.map((name) => name.trim().replace(/^IP Address:/, 'IP:'))
}
