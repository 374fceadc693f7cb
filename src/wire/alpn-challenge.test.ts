/** alpn-challenge: CAs are answered before the handshake of everybody else, who notice nothing. Real handshakes on real sockets. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type Server, connect as connectTcp, createServer } from 'node:net'
import { type TestContext, after, before, describe, it } from 'node:test'
import { type ConnectionOptions, type TLSSocket, connect } from 'node:tls'
import { TestAuthority } from '../../test/support/certificates.ts'
import { HeldClock } from '../../test/support/policy.ts'
import { Signal } from '../selftest/signal.ts'
import { AlpnChallenge } from './alpn-challenge.ts'
import type { Certificate, TlsOptions } from './tls-options.ts'
import { TlsServer } from './tls-server.ts'

let authority: TestAuthority
let shop: Certificate
let proof: Certificate

before(async () => {
  authority = await TestAuthority.make()
  shop = { hosts: ['shop.example'], ...authority.issue('shop', '/CN=shop', ['DNS:shop.example']) }
  proof = { hosts: ['new.example'], ...authority.issue('proof', '/CN=proof', ['DNS:new.example']) }
})
after(() => authority.remove())

function portOf(server: Server): number {
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

/** A TLS server with a challenge that is live, on a real port. */
async function listening(t: TestContext, changes: Partial<TlsOptions> = {}) {
  const options: TlsOptions = {
    certificates: [shop],
    ordered: ['new.example'],
    strictSni: true,
    minVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256',
    protocols: ['http/1.1'],
    handshakeMs: 60_000,
    clients: { ca: authority.ca, required: true, hosts: [] },
    ...changes,
  }
  const tls = new TlsServer(options, Buffer.alloc(32, 7), new HeldClock())
  tls.challenge = new AlpnChallenge([proof])
  const signal = new Signal()
  const events: string[] = []
  const said = (event: string) => {
    events.push(event)
    signal.changed()
  }
  const server = createServer((socket) =>
    tls.accept(socket, {
      secured: (secured) => {
        secured.on('error', () => {}).end('hello')
        said(`secured ${secured.alpnProtocol}`)
      },
      failed: (failure, _detail, serverName) => said(`${failure} ${serverName}`),
    }),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    tls.destroy()
    server.close()
  })
  const port = portOf(server)
  const heard = () =>
    signal.until(
      () => events.shift(),
      () => 'how it ended',
    )
  const secure = async (wanted: ConnectionOptions): Promise<TLSSocket> => {
    const socket = connect({ host: '127.0.0.1', port, ca: authority.ca, ...wanted })
    await once(socket, 'secureConnect')
    return socket
  }
  return { tls, port, heard, secure }
}

describe('a CA', () => {
  it('is shown the certificate of the challenge, whatever else is asked of clients', async (t) => {
    const { secure, heard } = await listening(t)
    const socket = await secure({ servername: 'new.example', ALPNProtocols: ['acme-tls/1'] })
    assert.equal(socket.alpnProtocol, 'acme-tls/1')
    assert.equal(socket.getPeerCertificate().subject.CN, 'proof')
    await once(socket.resume(), 'close')
    assert.equal(await heard(), 'acme-challenge new.example')
  })

  it('that speaks TLS 1.2 is answered too', async (t) => {
    const { port, heard } = await listening(t)
    const args = ['-connect', `127.0.0.1:${port}`, '-servername', 'new.example', '-alpn', 'acme-tls/1', '-tls1_2']
    const child = execFile('openssl', ['s_client', ...args])
    let out = ''
    child.stdout!.on('data', (text) => (out += text))
    await once(child, 'close')
    assert.match(out, /ALPN protocol: acme-tls\/1/)
    assert.match(out, /subject=CN = proof/)
    assert.equal(await heard(), 'acme-challenge new.example')
  })

  it('that asks for a name without a challenge, or offers more, is as anybody else', async (t) => {
    const { secure, heard } = await listening(t)
    await assert.rejects(secure({ servername: 'shop.example', ALPNProtocols: ['acme-tls/1'] }))
    assert.equal(await heard(), 'tls-failed shop.example')
    await assert.rejects(secure({ servername: 'new.example', ALPNProtocols: ['acme-tls/1', 'http/1.1'] }))
    assert.equal(await heard(), 'tls-certificate-awaited new.example')
  })
})

describe('beside a challenge', () => {
  it('everybody else comes through, and is asked what he is always asked', async (t) => {
    const { secure, heard } = await listening(t)
    const { chain: cert, key } = authority.issue('till', '/CN=till', ['DNS:till.example'])
    const socket = await secure({ servername: 'shop.example', ALPNProtocols: ['http/1.1'], cert, key })
    assert.equal(await heard(), 'secured http/1.1')
    const [bytes] = await once(socket, 'data')
    assert.equal(String(bytes), 'hello')
    socket.destroy()
    const stranger = await secure({ servername: 'shop.example' })
    await once(stranger.resume(), 'error')
    assert.equal(await heard(), 'client-certificate-missing shop.example')
  })

  it('who does not speak TLS, says nothing, or goes is told apart', async (t) => {
    const { port, heard } = await listening(t, { handshakeMs: 50 })
    const clear = connectTcp(port, '127.0.0.1', () => clear.write('GET / HTTP/1.1\r\n\r\n')).on('error', () => {})
    assert.equal(await heard(), 'tls-failed ')
    const silent = connectTcp(port, '127.0.0.1').on('error', () => {})
    assert.equal(await heard(), 'tls-timeout ')
    const short = connectTcp(port, '127.0.0.1', () => short.end('\x16\x03\x01')).on('error', () => {})
    assert.equal(await heard(), 'tls-aborted ')
    const idle = connectTcp(port, '127.0.0.1', () => idle.end()).on('error', () => {})
    assert.equal(await heard(), 'no-request ')
    for (const socket of [clear, silent, short, idle]) socket.destroy()
  })
})
