/** TLS to services and to endpoints as operators configure it: their own CAs, names and certificates, renewed under a running gateway. */
import assert from 'node:assert/strict'
import { copyFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { TestAuthority } from '../support/certificates.ts'
import { startNginx } from '../support/foreign-server.ts'
import { startPostern } from '../support/postern.ts'
import { TlsUpstream } from '../support/tls-upstream.ts'
import { Admin } from './support/admin.ts'
import { Partners } from './support/partners.ts'
import { Receiver } from './support/receiver.ts'

const authority = await TestAuthority.make()
const stranger = await TestAuthority.make('Somebody else')
const { folder } = authority
const good = authority.issue('good', '/CN=good', ['DNS:shop.example', 'IP:127.0.0.1'])
authority.issue('till', '/CN=till 7', [])
const strange = stranger.issue('strange', '/CN=strange', ['IP:127.0.0.1'])
await copyFile(authority.caFile, join(folder, 'believed.pem'))

const shop = await TlsUpstream.start({ cert: good.chain, key: good.key })
const closed = await TlsUpstream.start({
  cert: good.chain,
  key: good.key,
  ca: authority.ca,
  requestCert: true,
  maxVersion: 'TLSv1.2',
})
const thief = await TlsUpstream.start({ cert: strange.chain, key: strange.key })
const nginx = await startNginx(
  'ssl http2',
  `ssl_certificate ${good.chainFile}; ssl_certificate_key ${good.keyFile}; ssl_protocols TLSv1.3;
   ssl_client_certificate ${authority.caFile}; ssl_verify_client on; keepalive_timeout 0;
   location / { return 200 "$ssl_server_name $ssl_client_s_dn $server_protocol $ssl_session_reused"; }`,
)
const receiver = await Receiver.start()
const endpoint = await TlsUpstream.start({ cert: good.chain, key: good.key })

const configuration = (egress = '') => `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
delivery: { schedule: [] }
egress: { allow: [127.0.0.0/8]${egress} }
services:
  shop: { instances: [${shop.url}], tls: { ca: ${folder}/believed.pem } }
  wide: { instances: [${shop.url}] }
  named: { instances: [${shop.url}], tls: { ca: ${folder}/ca.pem, server-name: shop.example } }
  misnamed: { instances: [${shop.url}], tls: { ca: ${folder}/ca.pem, server-name: other.example } }
  thief: { instances: [${thief.url}], tls: { ca: ${folder}/ca.pem } }
  anybody: { instances: [${thief.url}], tls: { verify: false } }
  closed: { instances: [${closed.url}], tls: { ca: ${folder}/ca.pem } }
  open: { instances: [${closed.url}], tls: { ca: ${folder}/ca.pem, certificate: ${folder}/till.pem, key: ${folder}/till.key } }
  either: { instances: [${thief.url}, ${shop.url}], tls: { ca: ${folder}/ca.pem } }
  nginx:
    instances: [https://127.0.0.1:${nginx.port}]
    tls: &nginx
      ca: ${folder}/ca.pem
      server-name: shop.example
      certificate: ${folder}/till.pem
      key: ${folder}/till.key
      min-version: TLSv1.3
  nginx2: { instances: [https://127.0.0.1:${nginx.port}], protocol: h2, tls: *nginx }
routes:
${['shop', 'wide', 'named', 'misnamed', 'thief', 'anybody', 'closed', 'open', 'either', 'nginx', 'nginx2']
  .map((name) => `  ${name}: { match: { path: /${name} }, proxy: ${name} }`)
  .join('\n')}
`
const postern = await startPostern(configuration())
const admin = await Admin.of(postern)
const partners = new Partners(admin, receiver)
after(async () => {
  await postern.stop()
  await Promise.all([shop, closed, thief, endpoint].map((upstream) => upstream.close()))
  await receiver.close()
  await nginx.stop()
  await authority.remove()
  await stranger.remove()
})

const ask = async (service: string) => {
  const answer = await fetch(`http://127.0.0.1:${postern.port()}/${service}`)
  return { status: answer.status, text: await answer.text() }
}
/** What the access record says of the newest exchange with this service. */
const recordOf = async (service: string, nth = 0) => {
  const records = await postern.waitForRecords(nth + 1, ({ service: name }) => name === service)
  const { reason, detail, tries } = records[nth]!
  return { reason, detail, tries }
}

for (const [service, detail] of [
  ['wide', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['misnamed', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['thief', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['closed', 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'],
] as const) {
  test(`${service}: no connection, and the record says why while the client does not hear it`, async () => {
    const { status, text } = await ask(service)
    assert.equal(status, 502)
    assert.equal(JSON.parse(text).code, 'upstream-tls-failed')
    assert.ok(!text.includes(detail))
    assert.deepEqual(await recordOf(service), { reason: 'upstream-tls-failed', detail, tries: 1 })
  })
}

for (const service of ['shop', 'named', 'anybody', 'open']) {
  test(`${service}: answers`, async () => {
    assert.deepEqual(await ask(service), { status: 200, text: 'ok' })
    assert.equal((await recordOf(service)).detail, undefined)
  })
}

test('a service that is believed whoever answers is warned of', async () => {
  const warned = ({ level, path }: Readonly<Record<string, unknown>>) =>
    level === 'warn' && path === 'services.anybody.tls.verify'
  await postern.waitForLine(warned, 'a warning')
})

test('an instance that nobody vouches for is passed over', async () => {
  for (let i = 0; i < 3; i++) assert.equal((await ask('either')).status, 200)
  const tries = await Promise.all([0, 1, 2].map(async (nth) => (await recordOf('either', nth)).tries))
  assert.deepEqual(
    tries.map(String).toSorted((a, b) => a.localeCompare(b)),
    ['1', '2', '2'],
  )
})

test('nginx reads the name, the certificate and the session, over HTTP/1.1 and HTTP/2', async () => {
  const told = (protocol: string, session: string) => ({
    status: 200,
    text: `shop.example CN=till 7 ${protocol} ${session}`,
  })
  assert.deepEqual(await ask('nginx'), told('HTTP/1.1', '.'))
  assert.deepEqual(await ask('nginx'), told('HTTP/1.1', 'r'))
  assert.deepEqual(await ask('nginx2'), told('HTTP/2.0', '.'))
})

test('deliveries: an endpoint that nobody well known vouches for gets nothing, with the reason in the attempt', async () => {
  const { name } = await partners.next({ url: `${endpoint.url}/` })
  const id = await partners.publish(name)
  const [attempt] = await admin.settled(id, 'exhausted')
  assert.deepEqual([attempt!.failure, endpoint.requests], ['tls-failed', 0])
  const attempts = await admin.svix.messageAttempt.listByMsg(name, id, { withContent: true })
  assert.deepEqual(
    attempts.data.map(({ response, responseStatusCode }) => [response, responseStatusCode]),
    [['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 0]],
  )

  // The operator vouches for it, and for the services that name no CA of their own.
  assert.equal((await postern.reload(configuration(`, ca: ${folder}/ca.pem`)))['msg'], 'revision applied')
  await admin.settled(await partners.publish(name), 'delivered')
  assert.equal(endpoint.requests, 1)
  assert.equal((await ask('wide')).status, 200)
  assert.equal((await ask('thief')).status, 502)

  assert.equal((await postern.reload(configuration()))['msg'], 'revision applied')
  await admin.settled(await partners.publish(name), 'exhausted')
  assert.equal((await ask('wide')).status, 502)
  assert.equal(endpoint.requests, 1)
})

test('a CA file that changes holds for the next connections; one that is broken changes nothing', async () => {
  assert.equal((await ask('shop')).status, 200)
  const replace = async (from: string, verdict: RegExp) => {
    const seen = new Set(postern.lines)
    await copyFile(from, join(folder, 'next.pem'))
    await rename(join(folder, 'next.pem'), join(folder, 'believed.pem'))
    const said = (line: object) => 'msg' in line && verdict.test(String(line.msg))
    await postern.waitForLine((line) => !seen.has(line) && said(line), 'the verdict on the file')
  }
  await replace(good.keyFile, /changed and cannot be used/)
  assert.equal((await ask('shop')).status, 200)
  // Even what was connected before is not gone on with.
  await replace(stranger.caFile, /^revision applied$/)
  assert.equal((await ask('shop')).status, 502)
  await replace(authority.caFile, /^revision applied$/)
  assert.equal((await ask('shop')).status, 200)
  assert.equal(postern.lines.filter((line) => JSON.stringify(line).includes('PRIVATE KEY')).length, 0)
})
