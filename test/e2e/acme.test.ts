/** Certificates ordered from a real CA (Pebble): a listener serves as soon as its certificate is there, and again after a restart without asking. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, type TLSSocket, connect } from 'node:tls'
import { Pebble, type PebbleOptions, freePorts } from '../support/pebble.ts'
import { type Running, startPostern } from '../support/postern.ts'
import { tempFolder } from '../support/temp.ts'

interface Wanted {
  readonly challenge: 'http-01' | 'tls-alpn-01'
  readonly names: readonly string[]
  /** More of the TLS of the listener, and of `acme`. */
  readonly tls?: string
  readonly acme?: string
}

/** A CA that looks for names at the two ports of a gateway in a folder that outlives it. */
async function place(t: TestContext, options: PebbleOptions = {}, isStarted = true) {
  const [httpPort, tlsPort, adminPort] = await freePorts(3)
  const ca = await Pebble.make({ httpPort: httpPort!, tlsPort: tlsPort!, ...options }, isStarted)
  const folder = await tempFolder()
  const running: Running[] = []
  t.after(async () => {
    for (const one of running) await one.kill()
    await ca.close()
    await folder.remove()
  })
  const yaml = ({ challenge, names, tls = '', acme = '' }: Wanted) => `
listeners:
  - address: 127.0.0.1:${httpPort}
  - address: 127.0.0.1:${tlsPort}
    tls: { acme: [${names.join(', ')}]${tls} }
admin: { address: 127.0.0.1:${adminPort} }
threads: 2
acme: { directory: '${ca.directory}', ca: ${ca.caFile}, email: ops@shop.example, terms-agreed: true, challenge: ${challenge}${acme} }
routes:
  all: { match: /*, redirect: { location: 'https://shop.example/' } }
  hello: { match: /hello, reply: { body: hello } }
`
  const start = async (wanted: Wanted, ...args: string[]): Promise<Running> => {
    const one = await startPostern(yaml(wanted), { folder: folder.path, args })
    running.push(one)
    return one
  }
  const secure = async (servername: string, changes: ConnectionOptions = {}): Promise<TLSSocket> => {
    const trusted = changes.ca ?? (await ca.root())
    const socket = connect({ host: '127.0.0.1', port: tlsPort!, servername, ...changes, ca: trusted })
    await once(socket, 'secureConnect')
    return socket
  }
  return { ca, start, secure, yaml, folder: folder.path, httpPort: httpPort! }
}

/** A CA that was away is asked again after some seconds; one that is there needs a few to look. */
const PATIENCE_MS = 30_000

const issued = (postern: Running, name: string) =>
  postern.waitForLine(
    (line) => line['msg'] === 'certificate issued' && line['name'] === name,
    `a certificate for ${name}`,
    PATIENCE_MS,
  )

async function ask(socket: TLSSocket): Promise<string> {
  socket.write('GET /hello HTTP/1.1\r\nHost: shop.example\r\n\r\n')
  const [bytes] = await once(socket, 'data')
  return String(bytes)
}

test('over HTTP: refused until it is there, then served, by every engine; a restart asks nobody', async (t) => {
  const { ca, start, secure, yaml, folder, httpPort } = await place(t, { nonceReject: 20 }, false)
  const names = ['shop.example']
  const postern = await start({ challenge: 'http-01', names })
  await assert.rejects(secure('shop.example', { ca: '' }), { code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME' })
  await postern.waitForRecord(({ reason, host }) => reason === 'tls-certificate-awaited' && host === 'shop.example')
  const failed = await postern.waitForLine(({ msg }) => msg === 'no certificate yet', 'that the CA is away')
  assert.match(String(failed['reason']), /^the CA cannot be reached: connect ECONNREFUSED/)
  await ca.up()
  await issued(postern, 'shop.example')

  const socket = await secure('shop.example')
  assert.match(await ask(socket), /^HTTP\/1.1 200 OK\r\n[^]*hello$/)
  await postern.waitForRecord(
    ({ reason, path }) => reason === 'acme-challenge' && /acme-challenge\/[\w-]+$/.test(String(path)),
  )
  const gone = await fetch(`http://127.0.0.1:${httpPort}/.well-known/acme-challenge/guessed`, { redirect: 'manual' })
  assert.equal(gone.status, 302, 'a token that is not live is the routes’ business')

  // Another name is ordered, and nobody is cut off for it.
  await postern.reload(yaml({ challenge: 'http-01', names: [...names, 'www.shop.example'] }))
  await issued(postern, 'www.shop.example')
  assert.match(await ask(socket), /200 OK/)
  socket.destroy()
  const count = () => postern.lines.filter(({ msg }) => msg === 'certificate issued').length
  assert.equal(count(), 2)
  const metrics = await (await fetch(`${postern.admin}/metrics`)).text()
  assert.match(metrics, /^postern_certificate_expiry_timestamp_seconds\{name="www\.shop\.example"\} \d{10}$/m)
  assert.match(metrics, /^postern_certificate_orders_total\{name="shop\.example",outcome="failed"\} [1-9]/m)
  const root = await ca.root()
  await postern.stop()
  const kept = await readFile(join(folder, '.postern/postern.db'), 'latin1')
  assert.ok(kept.includes('BEGIN CERTIFICATE') && !kept.includes('PRIVATE KEY'), 'keys are sealed in the store')

  await ca.down()
  const again = await start({ challenge: 'http-01', names: [...names, 'www.shop.example'] })
  for (const name of ['shop.example', 'www.shop.example']) {
    const next = await secure(name, { ca: root })
    assert.match(await ask(next), /200 OK/)
    next.destroy()
  }
  assert.equal(again.lines.filter((line) => JSON.stringify(line).includes('PRIVATE KEY')).length, 0)
  await again.stop()
})

test('in handshakes of its own: also where clients must show a certificate', async (t) => {
  const { ca, start, secure } = await place(t)
  const tls = `, strict-sni: true, client-certificates: { ca: ${ca.caFile} }`
  const postern = await start({ challenge: 'tls-alpn-01', names: ['shop.example'], tls })
  await issued(postern, 'shop.example')
  await postern.waitForRecord(({ reason, host }) => reason === 'acme-challenge' && host === 'shop.example')
  const socket = await secure('shop.example')
  const [error] = await once(socket.resume(), 'error')
  assert.equal(error.code, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'it is asked for as ever')
  await postern.stop()
})

test('a process that takes over shows what there is, and orders what is new', async (t) => {
  const { start, secure, yaml } = await place(t)
  const first = await start({ challenge: 'tls-alpn-01', names: ['shop.example'] })
  await issued(first, 'shop.example')
  const second = await start({ challenge: 'tls-alpn-01', names: ['shop.example'] }, '--takeover')
  assert.equal(await first.gone(PATIENCE_MS), 'code 0')
  const socket = await secure('shop.example')
  assert.match(await ask(socket), /200 OK/)
  await second.reload(yaml({ challenge: 'tls-alpn-01', names: ['shop.example', 'new.shop.example'] }))
  await issued(second, 'new.shop.example')
  ;(await secure('new.shop.example')).destroy()
  assert.match(await ask(socket), /200 OK/)
  socket.destroy()
  assert.equal(second.lines.filter(({ msg }) => msg === 'certificate issued').length, 1)
})
