/** PEM files that the configuration names: read, and judged by what they hold. */
import { type KeyObject, X509Certificate, createPrivateKey } from 'node:crypto'
import { resolve } from 'node:path'
import { alternativeNames } from '../wire/client-tls.ts'
import type { KeyPath } from './fault.ts'
import { fileFault } from './file-fault.ts'
import type { Report } from './report.ts'

export interface PemContext {
  readonly baseDir: string
  readonly readFile: (path: string) => string
  readonly report: Report
  /** Wall clock, ms. */
  readonly now: number
}

/** A file's text; null when it cannot be read, which is reported. */
function readPem(context: PemContext, at: KeyPath, file: string): string | null {
  try {
    return context.readFile(resolve(context.baseDir, file))
  } catch (error) {
    context.report.fault(at, fileFault(error))
    return null
  }
}

export interface ReadCertificate {
  readonly chain: string
  readonly first: X509Certificate
}

/** Certificates in PEM, at least one. That the first has expired is a warning: the file may be renewed any minute. */
export function readCertificates(context: PemContext, at: KeyPath, file: string): ReadCertificate | null {
  const { report, now } = context
  const chain = readPem(context, at, file)
  if (chain === null) return null
  const first = firstCertificate(chain)
  if (first === null) {
    report.fault(at, 'the file holds no certificate in PEM')
    return null
  }
  if (first.validToDate.getTime() <= now) report.warn(at, `the certificate has expired on ${day(first.validToDate)}`)
  else if (first.validFromDate.getTime() > now)
    report.warn(at, `the certificate is not valid before ${day(first.validFromDate)}`)
  return { chain, first }
}

/** A private key in PEM, that of `certificate`. */
export function readKey(context: PemContext, at: KeyPath, file: string, certificate: X509Certificate | null) {
  const { report } = context
  const key = readPem(context, at, file)
  if (key === null) return null
  const parsed = privateKey(key)
  if (typeof parsed === 'string') {
    report.fault(at, parsed)
    return null
  }
  if (certificate === null || certificate.checkPrivateKey(parsed)) return key
  report.fault(at, 'the key is not that of the certificate')
  return null
}

/** The names a certificate is for, lower case: its DNS names, or its common name where it has none. */
export function namesOf(certificate: X509Certificate): string[] {
  const names = alternativeNames(certificate.subjectAltName ?? '')
  const dns = names.filter((name) => name.startsWith('DNS:')).map((name) => name.slice('DNS:'.length))
  const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1]
  return (names.length > 0 || common === undefined ? dns : [common]).map((name) => name.toLowerCase())
}

function firstCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem)
  } catch {
    return null
  }
}

/** The key, or what is wrong with it. What OpenSSL says of it is left out: it may quote the file. */
function privateKey(pem: string): KeyObject | string {
  if (/^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem))
    return 'the key is encrypted; it must be readable without a passphrase'
  try {
    return createPrivateKey(pem)
  } catch {
    return 'the file holds no private key in PEM'
  }
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10)
}
