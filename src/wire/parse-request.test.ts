/** parse-request: compared with a grammar written apart from it, on generated, mutated and random heads. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { requestByGrammar, wholeHead } from '../../test/support/unit/grammar.ts'
import { validRequest } from '../../test/support/unit/heads.ts'
import { latin1, mutate, mutations } from '../../test/support/unit/packets.ts'
import { FRAMING, RequestHead } from './head.ts'
import { hostOf, parseRequestHead } from './parse-request.ts'

const FRAMING_NAMES = Object.fromEntries(Object.entries(FRAMING).map(([name, value]) => [value, name]))

/** What the parser makes of a head, in the words of the grammar; null when it refuses. */
function parsed(text: string, head = new RequestHead()) {
  const problem = parseRequestHead(head, text)
  if (problem !== null) {
    assert.ok(problem.status >= 400 && problem.status <= 505, problem.code)
    return null
  }
  const { method, target, authority, minor, length, count } = head
  const lines = Array.from({ length: count }, (_, i) => [head.name(i), head.value(i)] as const)
  return { method, target, authority, minor, lines, framing: FRAMING_NAMES[head.framing]!, length }
}

describe('parseRequestHead', () => {
  it('gives back exactly what a valid head says', () => {
    fc.assert(
      fc.property(validRequest, ({ text, ...said }) => {
        assert.deepEqual(parsed(text), { ...said, minor: 1 })
      }),
      { numRuns: 1000 },
    )
  })

  it('accepts of mutated heads exactly those that the grammar accepts, and reads them alike', () => {
    fc.assert(
      fc.property(validRequest, mutations, ({ text }, changes) => {
        const head = wholeHead(mutate(text, changes))
        if (head !== null) assert.deepEqual(parsed(head), requestByGrammar(head))
      }),
      { numRuns: 5000 },
    )
  })

  it('never throws and never accepts what the grammar refuses, whatever the bytes', () => {
    fc.assert(
      fc.property(latin1, latin1, (line, rest) => {
        for (const text of [
          line,
          `GET ${line}`,
          `GET / HTTP/1.1\r\nHost: a\r\n${line}`,
          `GET /${line} HTTP/1.1\r\n${rest}`,
        ]) {
          const head = wholeHead(`${text}\r\n\r\n`)!
          assert.deepEqual(parsed(head), requestByGrammar(head))
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('keeps nothing of the head before: one object reads a whole connection', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(validRequest, mutations), { minLength: 2, maxLength: 5 }), (requests) => {
        const kept = new RequestHead()
        for (const [{ text }, changes] of requests) {
          const head = wholeHead(mutate(text, changes))
          if (head === null) continue
          const fresh = new RequestHead()
          assert.deepEqual(parsed(head, kept), parsed(head, fresh))
          if (parseRequestHead(fresh, head) !== null) return // the connection ends here
          const { host, keepAlive, closes, nominates, expectContinue, upgrade, hostLine } = kept
          assert.deepEqual(
            { host, keepAlive, closes, nominates, expectContinue, upgrade, hostLine },
            {
              host: fresh.host,
              keepAlive: fresh.keepAlive,
              closes: fresh.closes,
              nominates: fresh.nominates,
              expectContinue: fresh.expectContinue,
              upgrade: fresh.upgrade,
              hostLine: fresh.hostLine,
            },
          )
        }
      }),
      { numRuns: 1000 },
    )
  })

  for (const [lines, said] of [
    ['', { keepAlive: true, nominates: false, upgrade: '' }],
    ['Connection: close\r\n', { keepAlive: false }],
    ['Connection: Keep-Alive, CLOSE\r\n', { keepAlive: false, nominates: false }],
    ['Connection: close\r\nConnection: keep-alive\r\n', { keepAlive: false }],
    ['Connection: X-One, keep-alive\r\n', { keepAlive: true, nominates: true }],
    ['Connection: ,, ,\r\n', { keepAlive: true, nominates: false }],
    ['Upgrade: WebSocket\r\n', { upgrade: '' }],
    ['Connection: upgrade\r\n', { upgrade: '' }],
    ['Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n', { upgrade: 'websocket', nominates: false }],
    ['Expect: 100-continue\r\n', { expectContinue: false }],
    ['Expect: 100-continue\r\nContent-Length: 1\r\n', { expectContinue: true }],
  ] as const) {
    it(`reads ${JSON.stringify(lines)} as ${JSON.stringify(said)}`, () => {
      const head = new RequestHead()
      assert.equal(parseRequestHead(head, `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`), null)
      assert.deepEqual(Object.fromEntries(Object.entries(head).filter(([key]) => key in said)), said)
    })
  }

  it('lets HTTP/1.0 keep its connection only when it says so, and never switch or be continued', () => {
    const head = new RequestHead()
    const lines = 'Connection: upgrade\r\nUpgrade: websocket\r\nExpect: nonsense\r\nContent-Length: 1\r\n'
    assert.equal(parseRequestHead(head, `GET / HTTP/1.0\r\n${lines}\r\n`), null)
    assert.deepEqual([head.keepAlive, head.upgrade, head.expectContinue], [false, '', false])
    assert.equal(parseRequestHead(head, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'), null)
    assert.equal(head.keepAlive, true)
  })
})

describe('hostOf', () => {
  for (const [authority, host] of [
    ['', ''],
    ['a', 'a'],
    ['Shop.EXAMPLE', 'shop.example'],
    ['a.example.:8080', 'a.example'],
    ['[2001:DB8::1]:1', '[2001:db8::1]'],
    ['a:65535', 'a'],
    ['a:65536', null],
    ['a:0', null],
    ['a:', null],
    ['a:b', null],
    [':80', null],
    ['a,b', null],
    ['a b', null],
    ['a@b', null],
    ['[::1', null],
    ['::1', null],
    ['a\0', null],
    ['é', null],
  ] as const) {
    it(`${JSON.stringify(authority)} is ${JSON.stringify(host)}`, () => assert.equal(hostOf(authority), host))
  }
})
