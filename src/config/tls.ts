/** TLS as the file says it, its PEM files read and everything that OpenSSL could refuse tried once. */
import type { SecureContextOptions } from 'node:tls'
import type { CertificateSpec, ClientCheckSpec, TlsSpec } from '../model/tls.ts'
import { contextOptions, tls } from '../wire/tls-options.ts'
import type { KeyPath } from './fault.ts'
import type { File } from './file-schema.ts'
import { type PemContext, namesOf, readCertificates, readKey } from './pem.ts'
import type { FileTls } from './tls-schema.ts'

/** TLS 1.3 has no other ciphers that anybody wants; the cheapest first, clients choose. */
export const TLS13_CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'
/** For TLS 1.2 those that keep what was recorded secret when a key is lost later, and that HTTP/2 allows (RFC 9113 §9.2.2). */
const TLS12_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

const NO_TICKETS = Buffer.alloc(48)

/** Reads the files of every listener that speaks TLS. */
export function readTls(file: File, context: PemContext): ReadonlyMap<FileTls, TlsSpec> {
  const specs = new Map<FileTls, TlsSpec>()
  const read = (at: KeyPath, written: FileTls | undefined) => {
    const spec = written === undefined ? null : readListenerTls(context, [...at, 'tls'], written)
    if (written !== undefined && spec !== null) specs.set(written, spec)
  }
  for (const [index, { tls }] of file.listeners.entries()) read(['listeners', index], tls)
  read(['admin'], file.admin.tls)
  return specs
}

/** Null when something is wrong, which is reported at its key. */
function readListenerTls(context: PemContext, at: KeyPath, file: FileTls): TlsSpec | null {
  const { report } = context
  if (file.certificates.length === 0 && file.acme.length === 0)
    report.fault(at, 'no certificate: name at least one in `certificates`, or what to order one for in `acme`')
  const read = file.certificates.map((one, index) => readCertificate(context, [...at, 'certificates', index], one))
  const clients = readClients(context, [...at, 'client-certificates'], file['client-certificates'])
  const certificates = read.filter((one) => one !== null)
  if (certificates.length < read.length || clients === undefined) return null
  const spec: TlsSpec = {
    certificates,
    ordered: file.acme,
    strictSni: file['strict-sni'],
    minVersion: file['min-version'],
    ciphers: `${TLS13_CIPHERS}:${file.ciphers ?? TLS12_CIPHERS}`,
    protocols: file.protocols,
    handshakeMs: file['handshake-timeout'],
    clients,
  }
  const refused = refusalOf(contextOptions(spec, undefined, NO_TICKETS))
  if (refused !== null && file.ciphers !== undefined) {
    report.fault([...at, 'ciphers'], refused)
    return null
  }
  for (const [index, one] of certificates.entries()) {
    const refused = refusalOf(contextOptions(spec, one, NO_TICKETS))
    if (refused !== null) report.fault([...at, 'certificates', index, 'cert'], refused)
  }
  return spec
}

function readCertificate(
  context: PemContext,
  at: KeyPath,
  file: FileTls['certificates'][number],
): CertificateSpec | null {
  const certificate = readCertificates(context, [...at, 'cert'], file.cert)
  const key = readKey(context, [...at, 'key'], file.key, certificate?.first ?? null)
  if (certificate === null || key === null) return null
  return { hosts: file.hosts ?? namesOf(certificate.first), chain: certificate.chain, key }
}

/** Undefined when something is wrong. */
function readClients(
  context: PemContext,
  at: KeyPath,
  file: FileTls['client-certificates'],
): ClientCheckSpec | null | undefined {
  if (file === undefined) return null
  const ca = readCertificates(context, [...at, 'ca'], file.ca)
  if (file.mode === 'optional' && file.hosts !== undefined)
    context.report.fault([...at, 'hosts'], 'names for which a certificate is required, but `mode` says optional')
  if (ca === null) return undefined
  return { ca: ca.chain, required: file.mode === 'required', hosts: file.hosts ?? [] }
}

/** Why OpenSSL takes no part of it; null when it does. */
export function refusalOf(options: SecureContextOptions): string | null {
  try {
    tls().createSecureContext(options)
    return null
  } catch (error) {
    const reason: unknown = error instanceof Error ? Reflect.get(error, 'reason') : undefined
    return `OpenSSL does not take it${typeof reason === 'string' ? `: ${reason}` : ''}`
  }
}
