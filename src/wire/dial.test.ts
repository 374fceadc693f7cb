/** dial: TLS to upstreams. Who is believed, what is asked for and shown, what is said of those that are not; real handshakes. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type Socket, createServer as createTcpServer } from 'node:net'
import { type TestContext, after, describe, it } from 'node:test'
import { type TLSSocket, type TlsOptions, createServer as createTlsServer } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { TestAuthority } from '../../test/support/certificates.ts'
import { HeldClock } from '../../test/support/policy.ts'
import { TlsUpstream } from '../../test/support/tls-upstream.ts'
import { Asked } from '../../test/support/unit/asked.ts'
import { listen } from '../../test/support/unit/loopback.ts'
import { Deadlines } from './deadlines.ts'
import { type Protocol, Pools } from './pool.ts'
import { putBack } from './put-back.ts'
import { USUAL_TLS, UpstreamTls, type UpstreamTlsOptions } from './upstream-tls.ts'

const authority = await TestAuthority.make()
const stranger = await TestAuthority.make('Somebody else')
const clock = new HeldClock()
const deadlines = new Deadlines(clock)
const pools = new Pools(deadlines)
after(async () => {
  pools.close()
  deadlines.close()
  await authority.remove()
  await stranger.remove()
})

/** Any certificate of these tests has expired by then. */
const YEARS_MS = 2 * 365 * 86_400_000

const TRUST: Partial<UpstreamTlsOptions> = { ca: authority.ca }
const good = authority.issue('good', '/CN=good', ['DNS:shop.example', 'IP:127.0.0.1'])
const shown = ({ chain: cert, key }: { chain: string; key: string }): TlsOptions => ({ cert, key })

async function upstreamWith(t: TestContext, options: TlsOptions): Promise<TlsUpstream> {
  const upstream = await TlsUpstream.start(options)
  t.after(() => upstream.close())
  return upstream
}

/** Asks over a connection of its own, and says what came of it: `200`, or the failure and its detail. */
async function ask(url: string, tls: Partial<UpstreamTlsOptions> = TRUST, protocol: Protocol = 'http/1.1') {
  const pool = pools.of(url, null, { protocol, tls: new UpstreamTls({ ...USUAL_TLS, ...tls }) })
  const asked = await new Asked(pool, { fresh: true }).ended()
  asked.connection.destroy()
  return asked.failure === null ? String(asked.status) : `${asked.failure} ${asked.detail}`
}

describe('an upstream', () => {
  for (const [name, make, expected] of [
    ['that a believed CA vouches for is believed', () => good, '200'],
    [
      'whose certificate has expired is not',
      () => authority.issueExpired('old', '/CN=old', ['IP:127.0.0.1']),
      'tls-failed CERT_HAS_EXPIRED',
    ],
    [
      'whose certificate is for another name is not',
      () => authority.issue('other', '/CN=127.0.0.1', ['DNS:other.example']),
      'tls-failed ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'that vouches for itself is not',
      () => ({ chain: stranger.ca, key: stranger.caKey }),
      'tls-failed DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
    [
      'that a stranger vouches for is not',
      () => stranger.issue('strange', '/CN=strange', ['IP:127.0.0.1']),
      'tls-failed UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
  ] as const) {
    it(name, async (t) => {
      const { url } = await upstreamWith(t, shown(make()))
      assert.equal(await ask(url), expected)
      // Nor the second time: a session is no way around.
      assert.equal(await ask(url), expected)
    })

    it(`${name}: with TLS 1.2`, async (t) => {
      const { url } = await upstreamWith(t, { ...shown(make()), maxVersion: 'TLSv1.2' })
      for (let i = 0; i < 3; i++) assert.equal(await ask(url), expected)
    })

    it(`${name}: with HTTP/2`, async (t) => {
      const { url } = await upstreamWith(t, { ...shown(make()), ALPNProtocols: ['h2'] })
      // This upstream does not speak it: whoever is believed is sent a preface, and answers nonsense.
      assert.equal(await ask(url, TRUST, 'h2'), expected === '200' ? 'invalid-answer ' : expected)
    })

    it(`${name}, but is where nothing is verified`, async (t) => {
      const { url } = await upstreamWith(t, shown(make()))
      assert.equal(await ask(url, { verify: false }), '200')
    })
  }

  it('is not believed for the well-known CAs alone, and is with one beside them', async (t) => {
    const { url } = await upstreamWith(t, shown(good))
    assert.equal(await ask(url, {}), 'tls-failed UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    assert.equal(await ask(url, { moreCa: authority.ca }), '200')
    // Where a CA is named, no other is believed.
    assert.equal(await ask(url, { ca: stranger.ca }), 'tls-failed UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })

  it('that is vouched for by several steps shows them', async (t) => {
    const { url } = await upstreamWith(t, shown({ chain: good.chain + stranger.ca, key: good.key }))
    assert.equal(await ask(url), '200')
  })
})

describe('the name', () => {
  it('asked for is the host; an address is none, and compared all the same', async (t) => {
    const upstream = await upstreamWith(
      t,
      shown(authority.issue('local', '/CN=local', ['DNS:localhost', 'IP:127.0.0.1'])),
    )
    assert.equal(await ask(upstream.url), '200')
    assert.equal(await ask(`https://localhost:${upstream.port}`), '200')
    assert.deepEqual(
      upstream.met.map(({ serverName }) => serverName),
      ['', 'localhost'],
    )
  })

  it('is the configured one, asked for and compared', async (t) => {
    const upstream = await upstreamWith(t, shown(good))
    assert.equal(await ask(upstream.url, { ...TRUST, serverName: 'shop.example' }), '200')
    assert.equal(upstream.met[0]!.serverName, 'shop.example')
    const other = await ask(upstream.url, { ...TRUST, serverName: 'other.example' })
    assert.equal(other, 'tls-failed ERR_TLS_CERT_ALTNAME_INVALID')
  })
})

describe('a client certificate', () => {
  const till = authority.issue('till', '/CN=till 7', [])
  const thief = stranger.issue('thief', '/CN=till 7', [])
  const wanted = { ...shown(good), ca: [authority.ca], requestCert: true }

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`is shown to whoever asks for one: ${maxVersion}`, async (t) => {
      const upstream = await upstreamWith(t, { ...wanted, maxVersion })
      assert.equal(await ask(upstream.url, { ...TRUST, certificate: till }), '200')
      assert.deepEqual([upstream.met[0]!.client, upstream.met[0]!.version], ['till 7', maxVersion])
    })

    for (const protocol of ['http/1.1', 'h2'] as const) {
      it(`that is demanded and missing ends the handshake: ${maxVersion}, ${protocol}`, async (t) => {
        const upstream = await upstreamWith(t, { ...wanted, maxVersion, ALPNProtocols: [protocol] })
        assert.match(
          await ask(upstream.url, TRUST, protocol),
          /^tls-failed ERR_SSL_.*ALERT_(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)$/,
        )
        assert.equal(upstream.requests, 0)
      })
    }

    it(`of a stranger is refused: ${maxVersion}`, async (t) => {
      const upstream = await upstreamWith(t, { ...wanted, maxVersion })
      const said = await ask(upstream.url, { ...TRUST, certificate: thief })
      // Node's server closes without a word where OpenSSL has left the judgement to it.
      assert.match(said, /^(tls-failed|reset) /)
      assert.equal(upstream.requests, 0)
    })
  }

  it('is not shown to whoever does not ask', async (t) => {
    const upstream = await upstreamWith(t, shown(good))
    assert.equal(await ask(upstream.url, { ...TRUST, certificate: till }), '200')
    assert.equal(upstream.met[0]!.client, '')
  })
})

describe('a session', () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`is gone on with by the next connections: ${maxVersion}`, async (t) => {
      const upstream = await upstreamWith(t, { ...shown(good), maxVersion })
      for (let i = 0; i < 3; i++) assert.equal(await ask(upstream.url), '200')
      assert.deepEqual(
        upstream.met.map(({ resumed }) => resumed),
        [false, true, true],
      )
    })
  }

  it('is not gone on with by connections that believe others, or show somebody else', async (t) => {
    const upstream = await upstreamWith(t, shown(good))
    const till = authority.issue('till2', '/CN=till 2', [])
    for (const tls of [TRUST, { ...TRUST, certificate: till }, { ...TRUST, verify: false }])
      assert.equal(await ask(upstream.url, tls), '200')
    assert.deepEqual(
      upstream.met.map(({ resumed }) => resumed),
      [false, false, false],
    )
  })

  it('does not outlive the certificate', async (t) => {
    const upstream = await upstreamWith(t, shown(good))
    assert.equal(await ask(upstream.url), '200')
    clock.jump(YEARS_MS)
    assert.equal(await ask(upstream.url), '200')
    assert.equal(upstream.met[1]!.resumed, false)
    clock.jump(-YEARS_MS)
  })
})

describe('a handshake', () => {
  it('of an upstream that speaks older versions only is refused', async (t) => {
    const { url } = await upstreamWith(t, { ...shown(good), maxVersion: 'TLSv1.2' })
    const said = await ask(url, { ...TRUST, minVersion: 'TLSv1.3' })
    assert.equal(said, 'tls-failed ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
  })

  it('without a common cipher is refused', async (t) => {
    const options = { ...shown(good), maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const
    const { url } = await upstreamWith(t, options)
    assert.match(
      await ask(url, { ...TRUST, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }),
      /^tls-failed ERR_SSL_.*HANDSHAKE_FAILURE$/,
    )
  })

  it('that does not agree on HTTP/2 is refused, by the upstream or by us', async (t) => {
    const { url } = await upstreamWith(t, { ...shown(good), ALPNProtocols: ['http/1.1'] })
    assert.equal(await ask(url, TRUST, 'h2'), 'tls-failed ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')
    const silent = await upstreamWith(t, shown(good))
    assert.equal(await ask(silent.url, TRUST, 'h2'), 'tls-failed no-h2')
    assert.equal(silent.requests, 0)
  })

  for (const [name, act, expected] of [
    ['closes', (socket: Socket) => socket.destroy(), 'tls-failed ECONNRESET'],
    ['resets', (socket: Socket) => socket.resetAndDestroy(), 'tls-failed ECONNRESET'],
    [
      'answers in clear',
      (socket: Socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n'),
      'tls-failed ERR_SSL_WRONG_VERSION_NUMBER',
    ],
  ] as const) {
    it(`within which the upstream ${name} fails`, async (t) => {
      const server = createTcpServer((socket) => void socket.on('error', () => {}).once('data', () => act(socket)))
      const port = await listen(server)
      t.after(() => server.close())
      for (const protocol of ['http/1.1', 'h2'] as const)
        assert.equal(await ask(`https://127.0.0.1:${port}`, TRUST, protocol), expected)
    })
  }

  for (const protocol of ['http/1.1', 'h2'] as const) {
    it(`that is never finished is ended by the time to connect: ${protocol}`, async () => {
      const sockets: Socket[] = []
      const server = createTcpServer((socket) => void sockets.push(socket.on('error', () => {})))
      const port = await listen(server)
      const pool = pools.of(`https://127.0.0.1:${port}`, null, { protocol, tls: new UpstreamTls(USUAL_TLS) })
      const asked = new Asked(pool, { timeouts: { connectMs: 5_000 } })
      while (sockets.length === 0) await sleep(5)
      await once(sockets[0]!, 'data')
      clock.advance(5_000)
      assert.equal((await asked.ended()).failure, 'connect-timeout')
      server.close()
      for (const socket of sockets) socket.destroy()
    })
  }
})

describe('a connection that is announced', () => {
  /** TLS behind a header, of which it tells the first line; speaks back whatever it is sent once it has switched. */
  async function echoing(t: TestContext) {
    const lines: string[] = []
    const inner = createTlsServer(shown(good), (socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly ')
        socket.pipe(socket)
      })
    })
    const server = createTcpServer((socket) => {
      t.after(() => socket.destroy())
      socket
        .on('error', () => {})
        .once('data', (bytes: Buffer) => {
          const end = bytes.indexOf('\r\n') + 2
          lines.push(bytes.toString('latin1', 0, end))
          putBack(socket, bytes.subarray(end))
          inner.emit('connection', socket)
        })
    })
    const port = await listen(server)
    t.after(() => server.close())
    return { lines, port }
  }

  it('is a tunnel like any other: every byte passes, both ways, however fast it is read', async (t) => {
    const { lines, port } = await echoing(t)
    const tls = new UpstreamTls({ ...USUAL_TLS, ...TRUST })
    const pool = pools.of(`https://127.0.0.1:${port}`, null, { tls, proxyProtocol: 'v1' })
    const asked = await new Asked(pool, { upgrade: true }).ended()
    assert.deepEqual([asked.events, lines], [['upgraded'], ['PROXY UNKNOWN\r\n']])
    const sent = randomBytes(4_000_000)
    const got: Buffer[] = []
    let bytes = 0
    const { tunnel } = asked
    const whole = new Promise<void>((resolve) => {
      tunnel!.start(
        (read, start, end) => {
          got.push(Buffer.from(read.subarray(start, end)))
          bytes += end - start
          if (bytes >= 'early '.length + sent.length) resolve()
        },
        () => {},
      )
    })
    tunnel!.socket.write(sent)
    await whole
    assert.ok(Buffer.concat(got).equals(Buffer.concat([Buffer.from('early '), sent])))
    tunnel!.socket.destroy()
  })

  it('stops reading while nobody has room, and loses nothing of it', async (t) => {
    const body = 'x'.repeat(16_000_000)
    const sender = new Promise<TLSSocket>((resolve) => {
      const inner = createTlsServer(shown(good), (socket) => {
        socket.on('error', () => {})
        socket.once('data', () => {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
          resolve(socket)
        })
      })
      const server = createTcpServer((socket) => {
        socket
          .on('error', () => {})
          .once('data', (bytes: Buffer) => {
            putBack(socket, bytes.subarray(bytes.indexOf('\r\n') + 2))
            inner.emit('connection', socket)
          })
      })
      void listen(server).then((port) => {
        t.after(() => server.close())
        const tls = new UpstreamTls({ ...USUAL_TLS, ...TRUST })
        asked = new Asked(pools.of(`https://127.0.0.1:${port}`, null, { tls, proxyProtocol: 'v1' }))
      })
    })
    let asked: Asked | undefined
    const socket = await sender
    await asked!.until(() => asked!.status === 200)
    asked!.connection.pause()
    const before = asked!.body.length
    // As much as lies in the sockets between may still be on its way, and none of it may come here.
    for (let turns = 0; turns < 50; turns++) await sleep(1)
    assert.equal(asked!.body.length, before)
    assert.ok(before < body.length && socket.writableLength > 0)
    asked!.connection.resume()
    await asked!.ended()
    assert.ok(asked!.body === body)
    asked!.connection.destroy()
  })

  it('says nothing of a server that is not believed, and nothing more to it', async (t) => {
    const { port } = await echoing(t)
    for (const protocol of ['http/1.1', 'h2'] as const) {
      const tls = new UpstreamTls(USUAL_TLS)
      const pool = pools.of(`https://localhost:${port}`, null, { protocol, tls, proxyProtocol: 'v1' })
      const asked = await new Asked(pool).ended()
      assert.equal(`${asked.failure} ${asked.detail}`, 'tls-failed UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    }
    const nobody = createTcpServer()
    const closed = await listen(nobody)
    nobody.close()
    const pool = pools.of(`https://localhost:${closed}`, null, { proxyProtocol: 'v2' })
    const asked = await new Asked(pool).ended()
    assert.deepEqual([asked.failure, asked.detail], ['connect-refused', 'ECONNREFUSED'])
  })
})
