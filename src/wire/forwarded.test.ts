/** forwarded: proxies that are trusted are believed, from the nearest on, and nobody beyond them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { exchange } from '../../test/support/policy.ts'
import { type ForwardedSource, TrustedProxies } from './forwarded.ts'

const NETWORKS = ['10.0.0.0/8', '2001:db8:1::/48']
const PEER = '10.0.0.1'

const headOf = (lines: readonly string[]) => exchange('GET', '/', lines).head

/** What proxies in these networks tell of a request with these lines. */
function told(lines: readonly string[], source: ForwardedSource = 'either') {
  return new TrustedProxies(NETWORKS, source).told(
    headOf(lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])),
    PEER,
  )
}
const hops = (...lines: readonly string[]) => told(lines).hops

describe('TrustedProxies', () => {
  it('trusts who is in its networks', () => {
    const proxies = new TrustedProxies(NETWORKS, 'either')
    for (const address of ['10.0.0.1', '10.255.0.1', '2001:db8:1::9'])
      assert.equal(proxies.trusts(address), true, address)
    for (const address of ['11.0.0.1', '2001:db8:2::9', '', 'unknown'])
      assert.equal(proxies.trusts(address), false, address)
  })

  it('trusts Unix sockets when it is told to', () => {
    assert.equal(new TrustedProxies(['unix'], 'either').trusts('unix'), true)
    assert.equal(new TrustedProxies(NETWORKS, 'either').trusts('unix'), false)
  })

  for (const [lines, want] of [
    [[], [PEER]],
    [['X-Forwarded-For: 203.0.113.7'], ['203.0.113.7', PEER]],
    [['X-Forwarded-For: 198.51.100.1, 203.0.113.7'], ['203.0.113.7', PEER]],
    [['X-Forwarded-For: 198.51.100.1, 203.0.113.7, 10.9.9.9'], ['203.0.113.7', '10.9.9.9', PEER]],
    [
      ['X-Forwarded-For: 198.51.100.1', 'X-Forwarded-For: 203.0.113.7'],
      ['203.0.113.7', PEER],
    ],
    [['X-Forwarded-For: 10.1.1.1,10.2.2.2'], ['10.1.1.1', '10.2.2.2', PEER]],
    [['X-Forwarded-For: 203.0.113.7:4711'], ['203.0.113.7', PEER]],
    [['X-Forwarded-For: [2001:DB8::7]:4711'], ['2001:db8::7', PEER]],
    [['X-Forwarded-For: 2001:db8::7'], ['2001:db8::7', PEER]],
    [['X-Forwarded-For: ::ffff:203.0.113.7'], ['203.0.113.7', PEER]],
    [['X-Forwarded-For: 203.0.113.7, unknown'], [PEER]],
    [['X-Forwarded-For: 203.0.113.7, '], [PEER]],
    [['X-Forwarded-For: fe80::1%eth0'], [PEER]],
    [['X-Forwarded-For: 256.1.1.1'], [PEER]],
    [['X-Forwarded-For: evil.example'], [PEER]],
    [['Forwarded: for=203.0.113.7'], ['203.0.113.7', PEER]],
    [['Forwarded: For="203.0.113.7:80" ; proto=https , for=10.2.2.2;by=_x'], ['203.0.113.7', '10.2.2.2', PEER]],
    [['Forwarded: for="[2001:db8::7]:80"'], ['2001:db8::7', PEER]],
    [
      ['Forwarded: for=198.51.100.1', 'Forwarded: for=203.0.113.7'],
      ['203.0.113.7', PEER],
    ],
    [['Forwarded: for="198.51.100.1, for=203.0.113.7'], ['203.0.113.7', PEER]],
    [['Forwarded: for=_hidden'], [PEER]],
    [['Forwarded: for=unknown'], [PEER]],
    [['Forwarded: for=203.0.113.7;for=203.0.113.8'], [PEER]],
    [['Forwarded: for = 203.0.113.7'], [PEER]],
    [['Forwarded: for=203.0.113.7;'], ['203.0.113.7', PEER]],
    [
      ['Forwarded: for=198.51.100.1', 'X-Forwarded-For: 203.0.113.7'],
      ['203.0.113.7', PEER],
    ],
  ] as const) {
    it(`goes by ${lines.join(' and ') || 'nothing'} as far as ${want[0]}`, () => {
      assert.deepEqual(hops(...lines), want)
      assert.equal(told(lines).client, want[0])
    })
  }

  it('reads what it is told to read, and nothing else', () => {
    const lines = ['Forwarded: for=198.51.100.1', 'X-Forwarded-For: 203.0.113.7']
    assert.equal(told(lines, 'forwarded').client, '198.51.100.1')
    assert.equal(told(lines, 'x-forwarded').client, '203.0.113.7')
    assert.equal(told(['Forwarded: for=198.51.100.1'], 'x-forwarded').client, PEER)
    assert.equal(told(['X-Forwarded-For: 203.0.113.7'], 'forwarded').client, PEER)
  })

  for (const [lines, want] of [
    [
      ['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: shop.example'],
      'https shop.example',
    ],
    [['X-Forwarded-Proto: HTTPS'], 'https '],
    [['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Proto: https, http'], 'http '],
    [['X-Forwarded-For: 203.0.113.7, 10.2.2.2', 'X-Forwarded-Proto: https, http'], 'https '],
    [['X-Forwarded-For: 203.0.113.7, 10.2.2.2', 'X-Forwarded-Proto: https'], 'https '],
    [['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Proto: gopher', 'X-Forwarded-Host: a/b'], ' '],
    [['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Host: u@a'], ' '],
    [['Forwarded: for=203.0.113.7;proto=https;host="shop.example:8443"'], 'https shop.example:8443'],
    [['Forwarded: for=198.51.100.1;proto=http, for=203.0.113.7;proto=https, for=10.2.2.2;proto=http'], 'https '],
  ] as const) {
    it(`takes from ${lines.join(' and ')}: ${want}`, () => {
      const { proto, host } = told(lines)
      assert.equal(`${proto} ${host}`, want)
    })
  }

  it('takes a port and a prefix that are said once and are what they should be', () => {
    const of = (...lines: readonly string[]) => {
      const { port, prefix } = told(lines)
      return [port, prefix]
    }
    assert.deepEqual(of('X-Forwarded-Port: 8443', 'X-Forwarded-Prefix: /shop/v1'), ['8443', '/shop/v1'])
    for (const port of ['0', '65536', '080', '80, 81', 'x', ''])
      assert.deepEqual(of(`X-Forwarded-Port: ${port}`), ['', ''])
    assert.deepEqual(of('X-Forwarded-Port: 80', 'X-Forwarded-Port: 81'), ['', ''])
    for (const prefix of ['//evil.example', 'a', '/', '/../admin', '/a/', '/a b', '/a;b', '/%2e', '/.a'])
      assert.deepEqual(of(`X-Forwarded-Prefix: ${prefix}`), ['', ''], prefix)
  })

  it('ends a chain of trusted addresses without end', () => {
    const all = Array.from({ length: 200 }, (_, i) => `10.0.1.${i}`)
    const got = hops(`X-Forwarded-For: ${all.join(', ')}`)
    assert.equal(got.length, 32)
    assert.deepEqual(got.slice(0, -1), all.slice(-31))
  })

  it('is never moved by what stands to the left of the first address that is not trusted', () => {
    const junk = fc.string({ unit: fc.constantFrom(...'10.:[]",;=\\ _forhst2a'.split('')), maxLength: 60 })
    const client = fc.ipV4().filter((address) => !address.startsWith('10.'))
    const behind = fc.array(
      fc.nat(255).map((n) => `10.0.0.${n}`),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(junk, client, behind, (left, address, proxies) => {
        const chain = [address, ...proxies]
        assert.deepEqual(hops(`X-Forwarded-For: ${[left, ...chain].join(', ')}`), [...chain, PEER])
        const elements = chain.map((one) => `for=${one}`)
        assert.deepEqual(hops(`Forwarded: ${[left, ...elements].join(', ')}`), [...chain, PEER])
      }),
      { numRuns: 2000 },
    )
  })
})
