/** challenge: live tokens are answered, everything else is the routes'. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { TestAuthority } from '../../test/support/certificates.ts'
import { GatewayRig, routeOf } from '../../test/support/unit/gateway-rig.ts'
import { FOR_ANYBODY, LOOPBACK } from '../../test/support/unit/loopback.ts'
import { Deadlines } from '../wire/deadlines.ts'
import { Listener } from '../wire/listener.ts'
import { TlsServer } from '../wire/tls-server.ts'
import { challengeReply } from './challenge.ts'

const tokens = new Map([['t0k-en', 't0k-en.thumbprint']])
const reply = (method: string, path: string) => challengeReply(tokens, method, path)

test('a live token is answered with its text', () => {
  const answered = reply('GET', '/.well-known/acme-challenge/t0k-en')!
  assert.deepEqual([answered.status, answered.body, answered.code], [200, 't0k-en.thumbprint', 'acme-challenge'])
  assert.ok(reply('HEAD', '/.well-known/acme-challenge/t0k-en'))
})

test('everything else is not', () => {
  assert.equal(reply('GET', '/.well-known/acme-challenge/'), null)
  assert.equal(reply('GET', '/.well-known/acme-challenge/t0k-en/'), null)
  assert.equal(reply('GET', '/.well-known/acme-challenge/other'), null)
  assert.equal(reply('GET', '/t0k-en'), null)
  assert.equal(reply('POST', '/.well-known/acme-challenge/t0k-en'), null)
})

test('a listener in clear answers before its routes and policies; one with TLS leaves it to them', async (t) => {
  const rig = await GatewayRig.start(t, { routes: [routeOf('all', {})] })
  const authority = await TestAuthority.make()
  const certificate = { hosts: ['shop.example'], ...authority.issue('shop', '/CN=shop', ['DNS:shop.example']) }
  const tls = new TlsServer(
    {
      certificates: [certificate],
      ordered: [],
      strictSni: false,
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256',
      protocols: ['http/1.1'],
      handshakeMs: 60_000,
      clients: null,
    },
    Buffer.alloc(32, 7),
    rig.clock,
  )
  const deadlines = new Deadlines(rig.clock)
  const timeouts = {
    headMs: 60_000,
    bodyIdleMs: 60_000,
    keepAliveMs: 60_000,
    rateMin: { bytesPerSecond: 0, windowMs: 0 },
  }
  const secure = new Listener(rig.gateway, deadlines, timeouts, { ...FOR_ANYBODY, tls })
  const port = await secure.listen(LOOPBACK, 16)
  t.after(async () => {
    await secure.drain(0)
    deadlines.close()
    await authority.remove()
  })
  const path = '/.well-known/acme-challenge/t0k-en'

  rig.gateway.challenges = tokens
  assert.equal((await rig.ask(`GET ${path}`)).body.toString(), 't0k-en.thumbprint')
  const socket = connect({ port, host: '127.0.0.1', servername: 'shop.example', ca: authority.ca })
  await once(socket, 'secureConnect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: shop.example\r\n\r\n`)
  const [bytes] = await once(socket, 'data')
  assert.match(String(bytes), /\r\n\r\nok$/)
  socket.destroy()

  rig.gateway.challenges = null
  assert.equal((await rig.ask(`GET ${path}`)).body.toString(), 'ok')
  await rig.untilFinished(3)
  assert.deepEqual(
    rig.finished.map(({ reason, route }) => [reason, route]),
    [
      ['acme-challenge', ''],
      ['reply', 'all'],
      ['reply', 'all'],
    ],
  )
})
