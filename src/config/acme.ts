/** Ordered certificates as the file says them: who orders what must fit together. */
import type { AcmeSpec } from '../model/tls.ts'
import type { KeyPath } from './fault.ts'
import type { File } from './file-schema.ts'
import { type PemContext, readCertificates } from './pem.ts'

/** Null without the key, and when something is wrong, which is reported. */
export function readAcme(file: File, context: PemContext): AcmeSpec | null {
  const { report } = context
  const { acme } = file
  const lists = ordered(file)
  for (const { path, names } of lists) {
    for (const [index, name] of names.entries())
      if (names.indexOf(name) < index) report.fault([...path, index], `\`${name}\` stands in the list twice`)
    if (acme === undefined)
      report.fault(path, 'names are ordered only with `acme` at the top of the file', { atKey: true })
  }
  if (acme === undefined) return null
  if (lists.length === 0)
    report.warn(['acme'], 'no listener names what is to be ordered: `tls: { acme: [shop.example] }`')
  else if (acme.challenge === 'http-01' && file.listeners.every(({ tls }) => tls !== undefined))
    report.fault(['acme', 'challenge'], 'the CA asks in clear, on port 80: http-01 needs a listener without `tls`')
  const ca = acme.ca === undefined ? undefined : readCertificates(context, ['acme', 'ca'], acme.ca)
  if (ca === null) return null
  return {
    directory: acme.directory,
    email: acme.email ?? '',
    ca: ca?.chain ?? null,
    challenge: acme.challenge,
    renewBeforeMs: acme['renew-before'],
    account: acme.eab === undefined ? null : { keyId: acme.eab.kid, macKey: acme.eab['hmac-key'] },
  }
}

/** Every list of names. */
function ordered(file: File): readonly { readonly path: KeyPath; readonly names: readonly string[] }[] {
  const all = [
    ...file.listeners.map(({ tls }, index) => ({ path: ['listeners', index, 'tls', 'acme'], names: tls?.acme ?? [] })),
    { path: ['admin', 'tls', 'acme'], names: file.admin.tls?.acme ?? [] },
  ]
  return all.filter(({ names }) => names.length > 0)
}
