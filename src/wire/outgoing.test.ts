/** outgoing: compared with a plain list of lines, step by step; nothing in it ever ends a line early. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { fieldValue, token } from '../../test/support/unit/heads.ts'
import { LINES_MAX, ResponseHead } from './head.ts'
import { InvalidHeader, OutgoingHead, isFieldValue } from './outgoing.ts'
import { parseResponseHead } from './parse-response.ts'

interface Line {
  readonly name: string
  readonly value: string
  /** As it is written. */
  readonly text: string
}

/** Few names, in several cases, so that steps meet. */
const name = fc.oneof(fc.constantFrom('a', 'A', 'b', 'x-One', 'X-ONE', 'set-cookie', 'Set-Cookie'), token)
const receivedLine = fc
  .tuple(name, fieldValue, fc.constantFrom('', ' ', '\t '))
  .filter(([given]) => !/^(?:content-length|transfer-encoding)$/i.test(given))
  .map(([given, value, space]): Line => ({ name: given, value, text: `${given}:${space}${value}${space}\r\n` }))

const step = fc.oneof(
  fc.record({ do: fc.constantFrom('set' as const, 'append' as const), name, value: fieldValue }),
  fc.record({ do: fc.constant('remove' as const), name }),
  fc.record({ do: fc.constant('drop' as const), line: fc.nat({ max: 120 }) }),
  fc.record({ do: fc.constant('detach' as const) }),
)

function headOf(lines: readonly Line[]): ResponseHead {
  const head = new ResponseHead()
  const text = `HTTP/1.1 200 OK\r\n${lines.map((line) => line.text).join('')}\r\n`
  assert.equal(parseResponseHead(head, text, 'GET'), true)
  return head
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

function assertIsModel(out: OutgoingHead, model: readonly Line[]): void {
  assert.equal(out.lines(), model.map((line) => line.text).join(''))
  assert.deepEqual(
    [...out.entries()],
    model.map((line) => [line.name, line.value]),
  )
  for (const asked of ['a', 'b', 'x-one', 'set-cookie', 'absent']) {
    assert.equal(out.get(asked), model.find((line) => same(line.name, asked))?.value ?? null)
  }
}

describe('OutgoingHead', () => {
  it('does what a list of lines would', () => {
    fc.assert(
      fc.property(fc.array(receivedLine, { maxLength: 12 }), fc.array(step, { maxLength: 12 }), (received, steps) => {
        const out = new OutgoingHead()
        out.reset(headOf(received))
        let model: readonly Line[] = received
        for (const one of steps) {
          switch (one.do) {
            case 'drop': {
              if (received.length === 0) break
              const line = one.line % received.length
              out.drop(line)
              model = model.filter((kept) => kept !== received[line])
              break
            }
            case 'detach':
              out.detach()
              break
            case 'remove':
              out.remove(one.name)
              model = model.filter((line) => !same(line.name, one.name))
              break
            case 'set':
            case 'append': {
              out[one.do](one.name, one.value)
              const kept = one.do === 'set' ? model.filter((line) => !same(line.name, one.name)) : model
              model = [...kept, { name: one.name, value: one.value, text: `${one.name}: ${one.value}\r\n` }]
            }
          }
          assertIsModel(out, model)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('drops any of as many lines as a head may have, and no other', () => {
    const lines = Array.from({ length: LINES_MAX }, (_, i): Line => {
      return { name: `x-${i}`, value: `${i}`, text: `x-${i}: ${i}\r\n` }
    })
    const head = headOf(lines)
    const all = lines.map((line) => line.text).join('')
    for (const { text, value } of lines) {
      const out = new OutgoingHead()
      out.reset(head)
      out.drop(Number(value))
      assert.equal(out.lines(), all.replace(text, ''))
    }
  })

  it('starts over from another head, or from nothing', () => {
    const out = new OutgoingHead()
    out.reset(headOf([{ name: 'a', value: '1', text: 'a:1\r\n' }]))
    out.remove('a')
    out.append('b', '2')
    out.reset(headOf([{ name: 'c', value: '3', text: 'c:3\r\n' }]))
    assert.equal(out.lines(), 'c:3\r\n')
    out.reset(null)
    assert.equal(out.lines(), '')
    assert.equal(out.get('c'), null)
  })

  it('keeps what it was detached from, whatever its connection reads next', () => {
    const head = headOf([
      { name: 'a', value: '1', text: 'a: 1\r\n' },
      { name: 'b', value: '2', text: 'b: 2\r\n' },
    ])
    const out = new OutgoingHead()
    out.reset(head)
    out.remove('a')
    out.detach()
    assert.equal(parseResponseHead(head, 'HTTP/1.1 404 Other\r\nevil: yes\r\nmore: x\r\n\r\n', 'GET'), true)
    assert.equal(out.lines(), 'b: 2\r\n')
    assert.deepEqual([...out.entries()], [['b', '2']])
  })

  it('takes no name and no value that would end a line or start another', () => {
    const any = fc.string({ unit: fc.integer({ min: 0, max: 0x1ff }).map((c) => String.fromCharCode(c)), maxLength: 8 })
    fc.assert(
      fc.property(any, any, (given, value) => {
        const out = new OutgoingHead()
        const valid = /^[!#$%&'*+.^_`|~\w-]+$/.test(given) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
        assert.equal(isFieldValue(value), /^[\t\x20-\x7e\x80-\xff]*$/.test(value))
        for (const write of ['set', 'append'] as const) {
          if (valid) out[write](given, value)
          else assert.throws(() => out[write](given, value), InvalidHeader)
        }
        assert.equal(out.lines(), valid ? `${given}: ${value}\r\n`.repeat(2) : '')
      }),
      { numRuns: 2000 },
    )
  })

  for (const [given, value] of [
    ['X', 'a\r\nEvil: b'],
    ['X', 'a\n'],
    ['X', '\r'],
    ['X', '\0'],
    ['X', '\x7f'],
    ['X', 'Ā'],
    ['X', '€'],
    ['X: a\r\nEvil', 'b'],
    ['X ', 'a'],
    ['', 'a'],
    ['X\n', 'a'],
    ['É', 'a'],
  ] as const) {
    it(`refuses ${JSON.stringify(`${given}: ${value}`)}`, () => {
      assert.throws(() => new OutgoingHead().append(given, value), InvalidHeader)
      assert.throws(() => new OutgoingHead().set(given, value), InvalidHeader)
    })
  }
})
