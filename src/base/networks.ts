/** Sets of addresses and networks, with one reading of the ways an IPv4 address can hide in an IPv6 one. */
import { BlockList, isIPv4, isIPv6 } from 'node:net'

interface Network {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

/** `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`, `::1`; null when it is none of these. IPv4-mapped networks are IPv4 ones (RFC 4291 §2.5.5.2). */
export function parseNetwork(text: string): Network | null {
  const [, address = '', digits] = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : null
  if (family === null) return null
  const bitsMax = family === 'ipv4' ? 32 : 128
  const bits = digits === undefined ? bitsMax : Number(digits)
  if (bits > bitsMax) return null
  const mapped = family === 'ipv6' && bits >= 96 ? mappedIPv4(address) : null
  return mapped === null ? { address, bits, family } : { address: mapped, bits: bits - 96, family: 'ipv4' }
}

/** A set of texts that `parseNetwork` knows. */
export function networkSet(texts: readonly string[]): BlockList {
  const set = new BlockList()
  for (const text of texts) {
    const { address, bits, family } = parseNetwork(text)!
    set.addSubnet(address, bits, family)
  }
  return set
}

/** Is the client's address in the set? An address that cannot be read is in none. */
export function includes(set: BlockList, address: string): boolean {
  return set.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** The IPv4 address in `::ffff:a.b.c.d`, however it is written; else null. */
function mappedIPv4(address: string): string | null {
  // The URL parser writes every spelling of an IPv6 address in one way: [::ffff:a00:1].
  const canonical = new URL(`http://[${address}]`).hostname
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(canonical) ?? []
  if (high === undefined || low === undefined) return null
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`
}
/**
 * Whom an address stands for when requests are counted: an IPv4 address is itself; an IPv6 one is its /64, the least that a
 * customer is given (RFC 6177 §2) and out of which anybody can pick a new address for every request.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [before = '', after] = address.split('::')
  const groups = before === '' ? [] : before.split(':')
  if (after !== undefined) {
    const tail = after === '' ? [] : after.split(':')
    while (groups.length + tail.length < 8) groups.push('0')
    groups.push(...tail)
  }
  return groups.slice(0, 4).join(':')
}
