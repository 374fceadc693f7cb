/** Whom a connection's handshake was for, and whom its requests name: they may differ, but never past a certificate (RFC 9110 §15.5.20). */
import assert from 'node:assert/strict'
import http2 from 'node:http2'
import { after, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { TestAuthority } from '../support/certificates.ts'
import { ask as askH2 } from '../support/h2.ts'
import { startPostern } from '../support/postern.ts'
import { RawClient } from '../../src/selftest/raw-client.ts'

const authority = await TestAuthority.make()
const { folder } = authority
authority.issue('all', '/CN=all', ['DNS:open.example', 'DNS:closed.example', 'DNS:*.closed.example', 'IP:127.0.0.1'])
const { chain: cert, key } = authority.issue('till', '/CN=till 7', [])
const certificates = `certificates: [{ cert: ${folder}/all.pem, key: ${folder}/all.key }]`
const postern = await startPostern(`
listeners:
  - { address: 127.0.0.1:0, tls: { ${certificates} } }
  - address: 127.0.0.1:0
    tls: { ${certificates}, client-certificates: { ca: ${folder}/ca.pem, hosts: [closed.example, "*.closed.example"] } }
  - address: 127.0.0.1:0
    tls: { ${certificates}, client-certificates: { ca: ${folder}/ca.pem } }
admin: { address: 127.0.0.1:0 }
threads: 1
routes:
  open: { match: { hosts: [open.example], path: /* }, reply: { body: open } }
  closed: { match: { hosts: [closed.example, "*.closed.example"], path: /* }, reply: { body: closed } }
`)
after(async () => {
  await postern.stop()
  await authority.remove()
})

const PLAIN = 0
const SOME = 1
const EVERY = 2

/** Asks for each host in turn over one connection; what was answered. */
async function overH1(listener: number, servername: string, hosts: readonly string[], shown: ConnectionOptions = {}) {
  const socket = connect({ host: '127.0.0.1', port: postern.port(listener), ca: authority.ca, servername, ...shown })
  const client = await RawClient.over(socket)
  const answers: string[] = []
  for (const host of hosts) {
    const request = host.startsWith('https:')
      ? `GET ${host}/ HTTP/1.1\r\nHost: ${host.slice(8)}`
      : `GET / HTTP/1.1\r\nHost: ${host}`
    await client.send(`${request}\r\n\r\n`)
    const { status, body } = await client.response()
    answers.push(status === 200 ? body.toString() : `${status} ${JSON.parse(body.toString()).code}`)
  }
  client.close()
  return answers
}

async function overH2(listener: number, servername: string, hosts: readonly string[], shown: ConnectionOptions = {}) {
  const url = `https://127.0.0.1:${postern.port(listener)}`
  const session = http2.connect(url, { ca: authority.ca, servername, ...shown })
  const answers = await Promise.all(
    hosts.map(async (host) => {
      const { status, body } = await askH2(session, { ':path': '/', ':authority': host.replace('https://', '') })
      return status === 200 ? body.toString() : `${status} ${JSON.parse(body.toString()).code}`
    }),
  )
  session.destroy()
  return answers
}

const MISDIRECTED = '421 misdirected-request'

for (const [protocol, ask] of [
  ['HTTP/1.1', overH1],
  ['HTTP/2', overH2],
] as const) {
  test(`${protocol}: without client certificates a connection may be used for another host, as browsers do`, async () => {
    const hosts = ['open.example', 'closed.example', 'api.closed.example:443']
    assert.deepEqual(await ask(PLAIN, 'open.example', hosts), ['open', 'closed', 'closed'])
  })

  test(`${protocol}: a host that asks for certificates is not reached through one that does not`, async () => {
    const hosts = [
      'closed.example',
      'CLOSED.example.',
      'api.closed.example:443',
      'https://closed.example',
      'open.example',
    ]
    assert.deepEqual(await ask(SOME, 'open.example', hosts), [
      MISDIRECTED,
      MISDIRECTED,
      MISDIRECTED,
      MISDIRECTED,
      'open',
    ])
    assert.deepEqual(await ask(SOME, '', ['closed.example', 'open.example']), [MISDIRECTED, 'open'])
  })

  test(`${protocol}: who has shown one is served where the handshake was for`, async () => {
    const hosts = ['closed.example', 'open.example', 'api.closed.example']
    assert.deepEqual(await ask(SOME, 'closed.example', hosts, { cert, key }), ['closed', 'open', MISDIRECTED])
    assert.deepEqual(await ask(SOME, 'api.closed.example', ['api.closed.example'], { cert, key }), ['closed'])
    // Shown without being obliged to, it is good for nothing else either.
    assert.deepEqual(await ask(SOME, 'open.example', ['closed.example'], { cert, key }), [MISDIRECTED])
  })

  test(`${protocol}: where every name asks for one, requests keep to the name of the handshake`, async () => {
    const hosts = ['closed.example', 'open.example']
    assert.deepEqual(await ask(EVERY, 'closed.example', hosts, { cert, key }), ['closed', MISDIRECTED])
  })
}

test('each refusal is in the access record, with the host that was named', async () => {
  const records = await postern.waitForRecords(20)
  const refused = records.filter(({ status }) => status === 421)
  assert.ok(refused.length > 0)
  for (const { reason, host } of refused) {
    assert.equal(reason, 'misdirected-request')
    assert.match(String(host), /^(?:(?:api\.)?closed|open)\.example\.?$/)
  }
})
