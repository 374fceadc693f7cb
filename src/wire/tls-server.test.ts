/** tls-server: which certificate whom, who is let through, and what is said of those who are not. Real handshakes on real sockets. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { Duplex } from 'node:stream'
import { type TestContext, after, before, describe, it } from 'node:test'
import { type ConnectionOptions, type TLSSocket, connect } from 'node:tls'
import { TestAuthority } from '../../test/support/certificates.ts'
import { HeldClock } from '../../test/support/policy.ts'
import { Signal } from '../selftest/signal.ts'
import { LOOPBACK } from '../../test/support/unit/loopback.ts'
import { Deadlines } from './deadlines.ts'
import { FRAMING } from './head.ts'
import type { Inbound } from './inbound.ts'
import { Listener } from './listener.ts'
import { OutgoingHead } from './outgoing.ts'
import type { Certificate, TlsOptions } from './tls-options.ts'
import { TlsServer } from './tls-server.ts'

const TIMEOUTS = {
  headMs: 60_000,
  bodyIdleMs: 60_000,
  keepAliveMs: 60_000,
  rateMin: { bytesPerSecond: 0, windowMs: 0 },
}
const SECRET = Buffer.alloc(32, 7)

let authority: TestAuthority
let stranger: TestAuthority
let shop: Certificate
let wild: Certificate

before(async () => {
  authority = await TestAuthority.make()
  stranger = await TestAuthority.make('Somebody else')
  shop = { hosts: ['shop.example'], ...authority.issue('shop', '/CN=shop', ['DNS:shop.example']) }
  wild = { hosts: ['*.shop.example'], ...authority.issue('wild', '/CN=wild', ['DNS:*.shop.example']) }
})
after(async () => {
  await authority.remove()
  await stranger.remove()
})

function options(changes: Partial<TlsOptions> = {}): TlsOptions {
  return {
    certificates: [shop, wild],
    ordered: [],
    strictSni: false,
    minVersion: 'TLSv1.2',
    ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256',
    protocols: ['http/1.1'],
    handshakeMs: 60_000,
    clients: null,
    ...changes,
  }
}

/** A listener behind TLS that answers `200` with the name that was asked for; `/hold` is not answered. */
async function listening(t: TestContext, changes: Partial<TlsOptions> = {}, proxyProtocol: string[] | null = null) {
  const clock = new HeldClock()
  const deadlines = new Deadlines(clock)
  const tls = new TlsServer(options(changes), SECRET, clock)
  const events: string[] = []
  const requests: Inbound[] = []
  const signal = new Signal()
  const listener = new Listener(
    {
      request: (inbound) => {
        requests.push(inbound)
        if (inbound.head.target !== '/hold') answer(inbound, `for ${inbound.tls!.serverName}`)
        signal.changed()
      },
      refused: (_inbound, problem) => events.push(problem.code),
      turnedAway: (_address, reason) => events.push(reason),
      unused: () => events.push('unused'),
      unestablished: ({ failure, detail, serverName }) => {
        events.push([failure, detail, serverName].filter((part) => part !== '').join(' | '))
        signal.changed()
      },
    },
    deadlines,
    TIMEOUTS,
    { admission: null, proxyProtocol, tls },
  )
  const port = await listener.listen(LOOPBACK, 64)
  t.after(async () => {
    await listener.drain(0)
    deadlines.close()
  })
  /** The nth failed handshake, from 0. */
  const heard = (n = 0) =>
    signal.until(
      () => events[n],
      () => `${n + 1} failed handshakes`,
    )
  return {
    clock,
    tls,
    listener,
    port,
    requests,
    events,
    heard,
    until: (done: () => boolean, what: string) =>
      signal.until(
        () => done() || undefined,
        () => what,
      ),
  }
}

function answer(inbound: Inbound, text: string): void {
  const head = new OutgoingHead()
  head.set('Content-Length', String(text.length))
  inbound.respond(200, 'OK', head, FRAMING.length, text.length)
  inbound.write(Buffer.from(text), 0, text.length)
  inbound.end()
}

/** Connects as a client that trusts the test's authority. */
async function secure(port: number, changes: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.ca, ...changes })
  await once(socket, 'secureConnect')
  return socket
}

async function ask(socket: TLSSocket, target = '/'): Promise<string> {
  socket.write(`GET ${target} HTTP/1.1\r\nHost: shop.example\r\n\r\n`)
  const [bytes] = await once(socket, 'data')
  return String(bytes)
}

/** The error that a handshake, or what follows it, ends with. */
async function refusal(port: number, changes: ConnectionOptions = {}): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.ca, ...changes })
  socket.resume()
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('close', () => resolve('closed'))
  })
}

describe('the certificate', () => {
  it('is that of the name asked for, a wildcard standing for one label', async (t) => {
    const { port } = await listening(t)
    for (const [servername, subject] of [
      ['shop.example', 'shop'],
      ['API.shop.example', 'wild'],
    ]) {
      const socket = await secure(port, { servername })
      assert.equal(socket.getPeerCertificate().subject.CN, subject)
      assert.match(await ask(socket), /^HTTP\/1.1 200 OK\r\n/)
      socket.destroy()
    }
  })

  it('is the first for no name and for a name that none has', async (t) => {
    const { port } = await listening(t)
    for (const servername of ['', 'a.b.shop.example', 'other.example']) {
      const socket = await secure(port, { servername, checkServerIdentity: () => undefined })
      assert.equal(socket.getPeerCertificate().subject.CN, 'shop')
      socket.destroy()
    }
  })

  it('is refused, strictly, to those who ask for no name or an unknown one', async (t) => {
    const { port, heard } = await listening(t, { strictSni: true })
    assert.equal(await refusal(port, { servername: 'other.example' }), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME')
    assert.equal(await heard(), 'tls-unknown-name | other.example')
    assert.equal(await refusal(port, { servername: '' }), 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE')
    assert.match(await heard(1), /^tls-failed \| no suitable signature algorithm|no shared cipher/)
    ;(await secure(port, { servername: 'shop.example' })).destroy()
  })

  it('that has been ordered is waited for: nobody is shown another in its place, and then it is shown', async (t) => {
    const ordered = ['new.example', 'api.shop.example']
    const { tls, port, heard } = await listening(t, { ordered })
    assert.equal(await refusal(port, { servername: 'NEW.example' }), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME')
    assert.equal(await heard(), 'tls-certificate-awaited | new.example')
    const meanwhile = await secure(port, { servername: 'api.shop.example' })
    assert.equal(meanwhile.getPeerCertificate().subject.CN, 'wild', 'a wildcard is for it too')
    meanwhile.destroy()
    const issued = { hosts: ['new.example'], ...authority.issue('new', '/CN=new', ['DNS:new.example']) }
    tls.update(options({ ordered, certificates: [shop, wild, issued] }))
    const socket = await secure(port, { servername: 'new.example' })
    assert.equal(socket.getPeerCertificate().subject.CN, 'new')
    socket.destroy()
  })

  it('that is the first of all and has been ordered is waited for by those too who ask for no name', async (t) => {
    const { port, heard } = await listening(t, { certificates: [], ordered: ['new.example'] })
    assert.equal(await refusal(port, { servername: '' }), 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE')
    assert.match(await heard(), /^tls-certificate-awaited/)
    assert.equal(await refusal(port, { servername: 'other.example' }), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME')
    assert.equal(await heard(1), 'tls-unknown-name | other.example')
  })

  it('of a reload is for new connections; those that stand go on', async (t) => {
    const { tls, port } = await listening(t)
    const old = await secure(port, { servername: 'shop.example' })
    const renewed = authority.issue('renewed', '/CN=renewed', ['DNS:shop.example'])
    tls.update(options({ certificates: [{ hosts: ['shop.example'], ...renewed }] }))
    const young = await secure(port, { servername: 'shop.example' })
    assert.equal(young.getPeerCertificate().subject.CN, 'renewed')
    assert.match(await ask(old), /200 OK/)
    assert.match(await ask(young), /200 OK/)
    old.destroy()
    young.destroy()
  })

  it('that cannot be used changes nothing', async (t) => {
    const { tls, port } = await listening(t)
    const broken = { hosts: ['shop.example'], chain: shop.chain, key: wild.key }
    assert.throws(() => tls.update(options({ certificates: [broken] })))
    ;(await secure(port, { servername: 'shop.example' })).destroy()
  })
})

describe('what is spoken', () => {
  it('is agreed upon, or the handshake is refused', async (t) => {
    const { port, heard } = await listening(t)
    const socket = await secure(port, { ALPNProtocols: ['h2', 'http/1.1'], servername: 'shop.example' })
    assert.equal(socket.alpnProtocol, 'http/1.1')
    await ask(socket)
    socket.destroy()
    assert.equal(
      await refusal(port, { ALPNProtocols: ['h2'], servername: 'shop.example' }),
      'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    )
    assert.equal(await heard(), 'tls-failed | no application protocol | shop.example')
  })

  it('has a lowest version', async (t) => {
    const { port, heard } = await listening(t, { minVersion: 'TLSv1.3' })
    const refused = await refusal(port, { maxVersion: 'TLSv1.2', servername: 'shop.example' })
    assert.equal(refused, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
    assert.equal(await heard(), 'tls-failed | unsupported protocol')
  })
})

describe('a load balancer', () => {
  it('may send its header and the first of the handshake in one packet', async (t) => {
    const { port, requests } = await listening(t, {}, ['127.0.0.0/8'])
    const raw = connectTcp(port, '127.0.0.1')
    t.after(() => raw.destroy())
    let header = Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 5000 443\r\n')
    const through = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        raw.write(Buffer.concat([header, chunk]), () => done())
        header = Buffer.alloc(0)
      },
    })
    raw.on('data', (bytes) => through.push(bytes))
    const socket = connect({ socket: through, ca: authority.ca, servername: 'shop.example' })
    assert.match(await ask(socket), /^HTTP\/1.1 200 OK\r\n/)
    assert.equal(requests[0]!.client.address, '192.0.2.7')
  })
})

describe('a client certificate', () => {
  const asked = (changes: object = {}) => ({ clients: { ca: authority.ca, required: true, hosts: [], ...changes } })
  const credentials = () => {
    const { chain: cert, key } = authority.issue('till', '/O=Shop/CN=till 7', ['DNS:till7.shop.example', 'IP:10.0.0.7'])
    return { cert, key }
  }

  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const)
    it(`is who the client is (${maxVersion})`, async (t) => {
      const { port, requests } = await listening(t, asked())
      const socket = await secure(port, { ...credentials(), maxVersion, servername: 'shop.example' })
      await ask(socket)
      const { certificate, version } = requests[0]!.tls!
      assert.equal(version, maxVersion)
      assert.equal(certificate!.subject, 'CN=till 7,O=Shop')
      assert.equal(certificate!.issuer, 'CN=Test CA')
      assert.deepEqual(certificate!.names, ['DNS:till7.shop.example', 'IP:10.0.0.7'])
      assert.match(certificate!.fingerprint, /^[0-9a-f]{64}$/)
      socket.destroy()
    })

  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const)
    it(`that is missing or not from the CA ends the handshake (${maxVersion})`, async (t) => {
      const { port, requests, heard } = await listening(t, asked())
      assert.notEqual(await refusal(port, { maxVersion, servername: 'shop.example' }), 'closed')
      assert.equal(await heard(), 'client-certificate-missing | peer did not return a certificate | shop.example')
      const { chain: cert, key } = stranger.issue('thief', '/CN=till 7', [])
      await refusal(port, { cert, key, maxVersion, servername: 'shop.example' })
      assert.equal(await heard(1), 'client-certificate-invalid | UNABLE_TO_VERIFY_LEAF_SIGNATURE | shop.example')
      assert.equal(requests.length, 0)
    })

  it('can be for some names only, and a handshake for one of the others does not do for them', async (t) => {
    const { port, requests, heard } = await listening(t, asked({ hosts: ['*.shop.example'] }))
    const open = await secure(port, { servername: 'shop.example' })
    await ask(open)
    const { tls } = requests[0]!
    assert.equal(tls!.certificate, null)
    assert.equal(tls!.answersFor('shop.example'), true)
    assert.equal(tls!.answersFor('api.shop.example'), false)
    assert.equal(tls!.answersFor('other.example'), true)
    open.destroy()
    await refusal(port, { servername: 'api.shop.example' })
    assert.equal(await heard(), 'client-certificate-missing | api.shop.example')
    const known = await secure(port, { ...credentials(), servername: 'api.shop.example' })
    await ask(known)
    assert.equal(requests[1]!.tls!.answersFor('api.shop.example'), true)
    assert.equal(requests[1]!.tls!.answersFor('pay.shop.example'), false)
    known.destroy()
  })

  it('that is optional is asked for, and one from elsewhere counts as none', async (t) => {
    const { port, requests } = await listening(t, asked({ required: false }))
    const { chain: cert, key } = stranger.issue('thief', '/CN=till 7', [])
    for (const shown of [{}, { cert, key }, credentials()]) {
      const socket = await secure(port, { ...shown, servername: 'shop.example' })
      await ask(socket)
      socket.destroy()
    }
    assert.deepEqual(
      requests.map(({ tls }) => tls!.certificate?.subject),
      [undefined, undefined, 'CN=till 7,O=Shop'],
    )
  })
})

describe('a session', () => {
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const)
    it(`goes on from a ticket, whoever of those with the same keys gave it (${maxVersion})`, async (t) => {
      const [one, other] = [await listening(t), await listening(t)]
      const first = connect({ port: one.port, ca: authority.ca, servername: 'shop.example', maxVersion })
      const session = once(first, 'session')
      await ask(first)
      const [ticket] = await session
      first.destroy()
      const second = await secure(other.port, { servername: 'shop.example', maxVersion, session: ticket })
      await ask(second)
      assert.equal(second.isSessionReused(), true)
      assert.equal(other.requests[0]!.tls!.resumed, true)
      second.destroy()
    })

  it('does not go on the next day: the keys of its ticket are gone', async (t) => {
    const { port, clock } = await listening(t)
    const first = connect({ port, ca: authority.ca, servername: 'shop.example' })
    const session = once(first, 'session')
    await ask(first)
    const [ticket] = await session
    first.destroy()
    clock.advance(86_400_000)
    const second = await secure(port, { servername: 'shop.example', session: ticket })
    assert.equal(second.isSessionReused(), false)
    second.destroy()
  })

  it('begun without a certificate does not go on where one is required', async (t) => {
    const clients = { ca: authority.ca, required: true, hosts: ['api.shop.example'] }
    const { port, requests, heard } = await listening(t, { clients })
    const first = connect({ port, ca: authority.ca, servername: 'shop.example', rejectUnauthorized: false })
    const session = once(first, 'session')
    await ask(first)
    const [ticket] = await session
    first.destroy()
    await refusal(port, { servername: 'api.shop.example', session: ticket, rejectUnauthorized: false })
    assert.match(await heard(), /^client-certificate-missing/)
    assert.equal(requests.length, 1)
  })
})

describe('a connection that dies in its handshake', () => {
  it('is told once, with the reason', async (t) => {
    const { port, heard, events } = await listening(t, { handshakeMs: 300 })
    const ends: [(port: number) => void, string][] = [
      [(port) => connectTcp(port).end(), 'no-request'],
      [(port) => connectTcp(port).end(Buffer.from([0x16, 3, 1])), 'tls-aborted'],
      [(port) => connectTcp(port).end('GET / HTTP/1.1\r\n\r\n'), 'tls-failed | http request'],
      [(port) => connectTcp(port), 'tls-timeout'],
    ]
    for (const [n, [end, reason]] of ends.entries()) {
      end(port)
      assert.equal(await heard(n), reason)
    }
    assert.equal(events.length, ends.length)
  })
})

describe('ending', () => {
  it('cuts an answer with a reset', async (t) => {
    const { port, requests, until } = await listening(t)
    const socket = await secure(port, { servername: 'shop.example' })
    socket.write('GET /hold HTTP/1.1\r\nHost: shop.example\r\n\r\n')
    await until(() => requests.length === 1, 'the request')
    requests[0]!.abort()
    const [error] = await once(socket, 'error')
    assert.equal(error.code, 'ECONNRESET')
  })

  it('drains: handshakes and requests that run are finished within the bound', async (t) => {
    const { port, listener, requests, until } = await listening(t)
    const busy = await secure(port, { servername: 'shop.example' })
    busy.write('GET /hold HTTP/1.1\r\nHost: shop.example\r\n\r\n')
    await until(() => requests.length === 1, 'the request')
    assert.equal(listener.open, 1)
    const drained = listener.drain(60_000)
    answer(requests[0]!, 'late')
    const [bytes] = await once(busy, 'data')
    assert.match(String(bytes), /200 OK[^]*Connection: close[^]*late$/)
    busy.end()
    await drained
  })
})
