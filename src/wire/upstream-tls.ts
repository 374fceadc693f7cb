/** How TLS is spoken with upstreams: what is believed, shown and asked for; its context is made when the first connection needs it. */
import { hash } from 'node:crypto'
import type { SecureContext, SecureContextOptions } from 'node:tls'
import { tls } from './tls-options.ts'

export interface UpstreamTlsOptions {
  /** PEM of the CAs that are believed; null: the well-known ones. */
  readonly ca: string | null
  /** PEM of CAs that are believed beside the well-known ones; empty: none. */
  readonly moreCa: string
  /** Asked for by SNI, and expected in the certificate; empty: the host that is called. */
  readonly serverName: string
  /** PEM: shown to whoever asks for one. */
  readonly certificate: { readonly chain: string; readonly key: string } | null
  /** Without, whoever answers is believed. */
  readonly verify: boolean
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** OpenSSL's notation; null: Node's. */
  readonly ciphers: string | null
}

/** What holds unless something is said. */
export const USUAL_TLS: UpstreamTlsOptions = {
  ca: null,
  moreCa: '',
  serverName: '',
  certificate: null,
  verify: true,
  minVersion: 'TLSv1.2',
  ciphers: null,
}

export class UpstreamTls {
  /** Of what it is made: two with the same may share connections and sessions. */
  readonly id: string
  readonly serverName: string
  readonly verify: boolean
  private readonly options: UpstreamTlsOptions
  private made: SecureContext | null = null

  constructor(options: UpstreamTlsOptions) {
    const { serverName, verify } = options
    this.options = options
    this.serverName = serverName
    this.verify = verify
    this.id = hash('sha256', JSON.stringify(options), 'base64')
  }

  /** One for every connection: to read the CAs takes 0.8 ms, and 45 ms where some are added to the well-known ones. */
  get context(): SecureContext {
    return (this.made ??= tls().createSecureContext(upstreamContextOptions(this.options)))
  }
}

function upstreamContextOptions(options: UpstreamTlsOptions): SecureContextOptions {
  const { ca, moreCa, certificate, minVersion, ciphers } = options
  const believed = ca !== null ? [ca] : moreCa === '' ? undefined : [...tls().getCACertificates('default'), moreCa]
  return {
    ca: believed,
    cert: certificate?.chain,
    key: certificate?.key,
    minVersion,
    ...(ciphers === null ? {} : { ciphers }),
  }
}
