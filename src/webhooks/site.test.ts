/** site: receivers that share one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { siteOf } from './site.ts'

describe('the site of a receiver', () => {
  for (const [host, site] of [
    ['example.com', 'example.com'],
    ['hooks.eu.example.com:8443', 'example.com'],
    ['hooks.example.co.uk', 'example.co.uk'],
    ['one.github.io', 'one.github.io'],
    ['127.0.0.1:9001', '127.0.0.1:9001'],
    ['[::1]:9001', '[::1]:9001'],
    ['localhost:9001', 'localhost:9001'],
    ['receiver', 'receiver'],
    ['shop.internal', 'shop.internal'],
  ] as const)
    it(`${host} is ${site}`, () => assert.equal(siteOf(host), site))
})
