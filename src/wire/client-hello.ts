/** What a client that begins TLS asks for, read before TLS takes the connection. */

export interface ClientHello {
  /** The name of SNI (RFC 6066 §3), lower case; empty without one. */
  readonly serverName: string
  /** What it speaks, by ALPN (RFC 7301), in its order. */
  readonly protocols: readonly string[]
}

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const ALPN = 16
/** TLS 1.2 and 1.3 allow no more in a record (RFC 8446 §5.1). */
const RECORD_MAX = 16_384
/** Real ones have some hundred bytes, with post-quantum keys two thousand. A CA's is no longer than others. */
const HELLO_MAX = 16_384

/** `more`: the rest has yet to come. Null: this is no ClientHello. */
export function readClientHello(bytes: Buffer): ClientHello | 'more' | null {
  const message = helloOf(bytes)
  if (!Buffer.isBuffer(message)) return message
  const hello = new Fields(message)
  hello.skip(2 + 32) // version, random
  hello.skip(hello.number(1)) // the session to go on with
  hello.skip(hello.number(2)) // ciphers
  hello.skip(hello.number(1)) // compression
  const extensions = hello.part(hello.number(2))
  let serverName = ''
  const protocols: string[] = []
  while (extensions.left > 0) {
    const type = extensions.number(2)
    const list = extensions.part(extensions.number(2))
    if (type !== SERVER_NAME && type !== ALPN) continue
    const names = list.part(list.number(2))
    if (type === ALPN) while (names.left > 0) protocols.push(names.text(names.number(1)))
    // There is one kind of name, and one of it.
    else if (names.number(1) === 0) serverName = names.text(names.number(2)).toLowerCase()
  }
  return { serverName, protocols }
}

/** The message out of its records: it may be cut into several, anywhere. Put together once, for records of one byte may be thousands. */
function helloOf(bytes: Buffer): Buffer | 'more' | null {
  const parts: Buffer[] = []
  let gathered = 0
  /** With its own head; 0: that is not here yet. */
  let wanted = 0
  for (let at = 0; ;) {
    if (bytes.length < at + 5) return bytes[at] === undefined || bytes[at] === HANDSHAKE ? 'more' : null
    const length = bytes.readUInt16BE(at + 3)
    if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3 || length === 0 || length > RECORD_MAX) return null
    const part = bytes.subarray(at + 5, at + 5 + length)
    parts.push(part)
    gathered += part.length
    if (wanted === 0 && gathered >= 4) {
      const head = Buffer.concat(parts)
      wanted = 4 + head.readUIntBE(1, 3)
      if (head[0] !== CLIENT_HELLO || wanted > HELLO_MAX) return null
    }
    if (wanted !== 0 && gathered >= wanted) return Buffer.concat(parts).subarray(4, wanted)
    if (part.length < length) return 'more'
    at += 5 + length
  }
}

/** Reads numbers and parts one after another; beyond the end everything is 0 and empty. */
class Fields {
  private readonly bytes: Buffer
  private at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get left(): number {
    return Math.max(0, this.bytes.length - this.at)
  }

  number(bytes: 1 | 2): number {
    const value = this.left < bytes ? 0 : this.bytes.readUIntBE(this.at, bytes)
    this.at += bytes
    return value
  }

  skip(bytes: number): void {
    this.at += bytes
  }

  part(bytes: number): Fields {
    return new Fields(this.take(bytes))
  }

  text(bytes: number): string {
    return this.take(bytes).toString('latin1')
  }

  private take(bytes: number): Buffer {
    const taken = this.bytes.subarray(this.at, this.at + bytes)
    this.at += bytes
    return taken
  }
}
