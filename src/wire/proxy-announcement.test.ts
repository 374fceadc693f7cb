/** proxy-announcement: byte for byte what the specification says, and read back by our own reader to the same ends. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { ConnectionEnds } from './client-end.ts'
import { type ProxyVersion, proxyAnnouncement } from './proxy-announcement.ts'
import { readProxyHeader } from './proxy-header.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const ends = (client: string, server: string): ConnectionEnds => ({ client, clientPort: 1234, server, serverPort: 443 })

const ROWS: readonly (readonly [string, ConnectionEnds | null, string, string])[] = [
  [
    'IPv4',
    ends('192.0.2.7', '192.0.2.8'),
    'PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n',
    `${SIGNATURE}2111000cc0000207c000020804d201bb`,
  ],
  [
    'IPv6',
    ends('2001:db8::7', '::1'),
    'PROXY TCP6 2001:db8::7 ::1 1234 443\r\n',
    `${SIGNATURE}2121002420010db80000000000000000000000070000000000000000000000000000000104d201bb`,
  ],
  [
    'a client of the other family',
    ends('192.0.2.7', '2001:db8::8'),
    'PROXY TCP6 ::ffff:192.0.2.7 2001:db8::8 1234 443\r\n',
    `${SIGNATURE}2121002400000000000000000000ffffc000020720010db800000000000000000000000804d201bb`,
  ],
  [
    'a zone, which is nobody else’s business',
    ends('fe80::1%eth0', 'fe80::2%eth0'),
    'PROXY TCP6 fe80::1 fe80::2 1234 443\r\n',
    `${SIGNATURE}21210024fe800000000000000000000000000001fe80000000000000000000000000000204d201bb`,
  ],
  ['nobody whose ends are known', null, 'PROXY UNKNOWN\r\n', `${SIGNATURE}20000000`],
]

describe('proxyAnnouncement', () => {
  for (const [name, given, v1, v2] of ROWS) {
    it(`says ${name}`, () => {
      assert.equal(proxyAnnouncement('v1', given).toString('latin1'), v1)
      assert.equal(proxyAnnouncement('v2', given).toString('hex'), v2)
    })
  }

  it('is read back to the same ends, whatever they are', () => {
    const port = fc.integer({ min: 0, max: 65_535 })
    const known = fc.oneof(
      fc.record({ client: fc.ipV4(), clientPort: port, server: fc.ipV4(), serverPort: port }),
      fc.record({ client: fc.ipV6(), clientPort: port, server: fc.ipV6(), serverPort: port }),
    )
    const canonical = (address: string): string => {
      const header = readProxyHeader(proxyAnnouncement('v2', ends(address, address)))
      return typeof header === 'string' ? header : header.ends!.client
    }
    fc.assert(
      fc.property(known, fc.constantFrom<ProxyVersion>('v1', 'v2'), (given, version) => {
        const bytes = proxyAnnouncement(version, given)
        const read = readProxyHeader(bytes)
        const { client, server } = given
        assert.deepEqual(read, {
          length: bytes.length,
          ends: { ...given, client: canonical(client), server: canonical(server) },
        })
      }),
    )
  })
})
