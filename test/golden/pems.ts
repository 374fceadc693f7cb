/** The PEM files that golden configurations name: made anew for each run, for what is committed would expire, or be a private key. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TestAuthority } from '../support/certificates.ts'

export class Pems {
  readonly remove: () => Promise<void>
  private readonly texts: ReadonlyMap<string, string>

  private constructor(texts: ReadonlyMap<string, string>, remove: () => Promise<void>) {
    this.texts = texts
    this.remove = remove
  }

  static async make(): Promise<Pems> {
    const authority = await TestAuthority.make()
    const { folder } = authority
    authority.issue('shop', '/CN=shop', ['DNS:shop.example', 'DNS:*.shop.example', 'IP:127.0.0.1'])
    authority.issue('other', '/CN=other.example', [])
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
    openssl('pkcs8', '-topk8', '-in', 'shop.key', '-out', 'encrypted.key', '-passout', 'pass:secret')
    const weak = ['-newkey', 'rsa:1024', '-nodes', '-subj', '/CN=weak.example']
    openssl('req', '-x509', ...weak, '-keyout', 'weak.key', '-out', 'weak.pem')
    const files = ['ca.pem', 'shop.pem', 'shop.key', 'other.pem', 'other.key', 'encrypted.key', 'weak.pem', 'weak.key']
    const texts = new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
    texts.set('text.pem', 'no certificate at all\n')
    return new Pems(texts, () => authority.remove())
  }

  /** Undefined for a file of another folder. Throws as reading a file does. */
  read(path: string): string | undefined {
    const file = /\/pems\/([^/]+)$/.exec(path)?.[1]
    if (file === undefined) return undefined
    const text = this.texts.get(file)
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return text
  }

  /** The names of the files in place of their texts. */
  hide(json: string): string {
    let hidden = json
    for (const [file, text] of this.texts) hidden = hidden.replaceAll(JSON.stringify(text), `"<pems/${file}>"`)
    return hidden
  }
}
