/** consumers: who has which key, and whose certificate it is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CertificateName } from '../model/gateway.ts'
import { Consumers } from './consumers.ts'

const consumer = (name: string, apiKeys: readonly string[], certificates: readonly CertificateName[]) => ({
  name,
  apiKeys,
  certificates,
})

const consumers = new Consumers({
  till: consumer('till', ['key-of-the-till'], [{ san: 'URI:spiffe://shop/till' }, { san: 'DNS:till.example' }]),
  office: consumer('office', ['key-of-office', 'another'], [{ subject: 'CN=office,O=Shop' }]),
})

const whose = (subject: string, ...names: string[]) =>
  consumers.ofCertificate({ subject, names, issuer: '', fingerprint: '', serial: '', raw: new Uint8Array() })?.name

test('a key is of one consumer', () => {
  assert.equal(consumers.ofKey('another')?.name, 'office')
  assert.equal(consumers.ofKey('key-of-nobody'), null)
})

test('a certificate is of whom its names lead to', () => {
  assert.equal(whose('CN=office,O=Shop'), 'office')
  assert.equal(whose('CN=x', 'DNS:other.example', 'URI:spiffe://shop/till'), 'till')
  assert.equal(whose('CN=x', 'DNS:till.example', 'URI:spiffe://shop/till'), 'till')
  assert.equal(whose('CN=x'), undefined)
})

test('a certificate that leads to two is nobody’s', () => {
  assert.equal(whose('CN=office,O=Shop', 'DNS:till.example'), undefined)
})
