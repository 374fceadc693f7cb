/** proxy-header: both versions by the letter, and nothing that is not by the letter. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { ConnectionEnds } from './client-end.ts'
import { readProxyHeader } from './proxy-header.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'

/** A header of version 2 from its parts, in hex. */
function v2(command: string, family: string, rest: string): Buffer {
  const length = (rest.length / 2).toString(16).padStart(4, '0')
  return Buffer.from(SIGNATURE + command + family + length + rest, 'hex')
}

const FOUR = 'c0000207c000020804d201bb'
const SIX = '20010db800000000000000000000000720010db800000000000000000000000804d201bb'

const NEAR = { client: '192.0.2.7', clientPort: 1234, server: '192.0.2.8', serverPort: 443 }
const FAR = { client: '2001:db8::7', clientPort: 1234, server: '2001:db8::8', serverPort: 443 }

const ACCEPTED: Readonly<Record<string, readonly [Buffer, ConnectionEnds | null]>> = {
  'v1 TCP4': [Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n'), NEAR],
  'v1 TCP6, in one spelling': [
    Buffer.from('PROXY TCP6 2001:0DB8:0:0::7 0::1 1 65535\r\n'),
    { client: '2001:db8::7', clientPort: 1, server: '::1', serverPort: 65_535 },
  ],
  'v1 TCP6 that holds IPv4': [Buffer.from('PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.8 1234 443\r\n'), NEAR],
  'v1 UNKNOWN': [Buffer.from('PROXY UNKNOWN\r\n'), null],
  'v1 UNKNOWN with more': [Buffer.from('PROXY UNKNOWN ffff:f...f:ffff 65535\r\n'), null],
  'v2 TCP4': [v2('21', '11', FOUR), NEAR],
  'v2 TCP6': [v2('21', '21', SIX), FAR],
  'v2 Unix': [v2('21', '31', '00'.repeat(216)), null],
  'v2 unspecified': [v2('21', '00', ''), null],
  'v2 LOCAL, whose addresses are ignored': [v2('20', '11', FOUR), null],
  'v2 LOCAL of an unknown family': [v2('20', 'ff', ''), null],
  'v2 with TLVs': [v2('21', '11', `${FOUR}020003616263040000`), NEAR],
}

const REFUSED: Readonly<Record<string, Buffer>> = {
  'another protocol': Buffer.from('GET / HTTP/1.1\r\n'),
  'v1 in lower case': Buffer.from('proxy TCP4 192.0.2.7 192.0.2.8 1234 443\r\n'),
  'v1 with two spaces': Buffer.from('PROXY  TCP4 192.0.2.7 192.0.2.8 1234 443\r\n'),
  'v1 with a space at the end': Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 1234 443 \r\n'),
  'v1 with a word too many': Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 1234 443 1\r\n'),
  'v1 with a word too few': Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 1234\r\n'),
  'v1 of another family': Buffer.from('PROXY TCP5 192.0.2.7 192.0.2.8 1234 443\r\n'),
  'v1 with addresses of the other family': Buffer.from('PROXY TCP4 ::1 ::1 1234 443\r\n'),
  'v1 with a zone': Buffer.from('PROXY TCP6 fe80::1%eth0 ::1 1234 443\r\n'),
  'v1 with an address in octal': Buffer.from('PROXY TCP4 010.0.0.1 192.0.2.8 1234 443\r\n'),
  'v1 with a port that is none': Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 65536 443\r\n'),
  'v1 with a port in another spelling': Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 0443 +1\r\n'),
  'v1 that ends with LF alone': Buffer.from(`PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\n${' '.repeat(80)}`),
  'v1 that is too long': Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}\r\n`),
  'v2 of version 1': v2('11', '11', FOUR),
  'v2 with another command': v2('22', '11', FOUR),
  'v2 of datagrams': v2('21', '12', FOUR),
  'v2 whose addresses are cut': v2('21', '11', FOUR.slice(2)),
  'v2 whose TLV goes beyond it': v2('21', '11', `${FOUR}0200ff00`),
  'v2 whose TLV is cut': v2('21', '11', `${FOUR}0200`),
  'v2 with a wrong checksum': v2('21', '11', `${FOUR}03000400000000`),
  'v2 with a checksum of another size': v2('21', '11', `${FOUR}03000200ff`),
  'v2 that is too long': Buffer.from(`${SIGNATURE}2111ffff`, 'hex'),
}

describe('readProxyHeader', () => {
  for (const [name, [bytes, ends]] of Object.entries(ACCEPTED)) {
    it(`accepts ${name}, and waits for all of it`, () => {
      assert.deepEqual(readProxyHeader(bytes), { length: bytes.length, ends })
      assert.deepEqual(readProxyHeader(Buffer.concat([bytes, Buffer.from('GET /')])), { length: bytes.length, ends })
      for (let i = 0; i < bytes.length; i++) assert.equal(readProxyHeader(bytes.subarray(0, i)), 'more', `${i} bytes`)
    })
  }

  for (const [name, bytes] of Object.entries(REFUSED))
    it(`refuses ${name}`, () => assert.equal(readProxyHeader(bytes), 'malformed'))

  it('accepts a checksum that holds', () => {
    // CRC-32C of the header with the checksum as zeros, by the reference implementation of RFC 3720 appendix B.4.
    const header = v2('21', '11', `${FOUR}030004${crc32c(v2('21', '11', `${FOUR}03000400000000`))}`)
    assert.deepEqual(readProxyHeader(header), { length: header.length, ends: NEAR })
  })

  it('gives the same answer however many bytes follow, never throws, and never asks for more than its bounds', () => {
    const start = fc.constantFrom(Buffer.alloc(0), ...Object.values(ACCEPTED).map(([bytes]) => bytes))
    fc.assert(
      fc.property(start, fc.nat(), fc.uint8Array({ maxLength: 300 }), (bytes, at, noise) => {
        const mixed = Buffer.concat([bytes.subarray(0, at % (bytes.length + 1)), noise])
        const whole = readProxyHeader(mixed)
        if (whole === 'more') assert.ok(mixed.length < 16 + 4_096)
        else {
          const more = readProxyHeader(Buffer.concat([mixed, Buffer.from('more')]))
          assert.deepEqual(more, whole)
        }
      }),
    )
  })
})

/** By the table of RFC 3720's polynomial, most plainly: one bit after the other. */
function crc32c(bytes: Buffer): string {
  let register = 0xffffffffn
  for (const byte of bytes) {
    register ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) register = register & 1n ? (register >> 1n) ^ 0x82f63b78n : register >> 1n
  }
  return (register ^ 0xffffffffn).toString(16).padStart(8, '0')
}
