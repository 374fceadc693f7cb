/** A certificate authority for tests, made with the openssl command: what it issues is as real as what operators have. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempFolder } from './temp.ts'

export interface Issued {
  /** PEM: certificate and key, and where they are. */
  readonly chain: string
  readonly key: string
  readonly chainFile: string
  readonly keyFile: string
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export class TestAuthority {
  readonly folder: string
  readonly remove: () => Promise<void>
  /** Its own certificate, PEM, and where it is. */
  readonly ca: string
  readonly caFile: string
  /** PEM: its private key. */
  readonly caKey: string

  private constructor(folder: string, remove: () => Promise<void>, name: string) {
    this.folder = folder
    this.remove = remove
    this.openssl([
      'req',
      '-x509',
      ...CURVE,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
    ])
    this.caFile = join(folder, 'ca.pem')
    this.ca = readFileSync(this.caFile, 'utf8')
    this.caKey = readFileSync(join(folder, 'ca.key'), 'utf8')
  }

  static async make(name = 'Test CA'): Promise<TestAuthority> {
    const folder = await tempFolder()
    return new TestAuthority(folder.path, () => folder.remove(), name)
  }

  /** `names` as in openssl's subjectAltName: `DNS:shop.example`, `IP:127.0.0.1`. `file` is the stem of the files' names. */
  issue(file: string, subject: string, names: readonly string[], days = 1): Issued {
    const san = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`]
    const issuer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', String(days)]
    const files = ['-keyout', `${file}.key`, '-out', `${file}.pem`]
    const leaf = ['-subj', subject, '-addext', 'basicConstraints=critical,CA:FALSE', ...san]
    this.openssl(['req', '-x509', ...issuer, ...CURVE, ...leaf, ...files])
    return this.issued(file)
  }

  /** One that has been valid until yesterday. */
  issueExpired(file: string, subject: string, names: readonly string[]): Issued {
    const san = ['-addext', `subjectAltName=${names.join(',')}`]
    this.openssl(['req', ...CURVE, '-subj', subject, ...san, '-keyout', `${file}.key`, '-out', `${file}.csr`])
    const issuer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '-1', '-copy_extensions', 'copyall']
    this.openssl(['x509', '-req', '-in', `${file}.csr`, ...issuer, '-out', `${file}.pem`])
    return this.issued(file)
  }

  private issued(file: string): Issued {
    const [chainFile, keyFile] = [join(this.folder, `${file}.pem`), join(this.folder, `${file}.key`)]
    return {
      chain: readFileSync(chainFile, 'utf8'),
      key: readFileSync(keyFile, 'utf8'),
      chainFile,
      keyFile,
    }
  }

  private openssl(args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] })
  }
}
