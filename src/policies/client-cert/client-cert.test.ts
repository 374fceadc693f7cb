/** client-cert: what it does, by example. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { TestAuthority } from '../../../test/support/certificates.ts'
import {
  configError,
  createPolicy,
  exchange,
  onRequest,
  policyDeps,
  sentUpstream,
  values,
} from '../../../test/support/policy.ts'
import type { ClientCertificate, ClientTls } from '../../wire/client-tls.ts'
import { clientCert } from './client-cert.ts'

const SUBJECT = 'CN=till 7,O=Shop'
const NAMES = ['URI:spiffe://shop/till/7', 'DNS:till.shop.example']
const deps = policyDeps({ consumers: { [SUBJECT]: 'till-7' } })

let authority: TestAuthority
let pem: string
before(async () => {
  authority = await TestAuthority.make()
  pem = authority.issue('till', '/O=Shop/CN=till 7', NAMES).chain
})
after(() => authority.remove())

/** A connection on which this certificate was shown and verified. */
function shown(changes: Partial<ClientCertificate> = {}): ClientTls {
  const { raw } = new X509Certificate(pem)
  const certificate = { subject: SUBJECT, issuer: '', names: NAMES, fingerprint: '', serial: '', raw, ...changes }
  return { ...NONE, certificate }
}

const NONE: ClientTls = {
  serverName: '',
  version: 'TLSv1.3',
  cipher: '',
  resumed: false,
  certificate: null,
  answersFor: () => true,
  reset: () => {},
}

/** `in`, the consumer's name when there is one, or the status and code it is refused with. */
async function verdict(config: unknown, tls: ClientTls | null): Promise<string> {
  const x = exchange('GET', '/', [], '192.0.2.1', tls)
  const reply = await onRequest(createPolicy(clientCert, config, deps), x)
  return reply === null ? (x.consumer?.name ?? 'in') : `${reply.status} ${reply.code}`
}

const MISSING = '403 client-certificate-missing'
const REFUSED = '403 client-certificate-refused'

describe('client-cert', () => {
  it('refuses who shows none, unless told otherwise', async () => {
    assert.equal(await verdict({}, null), MISSING)
    assert.equal(await verdict({}, NONE), MISSING)
    assert.equal(await verdict({ required: false }, NONE), 'in')
    assert.equal(await verdict({}, shown({ subject: 'CN=somebody' })), 'in')
  })

  it('lets in whose subject or name is listed', async () => {
    const stranger = shown({ subject: 'CN=stranger', names: ['DNS:other.example'] })
    for (const config of [{ subjects: [SUBJECT] }, { sans: [NAMES[1]] }, { subjects: ['CN=x'], sans: NAMES }]) {
      assert.equal(await verdict(config, shown()), 'till-7')
      assert.equal(await verdict(config, stranger), REFUSED)
      assert.equal(await verdict({ ...config, required: false }, NONE), MISSING, 'a list lets nobody by')
    }
    // A name is one of its kind, and nothing that looks like it.
    assert.equal(
      await verdict({ sans: ['DNS:till.shop.example'] }, shown({ names: ['email:till.shop.example'] })),
      REFUSED,
    )
    assert.equal(await verdict({ subjects: ['CN=till 7'] }, shown()), REFUSED)
  })

  it('knows consumers by it, and can refuse all others', async () => {
    assert.equal(await verdict({ known: true }, shown()), 'till-7')
    assert.equal(await verdict({ known: true }, shown({ subject: 'CN=somebody' })), REFUSED)
    assert.equal(await verdict({ known: true, required: false }, NONE), MISSING)
  })

  it('tells the upstream which it was, whatever the client says of itself', async () => {
    const lines = ['Client-Cert', ':AAAA:', 'client-cert-chain', ':AAAA:', 'X-Consumer-Name', 'admin']
    const x = exchange('GET', '/', lines, '192.0.2.1', shown())
    const policy = createPolicy(clientCert, {}, deps)
    assert.equal(await onRequest(policy, x), null)
    const out = await sentUpstream(policy, x)
    const told = values(out, 'Client-Cert').at(-1)!
    assert.match(told, /^:[A-Za-z0-9+/]+=*:$/)
    assert.equal(new X509Certificate(Buffer.from(told.slice(1, -1), 'base64')).subject, 'O=Shop\nCN=till 7')
    assert.deepEqual(values(out, 'X-Consumer-Name'), ['till-7'])
  })

  it('keeps it to itself when told to', async () => {
    const policy = createPolicy(clientCert, { forward: false }, deps)
    const x = exchange('GET', '/', [], '192.0.2.1', shown())
    assert.equal(await onRequest(policy, x), null)
    assert.deepEqual(values(await sentUpstream(policy, x), 'Client-Cert'), [])
  })

  it('takes names with their kind only', () => {
    assert.match(configError(clientCert, { sans: ['till.shop.example'] })!, /sans.0: must be a name with its kind/)
    assert.equal(configError(clientCert, { sans: NAMES, subjects: [SUBJECT] }), null)
  })
})
