/** parse-response: compared with a grammar written apart from it, on generated, mutated and random heads. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { responseByGrammar, wholeHead } from '../../test/support/unit/grammar.ts'
import { validResponse } from '../../test/support/unit/heads.ts'
import { latin1, mutate, mutations } from '../../test/support/unit/packets.ts'
import { FRAMING, ResponseHead } from './head.ts'
import { parseResponseHead } from './parse-response.ts'

const FRAMING_NAMES = Object.fromEntries(Object.entries(FRAMING).map(([name, value]) => [value, name]))
const methods = fc.constantFrom('GET', 'GET', 'HEAD', 'POST')
const statuses = fc.constantFrom(100, 101, 103, 199, 200, 204, 205, 206, 301, 304, 404, 503, 599)

/** What the parser makes of a head, in the words of the grammar; null when it refuses. */
function parsed(text: string, method: string, head = new ResponseHead()) {
  if (!parseResponseHead(head, text, method)) return null
  const { status, reason, minor, length, count } = head
  const lines = Array.from({ length: count }, (_, i) => [head.name(i), head.value(i)] as const)
  return { status, reason, minor, lines, framing: FRAMING_NAMES[head.framing]!, length }
}

describe('parseResponseHead', () => {
  it('gives back exactly what a valid head says', () => {
    fc.assert(
      fc.property(validResponse, ({ text, ...said }) => {
        assert.deepEqual(parsed(text, 'GET'), { ...said, minor: 1 })
      }),
      { numRuns: 1000 },
    )
  })

  it('accepts of mutated heads exactly those that the grammar accepts, and reads them alike', () => {
    fc.assert(
      fc.property(validResponse, statuses, methods, mutations, ({ text }, status, method, changes) => {
        const head = wholeHead(mutate(text.replace(/ \d+/, ` ${status}`), changes))
        if (head !== null) assert.deepEqual(parsed(head, method), responseByGrammar(head, method))
      }),
      { numRuns: 5000 },
    )
  })

  it('never throws and never accepts what the grammar refuses, whatever the bytes', () => {
    fc.assert(
      fc.property(latin1, methods, (line, method) => {
        for (const text of [line, `HTTP/1.1 ${line}`, `HTTP/1.1 200 ${line}`, `HTTP/1.1 200 OK\r\n${line}`]) {
          const head = wholeHead(`${text}\r\n\r\n`)!
          assert.deepEqual(parsed(head, method), responseByGrammar(head, method))
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('keeps nothing of the answer before: one object reads a whole connection', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(validResponse, methods), { minLength: 2, maxLength: 5 }), (answers) => {
        const kept = new ResponseHead()
        for (const [{ text }, method] of answers) {
          const fresh = new ResponseHead()
          assert.deepEqual(parsed(text, method, kept), parsed(text, method, fresh))
          const rest = ({ keepAlive, keepAliveTimeout, closes, nominates, lengthGiven }: ResponseHead) => {
            return { keepAlive, keepAliveTimeout, closes, nominates, lengthGiven }
          }
          assert.deepEqual(rest(kept), rest(fresh))
        }
      }),
    )
  })

  for (const [lines, said] of [
    ['Content-Length: 0', { keepAlive: true, keepAliveTimeout: -1, lengthGiven: true }],
    ['Content-Length: 0\r\nConnection: close', { keepAlive: false }],
    ['X: y', { keepAlive: false, lengthGiven: false }],
    ['Content-Length: 0\r\nKeep-Alive: timeout=5', { keepAliveTimeout: 5 }],
    ['Content-Length: 0\r\nKeep-Alive: max=100, Timeout = 7', { keepAliveTimeout: 7 }],
    ['Content-Length: 0\r\nKeep-Alive: max=100', { keepAliveTimeout: -1 }],
    ['Content-Length: 0\r\nKeep-Alive: timeout=soon', { keepAliveTimeout: -1 }],
    ['Content-Length: 0\r\nConnection: X-One', { nominates: true }],
  ] as const) {
    it(`reads ${JSON.stringify(lines)} as ${JSON.stringify(said)}`, () => {
      const head = new ResponseHead()
      assert.equal(parseResponseHead(head, `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`, 'GET'), true)
      assert.deepEqual(Object.fromEntries(Object.entries(head).filter(([key]) => key in said)), said)
    })
  }
})
