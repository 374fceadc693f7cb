/** Pebble, the CA that the ACME protocol's authors test clients with, and the DNS server that it asks: every name is this machine. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { TestAuthority } from './certificates.ts'

export interface PebbleOptions {
  /** Where it looks for HTTP-01 and TLS-ALPN-01. */
  readonly httpPort?: number
  readonly tlsPort?: number
  /** Names that it refuses. */
  readonly refused?: readonly string[]
  /** Accounts must be bound to this key; base64url. */
  readonly account?: { readonly kid: string; readonly key: string }
  /** How many in a hundred of its nonces it takes for bad. */
  readonly nonceReject?: number
}

export class Pebble {
  readonly directory: string
  /** The CA of its own HTTPS: a PEM file. */
  readonly caFile: string
  private readonly authority: TestAuthority
  private readonly management: string
  private readonly children: ChildProcess[] = []
  private readonly start: () => Promise<void>
  private readonly killAtExit = (): void => this.kill()

  private constructor(authority: TestAuthority, ports: readonly number[], options: PebbleOptions) {
    const [port, managementPort, dns, dnsManagement] = ports
    this.authority = authority
    this.caFile = authority.caFile
    this.directory = `https://localhost:${port}/dir`
    this.management = `https://localhost:${managementPort}`
    const { chainFile, keyFile } = authority.issue('pebble', '/CN=pebble', ['DNS:localhost', 'IP:127.0.0.1'])
    const { account } = options
    const config = join(authority.folder, 'pebble.json')
    const pebble = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate: chainFile,
      privateKey: keyFile,
      httpPort: options.httpPort ?? 1,
      tlsPort: options.tlsPort ?? 1,
      externalAccountBindingRequired: account !== undefined,
      externalAccountMACKeys: account === undefined ? {} : { [account.kid]: account.key },
      domainBlocklist: options.refused ?? [],
    }
    writeFileSync(config, JSON.stringify({ pebble }))
    const env = {
      PEBBLE_VA_NOSLEEP: '1',
      PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 0),
      PEBBLE_AUTHZREUSE: '0',
    }
    const nameServer = ['-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${dnsManagement}`]
    const nothingElse = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', '']
    this.start = async () => {
      await this.run('pebble-challtestsrv', [...nameServer, ...nothingElse], {}, /Starting management server/)
      await this.run('pebble', ['-config', config, '-dnsserver', `127.0.0.1:${dns}`], env, /ACME directory available/)
    }
    process.once('exit', this.killAtExit)
  }

  /** Started unless told otherwise. */
  static async make(options: PebbleOptions = {}, isStarted = true): Promise<Pebble> {
    install()
    const pebble = new Pebble(await TestAuthority.make('Pebble TLS'), await freePorts(4), options)
    if (isStarted) await pebble.up()
    return pebble
  }

  /** Its accounts and orders begin anew, and its root. */
  async up(): Promise<void> {
    await this.start()
  }

  async down(): Promise<void> {
    const gone = this.children.map((child) => once(child, 'close'))
    this.kill()
    await Promise.all(gone)
    this.children.length = 0
  }

  /** PEM of the root that it issues under. */
  async root(): Promise<string> {
    const args = ['--silent', '--fail', '--cacert', this.caFile, `${this.management}/roots/0`]
    return execFileSync('curl', args, { encoding: 'utf8' })
  }

  async close(): Promise<void> {
    process.off('exit', this.killAtExit)
    await this.down()
    await this.authority.remove()
  }

  private kill(): void {
    for (const child of this.children) child.kill('SIGKILL')
  }

  private async run(
    command: string,
    args: readonly string[],
    env: Record<string, string>,
    ready: RegExp,
  ): Promise<void> {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.children.push(child)
    let said = ''
    const serves = new Promise<void>((resolve, reject) => {
      const heard = (line: string) => {
        said = `${said}${line}\n`.slice(-4_000)
        if (ready.test(line)) resolve()
      }
      for (const out of [child.stdout, child.stderr]) createInterface(out).on('line', heard)
      child.once('error', reject)
      child.once('close', () => reject(new Error(`${command} has ended:\n${said}`)))
    })
    await serves
  }
}

function install(): void {
  try {
    execFileSync('which', ['pebble', 'pebble-challtestsrv', 'curl'], { stdio: 'ignore' })
    return
  } catch {
    if (process.getuid?.() !== 0) throw new Error('These tests need Pebble: apt-get install pebble curl')
    const script = 'apt-get update && apt-get install -y --no-install-recommends pebble curl'
    execFileSync('sh', ['-c', script], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: 'ignore' })
  }
}

/** Free when they were looked for: Pebble must be told its ports, and whoever it calls. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address()
      server.close()
      await once(server, 'close')
      return typeof address === 'object' && address !== null ? address.port : 0
    }),
  )
}
