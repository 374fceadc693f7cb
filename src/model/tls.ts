/** What a checked configuration says about TLS, its files read: plain data that any thread can receive. Holds private keys. */

export interface CertificateSpec {
  /** Names it is for, lower case; `*.shop.example` stands for one label. */
  readonly hosts: readonly string[]
  /** PEM: the certificate and the ones between it and its root. */
  readonly chain: string
  /** PEM. */
  readonly key: string
}

/** A certificate that a CA has issued to us (RFC 8555). */
export interface OrderedCertificate {
  /** The CA: the URL of its directory. */
  readonly issuer: string
  readonly name: string
  /** PEM: the certificate and the ones between it and its root. */
  readonly chain: string
  /** PEM. */
  readonly key: string
  /** Wall clock, ms. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/** How a listener speaks TLS. */
export interface TlsSpec {
  /** In the order written; the first is also for whoever asks for no name or for an unknown one. */
  readonly certificates: readonly CertificateSpec[]
  /** Names whose certificates are ordered from the CA: they join the others when they are there. */
  readonly ordered: readonly string[]
  /** Whoever asks for no name or for an unknown one is refused. */
  readonly strictSni: boolean
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** OpenSSL's notation. */
  readonly ciphers: string
  /** What is spoken behind it, by ALPN; best first. */
  readonly protocols: readonly string[]
  readonly handshakeMs: number
  readonly clients: ClientCheckSpec | null
}

/** The CA that certificates are ordered from (RFC 8555), and how. */
export interface AcmeSpec {
  /** URL. */
  readonly directory: string
  /** For the CA to write to; empty: none. */
  readonly email: string
  /** PEM of the CAs by which the directory's own TLS is judged; null: those of the system. */
  readonly ca: string | null
  readonly challenge: 'http-01' | 'tls-alpn-01'
  /** How long before a certificate ends another one is ordered. */
  readonly renewBeforeMs: number
  /** By which the CA knows whose account it is (RFC 8555 §7.3.4). */
  readonly account: { readonly keyId: string; readonly macKey: string } | null
}

/** What a CA is shown so that it believes that names are ours. */
export interface ChallengeAnswers {
  /** By token, the text to answer with (HTTP-01, RFC 8555 §8.3). */
  readonly tokens: Readonly<Record<string, string>>
  /** For handshakes of its own (TLS-ALPN-01, RFC 8737). */
  readonly certificates: readonly CertificateSpec[]
}

/** Clients are asked for certificates. */
export interface ClientCheckSpec {
  /** PEM of the CAs that may have issued them. */
  readonly ca: string
  /** A client without a valid one is refused. */
  readonly required: boolean
  /** It is required for these names only; empty: for all. */
  readonly hosts: readonly string[]
}

/** How TLS is spoken with an upstream. */
export interface UpstreamTlsSpec {
  /** PEM of the CAs that are believed; null: the well-known ones. */
  readonly ca: string | null
  /** PEM of CAs that are believed beside the well-known ones; empty: none. */
  readonly moreCa: string
  /** Asked for by SNI, and expected in the certificate; empty: the host that is called. */
  readonly serverName: string
  /** Shown to whoever asks for one. */
  readonly certificate: { readonly chain: string; readonly key: string } | null
  /** Without, whoever answers is believed. */
  readonly verify: boolean
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** OpenSSL's notation; null: Node's. */
  readonly ciphers: string | null
}
