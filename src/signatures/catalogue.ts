/** The providers as people read them: `postern providers --json`, derived from the records so that it cannot drift. */
import { PROVIDERS } from './providers/index.ts'
import type { KeyForm, Part, Scheme, TimestampUnit } from './scheme.ts'

export interface ProviderInfo {
  readonly id: string
  readonly title: string
  /** URL of the provider's own page. */
  readonly documentation: string
  /** What a request must carry: the name of a header, lower case, and its form, such as `t=<unix seconds>,v1=<hex>`. */
  readonly headers: Readonly<Record<string, string>>
  readonly algorithm: string
  /** What is signed, such as `<timestamp>.<body>`. */
  readonly signed: string
  /** How the secret is written. */
  readonly secret: string
  /** How far the signed time may be from ours, either way; null when no time is signed. */
  readonly toleranceSec: number | null
}

const SECRETS: Readonly<Record<KeyForm, string>> = {
  utf8: 'the text as given',
  hex: 'hex',
  base64: 'base64',
  whsec: 'whsec_ and base64',
}

const TIMES: Readonly<Record<TimestampUnit, string>> = {
  s: '<unix seconds>',
  ms: '<unix milliseconds>',
  iso: '<RFC 3339 time>',
}

export function listProviders(): readonly ProviderInfo[] {
  return PROVIDERS.map((scheme) => ({
    id: scheme.id,
    title: scheme.title,
    documentation: scheme.documentation,
    headers: headersOf(scheme),
    algorithm: scheme.algorithm,
    signed: scheme.content.map(describePart).join(''),
    secret: SECRETS[scheme.key],
    toleranceSec: scheme.timestamp?.toleranceSec ?? null,
  }))
}

function headersOf({ idHeader, timestamp, signature }: Scheme): Record<string, string> {
  const headers: Record<string, string> = {}
  if (idHeader !== null) headers[idHeader] = '<id>'
  if (timestamp?.from === 'header') headers[timestamp.name] = TIMES[timestamp.unit]
  const value = `<${signature.encoding}>`
  if (signature.form === 'list') headers[signature.header] = signature.prefix + value
  else {
    const time =
      timestamp?.from === 'signature' ? `${timestamp.name}=${TIMES[timestamp.unit]}${signature.separator}` : ''
    headers[signature.header] = `${time}${signature.signatureKey}=${value}`
  }
  return headers
}

function describePart(part: Part): string {
  return part.startsWith('lit:') ? part.slice('lit:'.length) : `<${part}>`
}
