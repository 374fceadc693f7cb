/** TLS to services and endpoints as the file says it: its PEM files read, and what OpenSSL could refuse tried once. */
import type { UpstreamTlsSpec } from '../model/tls.ts'
import { USUAL_TLS } from '../wire/upstream-tls.ts'
import type { KeyPath } from './fault.ts'
import type { File } from './file-schema.ts'
import { type PemContext, readCertificates, readKey } from './pem.ts'
import type { FileServiceTls } from './tls-schema.ts'
import { TLS13_CIPHERS, refusalOf } from './tls.ts'

export interface UpstreamTlsRead {
  /** Of endpoints, and of services that say nothing. */
  readonly egress: UpstreamTlsSpec
  /** By name; those in whose words nothing is wrong. */
  readonly services: ReadonlyMap<string, UpstreamTlsSpec>
}

export function readUpstreamTls(file: File, context: PemContext): UpstreamTlsRead {
  const { ca } = file.egress
  const moreCa = ca === undefined ? '' : (readCertificates(context, ['egress', 'ca'], ca)?.chain ?? '')
  const egress = { ...USUAL_TLS, moreCa }
  const services = new Map<string, UpstreamTlsSpec>()
  for (const [name, { tls, instances }] of Object.entries(file.services ?? {})) {
    const at = ['services', name, 'tls']
    const isSecure = instances.some(({ url }) => url.startsWith('https:'))
    // Nothing is said where nothing is written: what it stands for is the same for everybody.
    if (!isSecure && isWritten(tls)) context.report.fault(at, 'no instance is at https://', { atKey: true })
    const spec = isSecure ? readServiceTls(context, at, tls, egress) : null
    if (spec !== null) services.set(name, spec)
  }
  return { egress, services }
}

function isWritten({ 'min-version': minVersion, verify, ...rest }: FileServiceTls): boolean {
  return !verify || minVersion !== USUAL_TLS.minVersion || Object.keys(rest).length > 0
}

/** Null when something is wrong, which is reported at its key. */
function readServiceTls(
  context: PemContext,
  at: KeyPath,
  file: FileServiceTls,
  egress: UpstreamTlsSpec,
): UpstreamTlsSpec | null {
  const { report } = context
  const { ca, verify } = file
  if (!verify && ca !== undefined) report.fault([...at, 'ca'], 'nothing is compared with it: `verify` says false')
  else if (!verify)
    report.warn(
      [...at, 'verify'],
      'certificates are not verified: whoever answers in the place of this service is believed',
    )
  const believed = ca === undefined ? null : readCertificates(context, [...at, 'ca'], ca)
  const certificate = readShown(context, at, file)
  if (certificate === undefined || (ca !== undefined && believed === null)) return null
  const spec: UpstreamTlsSpec = {
    ca: believed?.chain ?? null,
    moreCa: believed === null ? egress.moreCa : '',
    serverName: file['server-name'] ?? '',
    certificate,
    verify,
    minVersion: file['min-version'],
    ciphers: file.ciphers === undefined ? null : `${TLS13_CIPHERS}:${file.ciphers}`,
  }
  const { ciphers, minVersion } = spec
  // The well-known CAs are no matter of the file: without these words they would be read.
  const tried = { ca: [], minVersion }
  const ciphersRefused = ciphers === null ? null : refusalOf({ ...tried, ciphers })
  if (ciphersRefused !== null) report.fault([...at, 'ciphers'], ciphersRefused)
  const shown = certificate === null ? null : refusalOf({ ...tried, cert: certificate.chain, key: certificate.key })
  if (shown !== null) report.fault([...at, 'certificate'], shown)
  return spec
}

/** Null: nothing is shown. Undefined when something is wrong. */
function readShown(context: PemContext, at: KeyPath, { certificate, key }: FileServiceTls) {
  if (certificate === undefined && key === undefined) return null
  if (certificate === undefined || key === undefined) {
    const lacks = certificate === undefined ? 'certificate' : 'key'
    context.report.fault([...at, lacks], 'is missing: a certificate is shown with its key', { missing: true })
    return undefined
  }
  const shown = readCertificates(context, [...at, 'certificate'], certificate)
  const secret = readKey(context, [...at, 'key'], key, shown?.first ?? null)
  return shown === null || secret === null ? undefined : { chain: shown.chain, key: secret }
}
