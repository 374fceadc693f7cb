/** A received header block: one latin1 string and the offsets of its lines. Nothing is copied until somebody asks for a value. */

/** Header lines a head may have; more is 431. */
export const LINES_MAX = 100

/** Fields the wire itself acts on, by number, so that a line is recognised once. 0 is any other field. */
export const FIELD = {
  other: 0,
  host: 1,
  connection: 2,
  contentLength: 3,
  transferEncoding: 4,
  expect: 5,
  upgrade: 6,
  keepAlive: 7,
  proxyConnection: 8,
  te: 9,
  trailer: 10,
  proxyAuthenticate: 11,
  proxyAuthorization: 12,
  http2Settings: 13,
  /** Any name with an underscore: many servers read it as its twin with a hyphen, so it is never forwarded. */
  underscored: 14,
  /** The family that tells who the client was: rebuilt by us, never believed (RFC 7239 §8.1). */
  forwarded: 15,
  authorization: 16,
  via: 17,
} as const

const KNOWN: ReadonlyArray<readonly [string, number]> = [
  ['host', FIELD.host],
  ['connection', FIELD.connection],
  ['content-length', FIELD.contentLength],
  ['transfer-encoding', FIELD.transferEncoding],
  ['expect', FIELD.expect],
  ['upgrade', FIELD.upgrade],
  ['keep-alive', FIELD.keepAlive],
  ['proxy-connection', FIELD.proxyConnection],
  ['te', FIELD.te],
  ['trailer', FIELD.trailer],
  ['proxy-authenticate', FIELD.proxyAuthenticate],
  ['proxy-authorization', FIELD.proxyAuthorization],
  ['http2-settings', FIELD.http2Settings],
  ['authorization', FIELD.authorization],
  ['forwarded', FIELD.forwarded],
  ['x-real-ip', FIELD.forwarded],
  // Whose certificate the client showed is ours to say (RFC 9440 §2.4): from a client these are a lie.
  ['client-cert', FIELD.forwarded],
  ['client-cert-chain', FIELD.forwarded],
  // What the path was before a proxy rewrote it: some frameworks route by it, past whatever was matched here (CVE-2018-14773).
  ['x-original-url', FIELD.forwarded],
  ['x-rewrite-url', FIELD.forwarded],
  ['via', FIELD.via],
]

/** KNOWN by length of the name: most names are dismissed by one array look-up. */
const BY_LENGTH: ReadonlyArray<ReadonlyArray<readonly [string, number]> | undefined> = Array.from(
  { length: 20 },
  (_, length) => {
    const those = KNOWN.filter(([name]) => name.length === length)
    return those.length > 0 ? those : undefined
  },
)

/** Compares text[start, end) with a lower-case name, ignoring ASCII case (RFC 9110 §5.1), without making a string. */
export function sameName(text: string, start: number, end: number, name: string): boolean {
  if (end - start !== name.length) return false
  for (let i = 0; i < name.length; i++) {
    const c = text.charCodeAt(start + i)
    const n = name.charCodeAt(i)
    if (c !== n && (c < 65 || c > 90 || c + 32 !== n)) return false
  }
  return true
}

/** The family's names share this; there is no list of them that would be whole. */
const FORWARDED_PREFIX = 'x-forwarded-'

export function fieldOf(text: string, start: number, end: number): number {
  const prefixEnd = start + FORWARDED_PREFIX.length
  // One character dismisses nearly every other name.
  if (prefixEnd < end && text.charCodeAt(prefixEnd - 1) === 45 && sameName(text, start, prefixEnd, FORWARDED_PREFIX)) {
    return FIELD.forwarded
  }
  const candidates = BY_LENGTH[end - start]
  if (candidates === undefined) return FIELD.other
  for (const [name, field] of candidates) if (sameName(text, start, end, name)) return field
  return FIELD.other
}

export class Head {
  /** Of its protocol: 1, or 2 for HTTP/2. */
  major = 1
  /** The bytes of the head as latin1, request or status line included. */
  text = ''
  count = 0
  /** Four offsets a line: name start, name end, value start, value end. */
  readonly at = new Int32Array(4 * LINES_MAX)
  /** The FIELD of each line. */
  readonly fields = new Uint8Array(LINES_MAX)
  /** True when `Connection` says close, on whichever line: close outweighs keep-alive. */
  closes = false
  /** True when `Connection` names fields of its own to drop, beyond close, keep-alive and upgrade. */
  nominates = false

  name(line: number): string {
    return this.text.slice(this.at[line * 4], this.at[line * 4 + 1])
  }

  value(line: number): string {
    return this.text.slice(this.at[line * 4 + 2], this.at[line * 4 + 3])
  }

  is(line: number, name: string): boolean {
    return sameName(this.text, this.at[line * 4]!, this.at[line * 4 + 1]!, name)
  }

  /** The first line with this name (lower case), or -1. */
  find(name: string): number {
    for (let i = 0; i < this.count; i++) if (this.is(i, name)) return i
    return -1
  }

  /** The value of the first line with this name (lower case), or null. */
  get(name: string): string | null {
    const line = this.find(name)
    return line === -1 ? null : this.value(line)
  }

  /** Every value of this name, in order. */
  all(name: string): string[] {
    const out: string[] = []
    for (let i = 0; i < this.count; i++) if (this.is(i, name)) out.push(this.value(i))
    return out
  }
}

/** How the bytes after a head are framed. */
export const FRAMING = { none: 0, length: 1, chunked: 2, close: 3 } as const

export class RequestHead extends Head {
  method = ''
  /** The request target as received: origin form, or absolute form already reduced to it. */
  target = ''
  /** Host of the target or the Host field, lower case, without port. */
  host = ''
  /** As received, with port: what `Host` says upstream. */
  authority = ''
  /** The line of the Host field, or -1. */
  hostLine = -1
  /** 0 or 1: HTTP/1.x. */
  minor = 1
  framing: number = FRAMING.none
  /** With FRAMING.length: bytes of body. */
  length = 0
  keepAlive = true
  expectContinue = false
  /** The client reads trailers: it says so in TE, or its protocol always has them (RFC 9110 §6.5.1). */
  takesTrailers = false
  /** It authenticates the connection it is on, not itself alone: NTLM, Negotiate (RFC 4559 §6). */
  bindsConnection = false
  /** It has come through a gateway that says so in `Via`: it may have been here before. */
  passed = false
  /** The protocol asked for in `Upgrade`, lower case, when Connection names it too; else empty. */
  upgrade = ''
}

export class ResponseHead extends Head {
  status = 0
  reason = ''
  minor = 1
  framing: number = FRAMING.none
  length = 0
  /** True when there was a Content-Length, even 0 or in an answer without body (HEAD, 304). */
  lengthGiven = false
  keepAlive = true
  /** `Keep-Alive: timeout=N`, seconds; -1 when not said. */
  keepAliveTimeout = -1
}
