/** Writes the header by which an upstream is told whose connection it is given (HAProxy, "The PROXY protocol", §2.1 and §2.2). */
import { isIPv4 } from 'node:net'
import type { ConnectionEnds } from './client-end.ts'
import { V2_FIXED, V2_START } from './proxy-header.ts'

export type ProxyVersion = 'v1' | 'v2'

/** Null: nobody's whose ends are known. Then it is ours, or a client's without an address: `UNKNOWN`, `LOCAL`. */
export function proxyAnnouncement(version: ProxyVersion, ends: ConnectionEnds | null): Buffer {
  const write = version === 'v1' ? writeV1 : writeV2
  if (ends === null) return write(null)
  const client = withoutZone(ends.client)
  const server = withoutZone(ends.server)
  // The header has one family for both.
  if (isIPv4(client) && isIPv4(server)) return write({ ...ends, client, server })
  return write({ ...ends, client: asIPv6(client), server: asIPv6(server) })
}

function writeV1(ends: ConnectionEnds | null): Buffer {
  if (ends === null) return Buffer.from('PROXY UNKNOWN\r\n')
  const { client, clientPort, server, serverPort } = ends
  const family = isIPv4(client) ? 'TCP4' : 'TCP6'
  return Buffer.from(`PROXY ${family} ${client} ${server} ${clientPort} ${serverPort}\r\n`)
}

function writeV2(ends: ConnectionEnds | null): Buffer {
  if (ends === null) return Buffer.concat([V2_START, Buffer.from([0x20, 0x00, 0, 0])])
  const { client, clientPort, server, serverPort } = ends
  const [family, bytesOf] = isIPv4(client) ? [0x11, bytesOfIPv4] : [0x21, bytesOfIPv6]
  const addresses = [...bytesOf(client), ...bytesOf(server)]
  const header = Buffer.alloc(V2_FIXED + addresses.length + 4)
  V2_START.copy(header)
  header[12] = 0x21
  header[13] = family
  header.writeUInt16BE(addresses.length + 4, 14)
  header.set(addresses, V2_FIXED)
  header.writeUInt16BE(clientPort, V2_FIXED + addresses.length)
  header.writeUInt16BE(serverPort, V2_FIXED + addresses.length + 2)
  return header
}

/** A zone is a matter of this machine. */
function withoutZone(address: string): string {
  return address.split('%', 1)[0]!
}

function asIPv6(address: string): string {
  return isIPv4(address) ? `::ffff:${address}` : address
}

function bytesOfIPv4(address: string): number[] {
  return address.split('.').map(Number)
}

function bytesOfIPv6(address: string): number[] {
  // The URL parser leaves at most one gap and no dots.
  const [before = '', after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  while (groups.length + tail.length < 8) groups.push('0')
  return [...groups, ...tail].map((group) => Number.parseInt(group, 16)).flatMap((word) => [word >> 8, word & 255])
}
