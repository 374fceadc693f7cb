/** request-head: what of a head goes on, what ends at us, and what nobody may take away. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { validRequest, validResponse } from '../../test/support/unit/heads.ts'
import { RequestHead, ResponseHead } from '../wire/head.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import { parseRequestHead } from '../wire/parse-request.ts'
import { parseResponseHead } from '../wire/parse-response.ts'
import { requestText } from '../wire/request-text.ts'
import type { Told } from '../wire/forwarded.ts'
import type { ClientLeg, Forwarding } from './forwarding.ts'
import { forwardRequest, forwardResponse } from './request-head.ts'

/** The lines that go upstream of a request with these lines, without those of our own. */
function forwarded(...lines: readonly string[]): string[] {
  const all = onward(`POST /a HTTP/1.1\r\nHost: a:1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`)
  assert.deepEqual(all.slice(-OURS.length), OURS)
  assert.equal(all[0], 'Host: a:1')
  return all.slice(1, -OURS.length)
}

const OURS = [
  'X-Forwarded-For: 192.0.2.7',
  'X-Forwarded-Proto: http',
  'X-Forwarded-Host: a:1',
  'Forwarded: for=192.0.2.7;host="a:1";proto=http',
  'Via: 1.1 us',
]
const HOW: Forwarding = { xForwarded: true, forwarded: true, via: 'us' }
const CLIENT: ClientLeg = { clientAddress: '192.0.2.7', encrypted: false, told: null }

function onward(text: string, client = CLIENT, how = HOW): string[] {
  const head = new RequestHead()
  assert.equal(parseRequestHead(head, text), null)
  const out = new OutgoingHead()
  forwardRequest(out, head, client, how)
  return out.lines().split('\r\n').slice(0, -1)
}

/** The lines that go on to the client of an answer with these lines. */
function returned(...lines: readonly string[]): string[] {
  const head = new ResponseHead()
  assert.equal(
    parseResponseHead(head, `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`, 'GET'),
    true,
  )
  const out = new OutgoingHead()
  forwardResponse(out, head, false, HOW)
  const all = out.lines().split('\r\n').slice(0, -1)
  assert.equal(all.pop(), 'Via: 1.1 us')
  return all
}

/** Lines that both legs drop: they are about one connection (RFC 9110 §7.6.1). */
const HOP_BY_HOP = [
  'Connection: keep-alive',
  'Keep-Alive: timeout=5',
  'Proxy-Connection: keep-alive',
  'TE: trailers',
  'Trailer: X-Sum',
  'Transfer-Encoding: chunked',
  'Upgrade: h2c',
  'Proxy-Authenticate: Basic',
  'Proxy-Authorization: Basic eA==',
]

describe('forwardRequest', () => {
  for (const line of [
    ...HOP_BY_HOP,
    'HTTP2-Settings: AAMAAABkAAQAAP__',
    'X_Under: 1',
    'X_Forwarded_For: 6.6.6.6',
    'Content_Length: 5',
    'Forwarded: for=6.6.6.6',
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: evil',
    'X-Forwarded-Port: 1',
    'X-Forwarded-Prefix: /evil',
    'X-Forwarded-Server: evil',
    'X-Real-IP: 6.6.6.6',
  ]) {
    it(`drops ${line}, in any case and however often`, () => {
      const twice = /^(?:transfer-encoding|upgrade)/i.test(line) ? [] : [line.toUpperCase()]
      assert.deepEqual(forwarded('Accept: a', line, 'Cookie: b', ...twice), ['Accept: a', 'Cookie: b'])
    })
  }

  for (const line of [
    'Content-Length: 5',
    'Authorization: Bearer x',
    'Cookie: a=b',
    'Date: today',
    'X-Own: 1',
    'Via: 1.1 a',
  ]) {
    it(`passes ${line}`, () => assert.deepEqual(forwarded(line), [line]))
  }

  it('drops what Connection names', () => {
    const lines = [
      'Connection: close, X-Secret',
      'x-secret: 1',
      'X-Kept: 1',
      'Connection: ,x-other ,',
      'X-Other: 1',
      'X-SECRET: 2',
    ]
    assert.deepEqual(forwarded(...lines), ['X-Kept: 1'])
  })

  for (const line of ['Content-Length: 5', 'Authorization: b', 'Cookie: c', 'Date: d']) {
    it(`does not let Connection take away ${line}`, () => {
      assert.deepEqual(forwarded(`Connection: ${line.split(':')[0]!}, X-Gone`, line, 'X-Gone: 1'), [line])
    })
  }

  it('does not let Connection take away Host or what we say ourselves', () => {
    assert.deepEqual(forwarded('Connection: Host, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host'), [])
  })

  it('passes Expect only with a body to wait for', () => {
    assert.deepEqual(forwarded('Expect: 100-continue', 'Content-Length: 1'), [
      'Expect: 100-continue',
      'Content-Length: 1',
    ])
    assert.deepEqual(forwarded('Expect: 100-continue', 'Content-Length: 0'), ['Content-Length: 0'])
  })

  it('says what it knows about the client', () => {
    assert.deepEqual(onward('GET / HTTP/1.0\r\n\r\n', { ...CLIENT, encrypted: true }), [
      'X-Forwarded-For: 192.0.2.7',
      'X-Forwarded-Proto: https',
      'Forwarded: for=192.0.2.7;proto=https',
      'Via: 1.0 us',
    ])
    assert.deepEqual(onward('GET http://B.example:8/ HTTP/1.1\r\nHost: b.example:8\r\n\r\n').slice(-3), [
      'X-Forwarded-Host: B.example:8',
      'Forwarded: for=192.0.2.7;host="B.example:8";proto=http',
      'Via: 1.1 us',
    ])
    assert.deepEqual(
      onward('GET / HTTP/1.1\r\nHost: a\r\n\r\n', { ...CLIENT, clientAddress: '2001:db8::7' }).at(-2),
      ['Forwarded: for="[2001:db8::7]";host="a";proto=http'][0],
    )
  })

  it('says it in one way only when it is told to', () => {
    const names = (how: Partial<Forwarding>) =>
      onward('GET / HTTP/1.0\r\n\r\n', CLIENT, { ...HOW, ...how }).map((line) => line.slice(0, line.indexOf(':')))
    assert.deepEqual(names({ forwarded: false }), ['X-Forwarded-For', 'X-Forwarded-Proto', 'Via'])
    assert.deepEqual(names({ xForwarded: false }), ['Forwarded', 'Via'])
  })

  it('says what trusted proxies have told: the chain from the client on, and the leg that was the client’s', () => {
    const told: Told = {
      client: '203.0.113.7',
      hops: ['203.0.113.7', '2001:db8::1', '10.0.0.1'],
      proto: 'https',
      host: 'shop.example',
      port: '8443',
      prefix: '/shop',
    }
    const client = { clientAddress: told.client, encrypted: true, told }
    assert.deepEqual(onward('GET / HTTP/1.1\r\nHost: inner:8080\r\nVia: 1.1 edge\r\n\r\n', client), [
      'Host: inner:8080',
      'Via: 1.1 edge',
      'X-Forwarded-For: 203.0.113.7, 2001:db8::1, 10.0.0.1',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: shop.example',
      'X-Forwarded-Port: 8443',
      'X-Forwarded-Prefix: /shop',
      'Forwarded: for=203.0.113.7;host="shop.example";proto=https, for="[2001:db8::1]", for=10.0.0.1',
      'Via: 1.1 us',
    ])
  })

  it('leaves every other line as it came, in its order, whatever the head', () => {
    const dropped =
      /^(?:connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|proxy-authen?ticate|proxy-authorization|http2-settings|forwarded|x-forwarded-.*|x-real-ip|x-original-url|x-rewrite-url)$/i
    fc.assert(
      fc.property(validRequest, ({ text, lines }) => {
        const all = onward(text)
        const kept = all.slice(
          0,
          all.findIndex((line) => line === OURS[0]),
        )
        const want = lines.filter(([name]) => !dropped.test(name) && !name.includes('_'))
        assert.deepEqual(
          kept.map((line) => [
            line.slice(0, line.indexOf(':')),
            line.slice(line.indexOf(':') + 1).replace(/^[ \t]+|[ \t]+$/g, ''),
          ]),
          want,
        )
      }),
      { numRuns: 300 },
    )
  })
})

describe('forwardResponse', () => {
  for (const line of HOP_BY_HOP) {
    it(`drops ${line}`, () =>
      assert.deepEqual(returned('Server: a', line, 'Set-Cookie: b'), ['Server: a', 'Set-Cookie: b']))
  }

  it('passes what only requests may not say', () => {
    const lines = ['X_Under: 1', 'X-Forwarded-For: a', 'Content-Length: 5', 'Date: d', 'Set-Cookie: a', 'Set-Cookie: b']
    assert.deepEqual(returned(...lines), lines)
  })

  it('drops what Connection names, but not the length', () => {
    assert.deepEqual(
      returned('Connection: X-Gone, Content-Length, Date', 'X-Gone: 1', 'Content-Length: 5', 'Date: d'),
      ['Content-Length: 5', 'Date: d'],
    )
  })

  it('leaves every other line as it came', () => {
    fc.assert(
      fc.property(validResponse, ({ text }) => {
        const head = new ResponseHead()
        assert.equal(parseResponseHead(head, text, 'GET'), true)
        const out = new OutgoingHead()
        forwardResponse(out, head, false, HOW)
        const lines = text.split('\r\n').slice(1, -2)
        assert.equal(
          out.lines(),
          lines
            .filter((line) => !/^(?:transfer-encoding|te):/i.test(line))
            .map((line) => `${line}\r\n`)
            .join('') + `Via: 1.${head.minor} us\r\n`,
        )
      }),
      { numRuns: 300 },
    )
  })
})

describe('a request that goes on', () => {
  it('is read back by our own parser as what went in, for every head that goes on', () => {
    fc.assert(
      fc.property(validRequest, ({ text, method, target, authority, framing, length }) => {
        const head = new RequestHead()
        assert.equal(parseRequestHead(head, text), null)
        const out = new OutgoingHead()
        forwardRequest(out, head, CLIENT, HOW)
        const again = new RequestHead()
        const sent = requestText({
          method,
          target,
          host: 'fallback',
          headers: out,
          chunked: framing === 'chunked',
          upgrade: '',
          takesTrailers: head.takesTrailers,
        })
        assert.equal(parseRequestHead(again, sent), null)
        assert.deepEqual(
          [again.method, again.target, again.length, again.framing],
          [method, target, length, head.framing],
        )
        assert.equal(again.authority.toLowerCase(), authority.toLowerCase())
      }),
      { numRuns: 300 },
    )
  })
})

describe('an answer that goes on', () => {
  it('is read back by our own parser as what came, for every head that goes on', () => {
    fc.assert(
      fc.property(validResponse, ({ text, status, lines }) => {
        const head = new ResponseHead()
        assert.equal(parseResponseHead(head, text, 'GET'), true)
        const out = new OutgoingHead()
        forwardResponse(out, head, false, HOW)
        const again = new ResponseHead()
        assert.equal(parseResponseHead(again, `HTTP/1.1 ${status} ${head.reason}\r\n${out.lines()}\r\n`, 'GET'), true)
        assert.deepEqual([again.status, again.reason, again.length], [head.status, head.reason, head.length])
        assert.ok(again.count <= lines.length + 1)
      }),
      { numRuns: 300 },
    )
  })
})
