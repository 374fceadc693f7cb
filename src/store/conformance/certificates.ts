/** Conformance: certificates that were ordered, and leases of what one process at a time may do. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OrderedCertificate } from '../../model/tls.ts'
import { START, openFresh } from './subject.ts'
import type { Subject } from './subject.ts'

const CA = 'https://ca.example/directory'

export function certificatesConform(subject: Subject): void {
  describe('certificates', () => {
    test('are kept for each CA and name, the one issued last', async (t) => {
      const store = (await openFresh(subject, t)).client()
      assert.equal(await store.getCertificate(CA, 'shop.example'), null)
      const first = certificate()
      await store.putCertificate(first)
      assert.deepEqual(await store.getCertificate(CA, 'shop.example'), first)
      const second = certificate({ chain: 'chain 2', key: 'key 2', issuedAt: START + 1, expiresAt: START + 9 })
      await store.putCertificate(second)
      assert.deepEqual(await store.getCertificate(CA, 'shop.example'), second)
      await store.putCertificate(first)
      assert.deepEqual(await store.getCertificate(CA, 'shop.example'), second, 'who comes late changes nothing')
      const resealed = { ...second, key: 'key 2, otherwise kept' }
      await store.putCertificate(resealed)
      assert.deepEqual(await store.allCertificates(), [resealed])
      assert.equal(await store.getCertificate(CA, 'other.example'), null)
      assert.equal(await store.getCertificate('https://staging.example/', 'shop.example'), null)
    })
  })

  describe('a lease', () => {
    test('is of one holder until it ends; he may take it again', async (t) => {
      const opened = await openFresh(subject, t)
      const [one, other] = [opened.client(), opened.client()]
      assert.equal(await one.takeLease('order', 'a', START, START + 10), true)
      assert.equal(await other.takeLease('order', 'b', START + 9, START + 19), false)
      assert.equal(await other.takeLease('another', 'b', START + 9, START + 19), true)
      assert.equal(await one.takeLease('order', 'a', START + 9, START + 19), true)
      assert.equal(await other.takeLease('order', 'b', START + 18, START + 28), false)
      assert.equal(await other.takeLease('order', 'b', START + 19, START + 29), true)
      assert.equal(await one.takeLease('order', 'a', START + 19, START + 29), false)
    })

    test('is dropped by its holder, and by nobody else', async (t) => {
      const store = (await openFresh(subject, t)).client()
      await store.takeLease('order', 'a', START, START + 10)
      await store.dropLease('order', 'b')
      assert.equal(await store.takeLease('order', 'b', START, START + 10), false)
      await store.dropLease('order', 'a')
      assert.equal(await store.takeLease('order', 'b', START, START + 10), true)
    })

    test('of many that want it one gets', async (t) => {
      const opened = await openFresh(subject, t)
      const stores = [opened.client(), opened.client()]
      const took = await Promise.all(
        Array.from({ length: 10 }, (_, i) => stores[i % 2]!.takeLease('order', `h${i}`, START, START + 10)),
      )
      assert.equal(took.filter(Boolean).length, 1)
    })
  })
}

function certificate(fields: Partial<OrderedCertificate> = {}): OrderedCertificate {
  const { issuer = CA, name = 'shop.example', chain = 'chain', key = 'key' } = fields
  return { issuer, name, chain, key, issuedAt: START, expiresAt: START + 5, ...fields }
}
