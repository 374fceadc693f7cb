/** A sealed store on a real file: nothing in it shows a secret, what was plain becomes sealed, and a lost key changes nothing. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, describe, it } from 'node:test'
import { mapSecrets } from '../model/secrets.ts'
import { PLAIN_SENDING } from '../model/sending.ts'
import type { Endpoint } from '../model/webhook.ts'
import { tempFolder } from '../../test/support/temp.ts'
import { newConsumer, newEndpoint } from './conformance/subject.ts'
import { openVault, rotateKeyFile } from './keyring.ts'
import { resealAll, sealed } from './sealed.ts'
import { openSqliteStore } from './sqlite/open.ts'
import { Vault } from './vault.ts'

/** Every text of it that is a secret holds this. */
const CANARY = 'CANARY-7f3a'
const CERTIFICATE = {
  issuer: 'https://ca.example/',
  name: 'a.example',
  chain: 'PEM',
  key: CANARY,
  issuedAt: 1,
  expiresAt: 2,
}
const ENDPOINT: Endpoint = newEndpoint({
  secrets: [`whsec_${CANARY}`],
  retiring: [{ secret: `whsec_${CANARY}2`, until: 9 }],
  headers: { Authorization: `Bearer ${CANARY}` },
  transformation: { code: 'x', enabled: true, variables: { token: CANARY }, updatedAt: 1 },
  sending: {
    ...PLAIN_SENDING,
    scheme: { provider: 'stripe', secrets: [CANARY] },
    auth: { kind: 'basic', username: 'shop', password: CANARY },
    clientCertificate: { certificate: 'PEM', key: CANARY },
  },
})

async function openAt(t: TestContext) {
  const folder = await tempFolder()
  const path = join(folder.path, 'postern.db')
  const host = await openSqliteStore(path)
  t.after(async () => {
    await host.close()
    await folder.remove()
  })
  const onDisk = () =>
    readdirSync(folder.path)
      .map((name) => readFileSync(join(folder.path, name), 'latin1'))
      .join('')
  return { raw: host.client(), file: `${path}.key`, onDisk }
}

describe('a sealed store', () => {
  it('gives back what it was given, and shows no secret on disk', async (t) => {
    const { raw, file, onDisk } = await openAt(t)
    const store = sealed(raw, await openVault(raw, { given: [], file }))
    await store.putConsumer(newConsumer({ id: ENDPOINT.consumerId }))
    await store.putEndpoint(ENDPOINT)
    await store.putCertificate(CERTIFICATE)
    assert.equal(await store.initSetting('token', CANARY), CANARY)
    assert.equal(await store.initSetting('token', 'another'), CANARY)
    await store.putSetting('other', CANARY)
    assert.deepEqual(await store.getEndpoint(ENDPOINT.consumerId, ENDPOINT.id), ENDPOINT)
    assert.deepEqual(await store.allEndpoints(), [ENDPOINT])
    assert.deepEqual(await store.listEndpoints(ENDPOINT.consumerId, { limit: 9 }), [ENDPOINT])
    assert.deepEqual(await store.getCertificate(CERTIFICATE.issuer, CERTIFICATE.name), CERTIFICATE)
    assert.equal(await store.getSetting('other'), CANARY)
    assert.ok(!onDisk().includes(CANARY), 'a secret is on disk')
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  for (const auth of [
    { kind: 'bearer', token: CANARY },
    { kind: 'header', name: 'X-Key', value: CANARY },
    {
      kind: 'oauth2',
      tokenUrl: 'https://id.example/token',
      clientId: 'shop',
      clientSecret: CANARY,
      scope: '',
      audience: '',
      clientAuth: 'basic',
    },
  ] as const) {
    it(`knows the secret of ${auth.kind} credentials`, () => {
      const endpoint = newEndpoint({ sending: { ...PLAIN_SENDING, auth } })
      assert.ok(JSON.stringify(endpoint).includes(CANARY))
      assert.ok(!JSON.stringify(mapSecrets(endpoint, () => '')).includes(CANARY))
    })
  }

  it('takes up what was plain, and leaves nothing of it behind', async (t) => {
    const { raw, file, onDisk } = await openAt(t)
    await raw.putConsumer(newConsumer({ id: ENDPOINT.consumerId }))
    await raw.putEndpoint(ENDPOINT)
    await raw.putCertificate(CERTIFICATE)
    await raw.initSetting('token', CANARY)
    assert.ok(onDisk().includes(CANARY))
    const vault = await openVault(raw, { given: [], file })
    assert.deepEqual(await sealed(raw, vault).allEndpoints(), [ENDPOINT])
    assert.equal(await resealAll(raw, vault), 3)
    assert.ok(!onDisk().includes(CANARY), 'a secret is still on disk')
    const store = sealed(raw, vault)
    assert.deepEqual(await store.allEndpoints(), [ENDPOINT])
    assert.deepEqual(await store.allCertificates(), [CERTIFICATE])
    assert.equal(await store.getSetting('token'), CANARY)
    assert.equal(await resealAll(raw, vault), 0)
  })

  it('is sealed anew after a rotation; the key before it is then needed by nobody', async (t) => {
    const { raw, file } = await openAt(t)
    await sealed(raw, await openVault(raw, { given: [], file })).initSetting('token', CANARY)
    const before = readFileSync(file, 'utf8')
    rotateKeyFile(file)
    const vault = await openVault(raw, { given: [], file })
    assert.equal(await resealAll(raw, vault), 2)
    writeFileSync(file, readFileSync(file, 'utf8').replace(before, ''))
    const left = await openVault(raw, { given: [], file })
    assert.equal(left.keys.length, 1)
    assert.equal(await sealed(raw, left).getSetting('token'), CANARY)
  })

  it('stays shut without its key, and nothing is changed', async (t) => {
    const { raw, file } = await openAt(t)
    const given = randomBytes(32).toString('base64')
    await openVault(raw, { given: [given], file })
    const settings = await raw.allSettings()
    const missing = openVault(raw, { given: [], file })
    await assert.rejects(missing, {
      name: 'VaultLocked',
      message: /sealed with the key [0-9a-f]{8}, and .* is not there/,
    })
    const other = openVault(raw, { given: [randomBytes(32).toString('hex')], file })
    await assert.rejects(other, { name: 'VaultLocked', message: /which the given key does not have/ })
    const none = openVault(raw, { given: ['secret'], file })
    await assert.rejects(none, { name: 'VaultLocked', message: /32 bytes in base64 or hex/ })
    assert.throws(() => statSync(file), { code: 'ENOENT' })
    assert.deepEqual(await raw.allSettings(), settings)
    const found = await openVault(raw, { given: [randomBytes(32).toString('hex'), given], file })
    assert.equal(new Vault(found.keys).keys.length, 2)
  })

  it('does not believe a key file that others can read', { skip: process.platform === 'win32' }, async (t) => {
    const { raw, file } = await openAt(t)
    await openVault(raw, { given: [], file })
    chmodSync(file, 0o640)
    await assert.rejects(openVault(raw, { given: [], file }), { name: 'VaultLocked', message: /chmod 600/ })
  })
})
