/** vault: what goes in comes out, in its place and with its key only. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { CannotOpen, Vault, keyName, sealingKey } from './vault.ts'

const [old, young] = [randomBytes(32), randomBytes(32)]

describe('Vault', () => {
  it('opens what it sealed, and says nothing of it', () => {
    const vault = new Vault([young])
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, place) => {
        const wellFormed = text.toWellFormed()
        const sealed = vault.seal(wellFormed, place)
        assert.equal(vault.open(sealed, place), wellFormed)
        if (wellFormed.length > 8) assert.ok(!sealed.includes(wellFormed))
        assert.notEqual(vault.seal(wellFormed, place), sealed, 'a nonce is used once')
      }),
    )
  })

  it('refuses what was altered anywhere, cut short, or belongs elsewhere', () => {
    const vault = new Vault([young])
    const sealed = vault.seal('whsec_secret', 'endpoint a')
    const head = `sealed:1:${keyName(young)}:`
    const bytes = Buffer.from(sealed.slice(head.length), 'base64url')
    for (let i = 0; i < bytes.length; i++) {
      const altered = Buffer.from(bytes)
      altered[i]! ^= 1
      assert.throws(() => vault.open(head + altered.toString('base64url'), 'endpoint a'), CannotOpen)
      assert.throws(() => vault.open(head + bytes.subarray(0, i).toString('base64url'), 'endpoint a'), CannotOpen)
    }
    assert.throws(() => vault.open(sealed, 'endpoint b'), CannotOpen)
  })

  it('opens what older keys sealed, seals with the newest, and gives back what was never sealed', () => {
    const before = new Vault([old]).seal('x', 'a')
    const both = new Vault([young, old])
    assert.equal(both.open(before, 'a'), 'x')
    assert.ok(!both.isCurrent(before))
    assert.ok(both.isCurrent(both.seal('x', 'a')))
    assert.throws(() => new Vault([young]).open(before, 'a'), { name: 'CannotOpen', message: new RegExp(keyName(old)) })
    assert.equal(both.open('whsec_plain', 'a'), 'whsec_plain')
    assert.ok(!both.isCurrent('whsec_plain'))
  })

  it('takes a key as 32 bytes, in base64 or hex, and as nothing else', () => {
    assert.deepEqual(sealingKey(young.toString('base64')), young)
    assert.deepEqual(sealingKey(young.toString('hex').toUpperCase()), young)
    const wrong = ['', 'correct horse battery staple', young.toString('base64url'), randomBytes(31).toString('hex')]
    for (const text of wrong) assert.equal(sealingKey(text), null, text)
  })
})
