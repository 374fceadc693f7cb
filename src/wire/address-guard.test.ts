/** address-guard: every special-purpose range, in every way an address can be written, with and without leave. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, describe, it } from 'node:test'
import { Asked } from '../../test/support/unit/asked.ts'
import { listen } from '../../test/support/unit/loopback.ts'
import { systemClock } from '../base/clock.ts'
import { AddressGuard, isBlockedError } from './address-guard.ts'
import { Deadlines } from './deadlines.ts'
import { Pools } from './pool.ts'

/** A range, its first and last address, and the neighbours that are public (null: the neighbour is special too). */
type Range = readonly [range: string, first: string, last: string, below: string | null, above: string | null]

const RANGES: readonly Range[] = [
  ['0.0.0.0/8', '0.0.0.0', '0.255.255.255', null, '1.0.0.0'],
  ['10.0.0.0/8', '10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
  ['100.64.0.0/10', '100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
  ['127.0.0.0/8', '127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'],
  ['169.254.0.0/16', '169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
  ['172.16.0.0/12', '172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
  ['192.0.0.0/24', '192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
  ['192.0.2.0/24', '192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
  ['192.88.99.0/24', '192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
  ['192.168.0.0/16', '192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
  ['198.18.0.0/15', '198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
  ['198.51.100.0/24', '198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
  ['203.0.113.0/24', '203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
  ['224.0.0.0/4', '224.0.0.0', '239.255.255.255', '223.255.255.255', null],
  ['240.0.0.0/4', '240.0.0.0', '255.255.255.255', null, null],
  ['::/128', '::', '::', null, null],
  ['::1/128', '::1', '::1', null, null],
  ['::ffff:0:0:0/96', '::ffff:0:0:0', '::ffff:0:ffff:ffff', null, '0:0:0:0:ffff:1::'],
  ['64:ff9b::/96', '64:ff9b::', '64:ff9b::ffff:ffff', '64:ff9a:ffff::', '64:ff9b:0:0:0:1::'],
  ['64:ff9b:1::/48', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', null, '64:ff9b:2::'],
  ['100::/64', '100::', '100::ffff:ffff:ffff:ffff', 'ff:ffff::', '100:0:0:1::'],
  ['2001::/23', '2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2000:ffff::', '2001:200::'],
  ['2001:db8::/32', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db7:ffff::', '2001:db9::'],
  ['2002::/16', '2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:ffff::', '2003::'],
  ['3fff::/20', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3ffe:ffff::', '3fff:1000::'],
  ['5f00::/16', '5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '5eff::', '5f01::'],
  ['fc00::/7', 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fbff::', 'fe00::'],
  ['fe80::/10', 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fe7f::', null],
  ['fec0::/10', 'fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null, null],
  ['ff00::/8', 'ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null, null],
]

const METADATA: ReadonlyArray<readonly [whose: string, address: string]> = [
  ['most clouds', '169.254.169.254'],
  ['AWS, IPv6', 'fd00:ec2::254'],
  ['AWS, containers', '169.254.170.2'],
  ['Oracle', '192.0.0.192'],
  ['Alibaba', '100.100.100.200'],
]

/** The ways to write an IPv4 address as an IPv6 one. */
function disguises(v4: string): string[] {
  const hex = Buffer.from(v4.split('.').map(Number))
    .toString('hex')
    .replace(/(....)(....)/, '$1:$2')
  return [
    `::ffff:${v4}`,
    `::ffff:${hex}`,
    `0:0:0:0:0:FFFF:${hex}`,
    `::${hex}`,
    `::ffff:0:${hex}`,
    `64:ff9b::${v4}`,
    `64:ff9b::${hex}`,
    `64:ff9b:1::${hex}`,
    `2002:${hex}::`,
    `2002:${hex}::1`,
  ]
}

describe('AddressGuard', () => {
  const guard = new AddressGuard()

  for (const [range, first, last, below, above] of RANGES) {
    it(`refuses ${range} and no more`, () => {
      for (const address of [first, last]) assert.match(guard.refusal(address) ?? '', /not a public address/, address)
      for (const address of [below, above]) if (address !== null) assert.equal(guard.refusal(address), null, address)
      for (const address of [first, last].filter((one) => one.includes('.'))) {
        for (const disguise of disguises(address)) assert.ok(guard.refusal(disguise) !== null, disguise)
      }
    })
  }

  for (const [whose, address] of METADATA) {
    it(`refuses the metadata service of ${whose}`, () => assert.ok(guard.refusal(address) !== null))
  }

  it('refuses a link-local address whatever zone it names', () => {
    for (const address of ['fe80::1%1', 'fe80::1%eth0']) assert.ok(guard.refusal(address) !== null, address)
  })

  it('lets public addresses be dialled, mapped ones as what they hold', () => {
    for (const address of ['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8', '::ffff:808:808', '2a00::']) {
      assert.equal(guard.refusal(address), null, address)
    }
  })

  it('reads a URL the way it will be dialled, whatever way it is written', () => {
    const hosts =
      '127.0.0.1 2130706433 0x7f000001 0177.0.0.1 127.1 127.0.0.1. 0 １２７.0.0.1 127。0。0。1 [::1] [::] [::ffff:127.0.0.1] ' +
      '[::ffff:7f00:1] [::127.0.0.1] [64:ff9b::a9fe:a9fe] [2002:7f00:1::] good@127.0.0.1 LOCALHOST localhost. a.localhost a.localhost. 169.254.169.254:80'
    for (const host of hosts.split(' ')) {
      assert.ok(guard.refusalOfUrl(`http://${host}/hook`) !== null, host)
    }
    for (const host of ['example.com', '8.8.8.8', '[2606:4700::1111]:8080', 'localhost.example', '127.0.0.1.example']) {
      assert.equal(guard.refusalOfUrl(`https://${host}/`), null, host)
    }
  })

  it('allows what egress.allow names and nothing beside it', () => {
    const allowing = new AddressGuard()
    allowing.update(['127.0.0.0/8', '10.1.2.3', 'fd00:1::/32', '::1'])
    for (const address of ['127.0.0.1', '127.255.255.255', '::ffff:127.0.0.1', '::ffff:7f00:1', '10.1.2.3', '::1']) {
      assert.equal(allowing.refusal(address), null, address)
    }
    assert.equal(allowing.refusal('fd00:1:ffff::'), null)
    for (const address of ['10.1.2.4', '::2', 'fd00:2::', '169.254.169.254', '64:ff9b::7f00:1', '2002:7f00:1::']) {
      assert.ok(allowing.refusal(address) !== null, address)
    }
    assert.equal(allowing.refusalOfUrl('http://localhost/'), null)
    allowing.update([])
    assert.ok(allowing.refusal('127.0.0.1') !== null)
  })

  it('refuses what egress.deny names, public or allowed', () => {
    const denying = new AddressGuard()
    denying.update(['10.0.0.0/8'], ['10.9.0.0/16', '8.8.8.0/24', '2606:4700::/32'])
    for (const address of ['10.9.1.1', '::ffff:10.9.1.1', '8.8.8.8', '::ffff:808:808', '2606:4700::1'])
      assert.match(denying.refusal(address) ?? '', /egress\.deny/, address)
    for (const address of ['10.8.1.1', '8.8.4.4', '2606:4701::1']) assert.equal(denying.refusal(address), null, address)
  })

  it('refuses the ports of other services unless they are named, and all others when some are', () => {
    const ports = [22, 25, 53, 2375, 3306, 5432, 6379, 9200, 11211, 27017]
    const named = new AddressGuard()
    named.update([], [], [443, 6379])
    for (const port of ports) assert.match(guard.refusalOfUrl(`http://example.com:${port}/`) ?? '', /egress\.ports/)
    for (const at of ['http://example.com', 'https://example.com', 'http://example.com:8080', 'https://[2a00::]:8443'])
      assert.equal(guard.refusalOfUrl(at), null, at)
    for (const at of ['https://example.com', 'https://example.com:443', 'http://example.com:6379'])
      assert.equal(named.refusalOfUrl(at), null, at)
    for (const at of ['http://example.com', 'http://example.com:8080'])
      assert.match(named.refusalOfUrl(at) ?? '', /not in egress\.ports/, at)
    const deadlines = new Deadlines(systemClock)
    const pools = new Pools(deadlines)
    assert.match(pools.of('http://example.com:6379', guard).refusal() ?? '', /egress\.ports/)
    assert.equal(pools.of('http://named.example:6379', named).refusal(), null)
    assert.equal(pools.of('http://example.com:6379', null).refusal(), null)
    pools.close()
    deadlines.close()
  })

  it('judges a name by every address it resolves to', async () => {
    const lookup = (from: AddressGuard, name: string, all: boolean) =>
      new Promise<unknown>((resolve) => {
        from.lookup(name, { all }, (error, address) => resolve(error ?? address))
      })
    for (const all of [false, true]) {
      const refused = await lookup(guard, 'localhost', all)
      assert.ok(refused instanceof Error && isBlockedError(refused))
    }
    const allowing = new AddressGuard()
    allowing.update(['127.0.0.1'])
    assert.equal(await lookup(allowing, 'localhost', false), '127.0.0.1')
    // What it was not allowed to dial is not among what may be dialled.
    assert.deepEqual(await lookup(allowing, 'localhost', true), [{ address: '127.0.0.1', family: 4 }])
    // A label too long to be asked for.
    const unknown = await lookup(allowing, `${'a'.repeat(64)}.invalid`, true)
    assert.ok(unknown instanceof Error && !isBlockedError(unknown))
  })

  it('keeps a pool from connecting to a name that is not public, and lets it when it is allowed', async () => {
    let connections = 0
    const server = createServer((socket) => {
      connections++
      socket.end('HTTP/1.1 204 No\r\n\r\n')
    })
    const deadlines = new Deadlines(systemClock)
    const pools = new Pools(deadlines)
    after(() => {
      server.close()
      pools.close()
      deadlines.close()
    })
    const port = await listen(server)
    const ask = async (from: AddressGuard) => {
      const asked = await new Asked(pools.of(`http://localhost:${port}`, from)).ended()
      return asked.failure ?? asked.status
    }
    const strict = new AddressGuard()
    assert.equal(await ask(strict), 'blocked-address')
    assert.equal(connections, 0)
    strict.update(['127.0.0.0/8'])
    assert.equal(await ask(strict), 204)
  })
})
