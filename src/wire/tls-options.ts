/** How a listener speaks TLS, and how its contexts are made: one for each certificate, kept as long as nothing about it changes. */
import { hash } from 'node:crypto'
import type { SecureContext, SecureContextOptions } from 'node:tls'

/** Loaded by the first that needs it: it costs an engine some megabytes. */
export const tls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls')

export interface Certificate {
  /** Names it is for, lower case; `*.shop.example` stands for one label. */
  readonly hosts: readonly string[]
  /** PEM: the certificate and the ones between it and its root. */
  readonly chain: string
  /** PEM. */
  readonly key: string
}

export interface TlsOptions {
  /** The first is also for those who ask for no name, or for one that none of them has. */
  readonly certificates: readonly Certificate[]
  /** Names whose certificates are ordered. Who asks for one that has not come yet is refused. */
  readonly ordered: readonly string[]
  /** Whoever asks for no name, or for an unknown one, is refused. */
  readonly strictSni: boolean
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** OpenSSL's notation. */
  readonly ciphers: string
  /** Best first. */
  readonly protocols: readonly string[]
  readonly handshakeMs: number
  readonly clients: ClientCheck | null
}

/** Whose certificates are asked for, and by whom they must be issued. */
export interface ClientCheck {
  /** PEM, one or more. */
  readonly ca: string
  /** A client without a valid one is refused. */
  readonly required: boolean
  /** It is required for these names only; empty: for all. */
  readonly hosts: readonly string[]
}

/** A client that asks for `name` must show a valid certificate. */
export function mustShow({ required, hosts }: ClientCheck, name: string): boolean {
  return required && (hosts.length === 0 || hosts.includes(name) || hosts.includes(wildcardOf(name)))
}

/** `*.shop.example` for `api.shop.example`: `*` stands for one label (RFC 9525 §6.3). */
export function wildcardOf(name: string): string {
  const dot = name.indexOf('.')
  return dot === -1 ? '' : `*${name.slice(dot)}`
}

/** Contexts by what they are made of, so that a reload makes anew only what has changed. */
export class Contexts {
  private made = new Map<string, SecureContext>()

  /** Makes those of `options`, or takes them from the last time, and forgets the rest. */
  of(options: TlsOptions, ticketKeys: Buffer): SecureContext[] {
    const before = this.made
    this.made = new Map()
    return options.certificates.map((certificate) => {
      const wanted = contextOptions(options, certificate, ticketKeys)
      const id = hash('sha256', JSON.stringify({ ...wanted, ticketKeys: ticketKeys.toString('hex') }))
      const context = before.get(id) ?? tls().createSecureContext(wanted)
      this.made.set(id, context)
      return context
    })
  }
}

/** Without a certificate: a context that can only refuse. */
export function contextOptions(
  options: TlsOptions,
  certificate: Certificate | undefined,
  ticketKeys: Buffer,
): SecureContextOptions {
  return {
    cert: certificate?.chain,
    key: certificate?.key,
    // Without any, Node reads the CAs of the whole world: nobody is to be judged by them here.
    ca: options.clients === null ? [] : [options.clients.ca],
    minVersion: options.minVersion,
    ciphers: options.ciphers,
    ticketKeys,
    // A session begun on one listener is not gone on with on another.
    sessionIdContext: hash('sha256', ticketKeys).slice(0, 32),
  }
}
