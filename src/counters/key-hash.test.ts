/** HalfSipHash-2-4-64 against vectors of its authors' reference implementation. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyHash } from './key-hash.ts'

/** Key 00 01 … 07; input 00 01 … of this many bytes. Even lengths only: a character is two bytes. */
const VECTORS: ReadonlyArray<readonly [number, string]> = [
  [0, '218d1f59b9b83cc8'],
  [2, '064f39ef7c50eb57'],
  [4, 'd5e78a175be52ea1'],
  [6, 'ce3e91358aa2bc25'],
  [8, 'edfee820bce4858c'],
  [10, '95b0469f06a6f2ee'],
  [12, '7bc71f9faef5c799'],
  [14, '3bb1a870eae8e658'],
  [16, '7336aad25f7bf3b5'],
]

for (const [bytes, expected] of VECTORS) {
  test(`${bytes} bytes`, () => {
    const hash = new KeyHash(0x03020100, 0x07060504)
    hash.update(Buffer.from(Array.from({ length: bytes }, (_, i) => i)).toString('utf16le'))
    const out = Buffer.alloc(8)
    out.writeInt32LE(hash.lo, 0)
    out.writeInt32LE(hash.hi, 4)
    assert.equal(out.toString('hex'), expected)
  })
}

test('another seed gives another hash', () => {
  const one = new KeyHash(1, 2)
  const other = new KeyHash(1, 3)
  one.update('route/profile/0/rate-limit c mobile-app')
  other.update('route/profile/0/rate-limit c mobile-app')
  assert.notDeepEqual([one.lo, one.hi], [other.lo, other.hi])
})
