/** TLS to services in the file: what it comes to, and where it says what is wrong. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { TestAuthority } from '../../test/support/certificates.ts'
import { USUAL_TLS } from '../wire/upstream-tls.ts'
import { parseConfig } from './load.ts'

const authority = await TestAuthority.make()
after(() => authority.remove())
const till = authority.issue('till', '/CN=till 7', [])
const other = authority.issue('other', '/CN=other', [])
authority.issueExpired('old', '/CN=old', ['DNS:old.example'])
writeFileSync(join(authority.folder, 'noise.pem'), 'no PEM')

/** Where, and what; warnings too. */
function load(service: string, egress = '{}') {
  const text = `egress: ${egress}\nservices:\n  up: ${service}\n`
  const result = parseConfig(text, { env: {}, baseDir: authority.folder, policies: [], providers: [], cpus: 1 })
  const said = result.ok ? result.warnings : result.faults
  return {
    state: result.ok ? result.state : null,
    files: result.ok ? [...result.files.keys()] : [],
    said: said.map(({ path, line, message }) => `${line} ${path}: ${message}`),
  }
}
const withTls = (tls: string, url = 'https://up.example') => load(`{ instances: [${url}], tls: ${tls} }`)

test('nothing said is the usual, in the short form too', () => {
  for (const service of ['https://up.example', '{ instances: [https://up.example] }', 'http://up.example'])
    assert.deepEqual(load(service).state!.services['up']!.tls, USUAL_TLS)
})

test('everything said', () => {
  const { state, files } = withTls(
    '{ ca: ca.pem, server-name: Shop.Example, certificate: till.pem, key: till.key, min-version: TLSv1.3, ciphers: ECDHE-RSA-AES128-GCM-SHA256 }',
  )
  assert.deepEqual(state!.services['up']!.tls, {
    ca: authority.ca,
    moreCa: '',
    serverName: 'shop.example',
    certificate: { chain: till.chain, key: till.key },
    verify: true,
    minVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-RSA-AES128-GCM-SHA256',
  })
  // They are followed when they change.
  assert.deepEqual(
    files,
    ['ca.pem', 'till.pem', 'till.key'].map((name) => join(authority.folder, name)),
  )
})

test('a CA of the operator is for endpoints, and for services that name none', () => {
  const moreCa = authority.ca
  const { state } = load('https://up.example', '{ ca: ca.pem }')
  assert.equal(state!.egress.tls.moreCa, moreCa)
  assert.equal(state!.services['up']!.tls.moreCa, moreCa)
  const named = load('{ instances: [https://up.example], tls: { ca: till.pem } }', '{ ca: ca.pem }')
  assert.equal(named.state!.services['up']!.tls.moreCa, '')
})

for (const [tls, said] of [
  ['{ ca: none.pem }', 'services.up.tls.ca: cannot read the file: there is none'],
  ['{ ca: noise.pem }', 'services.up.tls.ca: the file holds no certificate in PEM'],
  ['{ ca: till.key }', 'services.up.tls.ca: the file holds no certificate in PEM'],
  ['{ certificate: noise.pem, key: till.key }', 'services.up.tls.certificate: the file holds no certificate in PEM'],
  ['{ certificate: till.pem, key: noise.pem }', 'services.up.tls.key: the file holds no private key in PEM'],
  ['{ certificate: till.pem, key: other.key }', 'services.up.tls.key: the key is not that of the certificate'],
  ['{ certificate: till.pem }', 'services.up.tls.key: is missing: a certificate is shown with its key'],
  ['{ key: till.key }', 'services.up.tls.certificate: is missing: a certificate is shown with its key'],
  ['{ ca: ca.pem, verify: false }', 'services.up.tls.ca: nothing is compared with it: `verify` says false'],
  ['{ ciphers: NONE }', 'services.up.tls.ciphers: OpenSSL does not take it: no cipher match'],
  ['{ server-name: 127.0.0.1 }', "services.up.tls.server-name: must be a host's name: shop.example"],
  ['{ server-name: "*.shop.example" }', "services.up.tls.server-name: must be a host's name: shop.example"],
  ['{ min-version: TLSv1.1 }', 'services.up.tls.min-version: must be one of TLSv1.2, TLSv1.3'],
  [
    '{ sni: shop.example }',
    'services.up.tls.sni: unknown key `sni`; valid: ca, server-name, certificate, key, verify, min-version, ciphers',
  ],
] as const) {
  test(`refused: ${tls}`, () => assert.deepEqual(withTls(tls).said, [`3 ${said}`]))
}

test('refused: a CA of the operator that is none', () =>
  assert.deepEqual(load('https://up.example', '{ ca: noise.pem }').said, [
    '1 egress.ca: the file holds no certificate in PEM',
  ]))

test('refused: where nothing is spoken over TLS', () => {
  for (const [tls, url] of [
    ['{ verify: false }', 'http://up.example'],
    ['{ ca: ca.pem }', 'unix:/run/up.sock'],
  ] as const)
    assert.deepEqual(withTls(tls, url).said, ['3 services.up.tls: no instance is at https://'])
})

test('warned of: whoever answers is believed, and certificates that have expired', () => {
  assert.match(withTls('{ verify: false }').said.join(), /^3 services.up.tls.verify: certificates are not verified/)
  assert.match(
    withTls('{ certificate: old.pem, key: old.key }').said.join(),
    /^3 services.up.tls.certificate: .*expired/,
  )
})

test('no key is in what is said of one', () => {
  writeFileSync(join(authority.folder, 'cut.key'), readFileSync(other.keyFile, 'utf8').slice(0, 120))
  const { said } = withTls('{ certificate: other.pem, key: cut.key }')
  assert.deepEqual(said, ['3 services.up.tls.key: the file holds no private key in PEM'])
})
