/** The nearest word: typing errors are understood, other words are not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './nearest.ts'

const WORDS = ['listeners', 'services', 'rate-limit', 'key-auth', 'path', 'proxy', 'GET']

test('a close word is found', () => {
  const typed = {
    listner: 'listeners',
    service: 'services',
    rate_limit: 'rate-limit',
    KEYAUTH: 'key-auth',
    pth: 'path',
    proyx: 'proxy',
    GTE: 'GET',
  }
  for (const [word, meant] of Object.entries(typed)) assert.equal(nearest(word, WORDS), meant, word)
})

test('a word that is not close is not', () => {
  for (const word of ['', 'x', 'timeouts', 'health', 'pry', 'a'.repeat(10_000)])
    assert.equal(nearest(word, WORDS), undefined, word)
  assert.equal(nearest('path', []), undefined)
})

test('the closest wins, the first of equals', () => {
  assert.equal(nearest('carts', ['parts', 'cart', 'charts']), 'parts')
  assert.equal(nearest('cart', ['carts', 'cart']), 'cart')
})
