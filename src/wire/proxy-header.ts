/**
 * Reads the header that a load balancer puts before a connection's own bytes to say whose connection it is (HAProxy, "The PROXY
 * protocol", versions 1 and 2). Nothing is guessed: what is not exactly a header is malformed.
 */
import { isIPv4, isIPv6 } from 'node:net'
import type { ConnectionEnds } from './client-end.ts'

export interface ProxyHeader {
  /** Where the connection's own bytes begin. */
  readonly length: number
  /** The client and what it has connected to; null when the header names none (LOCAL, UNKNOWN): then it is whoever connected. */
  readonly ends: ConnectionEnds | null
}

/** §2.1: the longest line there can be, CRLF included. */
const V1_BYTES_MAX = 107
const V1_START = Buffer.from('PROXY ')
/** §2.2. */
export const V2_START = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
export const V2_FIXED = 16
/** What may follow the fixed part: addresses and TLVs. Ours to choose (§2.2 allows 65 535); clouds send some hundred bytes. */
const V2_REST_MAX = 4_096

const LOCAL = 0x20
const PROXY = 0x21
/** Bytes of the addresses by family and transport: unspecified, TCP over IPv4, TCP over IPv6, Unix stream. Datagrams have no connections. */
const V2_ADDRESSES: Readonly<Record<number, number>> = { 0x00: 0, 0x11: 12, 0x21: 36, 0x31: 216 }
const TLV_CRC32C = 0x03

/** The header at the start of `bytes`; `more` when it may still become one. */
export function readProxyHeader(bytes: Buffer): ProxyHeader | 'more' | 'malformed' {
  if (startsAlike(bytes, V2_START)) return bytes.length < V2_FIXED ? 'more' : readV2(bytes)
  if (startsAlike(bytes, V1_START)) return readV1(bytes)
  return 'malformed'
}

function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

function readV1(bytes: Buffer): ProxyHeader | 'more' | 'malformed' {
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf('\r\n')
  if (end === -1) return bytes.length < V1_BYTES_MAX ? 'more' : 'malformed'
  const length = end + 2
  const [, family, ...words] = bytes.toString('latin1', 0, end).split(' ')
  // The rest of the line, if any, is to be ignored.
  if (family === 'UNKNOWN') return { length, ends: null }
  const [source = '', destination = '', ...ports] = words
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : isNothing
  const isWhole = ports.length === 2 && ports.every(isPort) && isAddress(source) && isAddress(destination)
  if (!isWhole) return 'malformed'
  const [clientPort, serverPort] = ports.map(Number)
  return {
    length,
    ends: {
      client: canonical(source),
      clientPort: clientPort!,
      server: canonical(destination),
      serverPort: serverPort!,
    },
  }
}

/** Without a zone: that is a matter of the machine that wrote it. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}

function isNothing(): boolean {
  return false
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

function readV2(bytes: Buffer): ProxyHeader | 'more' | 'malformed' {
  const command = bytes[12]!
  const family = bytes[13]!
  const rest = bytes.readUInt16BE(14)
  const addresses = V2_ADDRESSES[family]
  if ((command !== LOCAL && command !== PROXY) || rest > V2_REST_MAX) return 'malformed'
  const length = V2_FIXED + rest
  if (command === PROXY && (addresses === undefined || addresses > rest)) return 'malformed'
  if (bytes.length < length) return 'more'
  // LOCAL is the load balancer speaking for itself; whatever it says of addresses is to be ignored.
  if (command === LOCAL || addresses === undefined || addresses === 0) return { length, ends: null }
  if (!hasSoundTlvs(bytes.subarray(0, length), V2_FIXED + addresses)) return 'malformed'
  if (family !== 0x11 && family !== 0x21) return { length, ends: null }
  const [size, addressAt] = family === 0x11 ? [4, ipv4At] : [16, ipv6At]
  const ports = V2_FIXED + 2 * size
  return {
    length,
    ends: {
      client: canonical(addressAt(bytes, V2_FIXED)),
      clientPort: bytes.readUInt16BE(ports),
      server: canonical(addressAt(bytes, V2_FIXED + size)),
      serverPort: bytes.readUInt16BE(ports + 2),
    },
  }
}

/** Every TLV lies within the header (§2.2.7), and a checksum, if there is one, holds. */
function hasSoundTlvs(header: Buffer, from: number): boolean {
  for (let at = from; at < header.length;) {
    const value = at + 3
    if (value > header.length) return false
    const end = value + header.readUInt16BE(at + 1)
    if (end > header.length) return false
    if (header[at] === TLV_CRC32C && !(end - value === 4 && isChecked(header, value))) return false
    at = end
  }
  return true
}

/** §2.2.2: CRC-32C over the whole header with the checksum's own bytes as zeros. */
function isChecked(header: Buffer, at: number): boolean {
  let crc = 0xffffffff
  for (const [i, byte] of header.entries()) {
    crc ^= i >= at && i < at + 4 ? 0 : byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0 === header.readUInt32BE(at)
}

function ipv4At(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.')
}

function ipv6At(bytes: Buffer, at: number): string {
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i).toString(16)).join(':')
}

/** One spelling for each address, and IPv4 as itself where an IPv6 address holds it. */
function canonical(address: string): string {
  if (isIPv4(address)) return address
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text) ?? []
  if (high === undefined || low === undefined) return text
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`
}
