/** The certificate that every server of a TLS work has: ECDSA P-256, made anew for each run, trusted by nobody. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

export interface Certificate {
  /** PEM files. */
  readonly certFile: string
  readonly keyFile: string
}

/** Makes it in `folder`. Throws with what openssl said when that fails. */
export function makeCertificate(folder: string): Certificate {
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', keyFile]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '30']
  const { status, stderr } = spawnSync('openssl', ['req', '-x509', ...key, ...subject, '-out', certFile], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`openssl req: ${stderr}`)
  return { certFile, keyFile }
}
