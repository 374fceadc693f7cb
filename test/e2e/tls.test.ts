/** TLS as operators have it: certificates in files that are renewed under a running gateway, clients known by theirs. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, rename } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type ConnectionOptions, type TLSSocket, connect } from 'node:tls'
import { RecordingUpstream } from '../../src/selftest/recording-upstream.ts'
import { TestAuthority } from '../support/certificates.ts'
import { startPostern } from '../support/postern.ts'

const authority = await TestAuthority.make()
const { folder } = authority
authority.issue('shop', '/CN=first', ['DNS:shop.example', 'DNS:*.shop.example'])
authority.issue('second', '/CN=second', ['DNS:shop.example'])
authority.issue('till', '/O=Shop/CN=till 7', ['URI:spiffe://shop/till/7'])

const upstream = await RecordingUpstream.start()
const configuration = `
listeners:
  - address: 127.0.0.1:0
    tls: { certificates: [{ cert: ${folder}/shop.pem, key: ${folder}/shop.key }] }
  - address: 127.0.0.1:0
    tls:
      certificates: [{ cert: ${folder}/shop.pem, key: ${folder}/shop.key }]
      client-certificates: { ca: ${folder}/ca.pem }
admin: { address: 127.0.0.1:0 }
threads: 2
services: { up: ${upstream.url} }
consumers:
  till-7: { credentials: [{ client-cert: { san: URI:spiffe://shop/till/7 } }] }
routes:
  till: { match: /till, policies: [{ client-cert: { known: true } }], proxy: up }
  office: { match: /office, policies: [{ client-cert: { subjects: [CN=office] } }], proxy: up }
  plain: { match: /plain, proxy: up }
  hello: { match: /hello, reply: { body: hello } }
`
const postern = await startPostern(configuration)
after(async () => {
  await postern.stop()
  await upstream.close()
  await authority.remove()
})

async function secure(changes: ConnectionOptions = {}, listener = 0): Promise<TLSSocket> {
  const trust = { ca: authority.ca, servername: 'shop.example' }
  const socket = connect({ host: '127.0.0.1', port: postern.port(listener), ...trust, ...changes })
  await once(socket, 'secureConnect')
  return socket
}

async function ask(socket: TLSSocket, path = '/hello', lines = ''): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: shop.example\r\n${lines}\r\n`)
  const [bytes] = await once(socket, 'data')
  return String(bytes)
}

const commonName = (socket: TLSSocket) => socket.getPeerCertificate().subject.CN

test('a listener with tls is told as https and speaks nothing else', async () => {
  assert.match(postern.gateway[0]!, /^https:\/\/127\.0\.0\.1:/)
  const socket = await secure()
  assert.match(await ask(socket), /^HTTP\/1.1 200 OK\r\n[^]*hello$/)
  socket.destroy()
  await assert.rejects(fetch(`http://127.0.0.1:${postern.port()}/hello`))
  await postern.waitForRecord(({ reason, detail }) => reason === 'tls-failed' && detail === 'http request')
})

test('a client that speaks HTTP/2 gets it', async () => {
  const session = connectHttp2(`https://127.0.0.1:${postern.port()}`, { ca: authority.ca, servername: 'shop.example' })
  const stream = session.request({ ':path': '/hello', ':authority': 'shop.example' })
  const [headers] = await once(stream, 'response')
  assert.equal(headers[':status'], 200)
  assert.equal(session.alpnProtocol, 'h2')
  stream.resume()
  await once(stream, 'close')
  session.close()
})

test('openssl goes on with its session at whichever engine it comes to', async () => {
  const args = [
    's_client',
    '-connect',
    `127.0.0.1:${postern.port()}`,
    '-servername',
    'shop.example',
    '-tls1_2',
    '-reconnect',
  ]
  const child = execFile('openssl', args)
  child.stdin!.end('Q\n')
  let said = ''
  child.stdout!.on('data', (text) => (said += text))
  await once(child, 'close')
  assert.equal(said.match(/^New, /gm)?.length, 1)
  assert.equal(said.match(/^Reused, /gm)?.length, 5)
})

test('files that are renewed are shown to new connections; those that stand go on', async () => {
  const old = await secure()
  assert.equal(commonName(old), 'first')
  assert.match(await ask(old), /200 OK/)
  // One after the other, as renewal scripts do: in between they do not fit, and what was read before goes on.
  for (const kind of ['pem', 'key']) {
    const seen = postern.lines.length
    await copyFile(join(folder, `second.${kind}`), join(folder, `next.${kind}`))
    await rename(join(folder, `next.${kind}`), join(folder, `shop.${kind}`))
    const verdict = kind === 'pem' ? /changed and cannot be used/ : /^revision applied$/
    await postern.waitForLine(
      (line) => postern.lines.indexOf(line) >= seen && verdict.test(String(line['msg'])),
      `the verdict on the ${kind} file`,
    )
    assert.match(await ask(old), /200 OK/)
  }
  const young = await secure()
  assert.equal(commonName(young), 'second')
  young.destroy()
  old.destroy()
  assert.equal(postern.lines.filter((line) => JSON.stringify(line).includes('PRIVATE KEY')).length, 0)
})

test('who shows no certificate, where one is required, is refused and recorded', async () => {
  const socket = await secure({}, 1)
  const [error] = await once(socket.resume(), 'error')
  assert.equal(error.code, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')
  await postern.waitForRecord(({ reason, host }) => reason === 'client-certificate-missing' && host === 'shop.example')
})

test('who shows one is in the access record', async () => {
  const { chain: cert, key } = authority.issue('till', '/O=Shop/CN=till 7', ['URI:spiffe://shop/till/7'])
  const socket = await secure({ cert, key }, 1)
  assert.match(await ask(socket), /200 OK/)
  const record = await postern.waitForRecord(({ certificate }) => certificate !== undefined)
  assert.equal(record['certificate'], 'CN=till 7,O=Shop')
  assert.match(String(record['fingerprint']), /^[0-9a-f]{64}$/)
  socket.destroy()
})

test('services are told by the gateway who showed one, and never by the client itself', async () => {
  const { chain: cert, key } = authority.issue('till', '/O=Shop/CN=till 7', ['URI:spiffe://shop/till/7'])
  const forged = 'Client-Cert: :AAAA:\r\nClient-Cert-Chain: :AAAA:\r\nClient_Cert: :AAAA:\r\nX-Consumer-Name: admin\r\n'
  const told = (n: number) =>
    upstream.requests[n]!.lines.filter(([name]) => /^(?:client[-_]cert|x-consumer)/i.test(name))
  const socket = await secure({ cert, key }, 1)
  assert.match(await ask(socket, '/till', forged), /200 OK/)
  const [certificate, consumer, ...more] = told(0)
  assert.equal(certificate![0], 'Client-Cert')
  assert.deepEqual([consumer, more], [['X-Consumer-Name', 'till-7'], []])
  const shown = new X509Certificate(Buffer.from(certificate![1].slice(1, -1), 'base64'))
  assert.equal(shown.fingerprint, new X509Certificate(cert).fingerprint)
  assert.match(await ask(socket, '/office'), /^HTTP\/1.1 403 [^]*client-certificate-refused/)
  socket.destroy()
  await postern.waitForRecord(({ consumer: name }) => name === 'till-7')
  const other = await secure()
  assert.match(await ask(other, '/till', forged), /^HTTP\/1.1 403 [^]*client-certificate-missing/)
  assert.match(await ask(other, '/plain', forged), /200 OK/)
  assert.deepEqual(told(1), [['X-Consumer-Name', 'admin']], 'no policy of this route says who calls')
  other.destroy()
})
