/** trailers: every valid one that may stand there is read, and nothing else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { fieldValue, token } from '../../test/support/unit/heads.ts'
import { Head } from './head.ts'
import { parseLines } from './head-lines.ts'
import { announcedTrailers, readTrailers } from './trailers.ts'

const read = (lines: string): string[] | null => {
  const head = readTrailers(lines)
  return head && Array.from({ length: head.count }, (_, i) => `${head.name(i)}: ${head.value(i)}`)
}

describe('readTrailers', () => {
  it('keeps what it may, in order', () => {
    assert.deepEqual(read('A: 1\r\nhost: b\r\nGrpc-Status:0\r\nX_A: 1\r\nx-real-ip: 1\r\nSET-COOKIE: a\r\nA: 2\r\n'), [
      'A: 1',
      'Grpc-Status: 0',
      'A: 2',
    ])
    assert.deepEqual(read('Host: a\r\n'), [])
  })

  it('reads no line that is none, and no more of them than a head may have', () => {
    for (const lines of ['A\r\n', 'A : 1\r\n', ' A: 1\r\n', 'A: 1\r\n b\r\n', 'A: \0\r\n', ': 1\r\n', 'A: 1\n'])
      assert.equal(read(lines), null, lines)
    assert.equal(read('A: 1\r\n'.repeat(101)), null)
    assert.equal(read('A: 1\r\n'.repeat(100))?.length, 100)
  })

  it('reads back whatever valid fields were written', () => {
    const names = token.filter((name) => !name.includes('_') && read(`${name}: x\r\n`)!.length === 1)
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fieldValue), { maxLength: 20 }), (fields) => {
        const lines = fields.map(([name, value]) => `${name}: ${value}`)
        assert.deepEqual(read(lines.map((line) => `${line}\r\n`).join('')), lines)
      }),
      { numRuns: 200 },
    )
  })
})

describe('announcedTrailers', () => {
  it('gives the names that can come', () => {
    const head = new Head()
    head.text = 'Trailer: A, host ,, B\r\ntrailer: c d, E_f, G\r\n\r\n'
    assert.equal(parseLines(head, 0), null)
    assert.equal(announcedTrailers(head), 'A, B, G')
  })
})
