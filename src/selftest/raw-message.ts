/**
 * A small, strict, independent reader of HTTP/1.1 messages: what the wire tests judge with. It shares no code with the product and
 * forgives nothing, so that a byte out of place shows.
 */

/** Name and value as sent, the value without the white space around it. */
export type Line = readonly [name: string, value: string]

interface Block {
  readonly start: string
  readonly lines: readonly Line[]
  /** Index after the blank line. */
  readonly next: number
}

interface Body {
  /** Decoded. */
  readonly body: Buffer
  readonly trailers: readonly Line[]
  readonly next: number
}

export interface RawRequest extends Block, Body {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly framing: 'none' | 'length' | 'chunked'
}

export interface RawResponse extends Block, Body {
  readonly minor: number
  readonly status: number
  readonly reason: string
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
}

export type RequestStart = Block & Pick<RawRequest, 'method' | 'target' | 'version' | 'framing'>

/** The bytes are not HTTP/1.1 by the letter. */
export class NotHttp extends Error {
  override readonly name = 'NotHttp'
}

/** Every value of `name`, in order, whatever its case. */
export function valuesOf(message: { readonly lines: readonly Line[] }, name: string): string[] {
  return message.lines.filter(([is]) => is.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
}

/** The lines as `Name: value`, for comparing whole blocks. */
export function written(lines: readonly Line[]): string[] {
  return lines.map(([name, value]) => `${name}: ${value}`)
}

/** The head of a request at `at`, or null while its blank line has not come. Throws NotHttp. */
export function readRequestStart(bytes: Buffer, at: number): RequestStart | null {
  const block = readBlock(bytes, at)
  if (block === null) return null
  const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) (HTTP\/1\.[01])$/.exec(block.start)
  if (parts === null) throw new NotHttp(`request line ${JSON.stringify(block.start)}`)
  const length = framingOf(block)
  const framing = length === 'chunked' ? 'chunked' : length === null ? 'none' : 'length'
  return { ...block, method: parts[1]!, target: parts[2]!, version: parts[3]!, framing }
}

/** The request at `at`, or null while it is not complete. Throws NotHttp. */
export function readRequest(bytes: Buffer, at: number): RawRequest | null {
  const head = readRequestStart(bytes, at)
  if (head === null) return null
  const body = readBody(bytes, head.next, framingOf(head) ?? 0)
  return body && { ...head, ...body }
}

/** The answer to `method` at `at`, or null while it is not complete. `over`: no more bytes will come. Throws NotHttp. */
export function readResponse(bytes: Buffer, at: number, method: string, over: boolean): RawResponse | null {
  const head = readBlock(bytes, at)
  if (head === null) return null
  const parts = /^HTTP\/1\.([01]) ([1-5]\d\d) ([^\r\n]*)$/.exec(head.start)
  if (parts === null) throw new NotHttp(`status line ${JSON.stringify(head.start)}`)
  const status = Number(parts[2])
  const known = { ...head, minor: Number(parts[1]), status, reason: parts[3]! }
  const length = framingOf(head)
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) {
    return { ...known, framing: 'none', body: Buffer.alloc(0), trailers: [], next: head.next }
  }
  if (length === null) {
    return over
      ? { ...known, framing: 'close', body: bytes.subarray(head.next), trailers: [], next: bytes.length }
      : null
  }
  const body = readBody(bytes, head.next, length)
  return body && { ...known, framing: length === 'chunked' ? 'chunked' : 'length', ...body }
}

function readBlock(bytes: Buffer, at: number): Block | null {
  const end = bytes.indexOf('\r\n\r\n', at, 'latin1')
  if (end === -1) return null
  const [start = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n')
  return { start, lines: lines.map(readLine), next: end + 4 }
}

function readLine(line: string): Line {
  const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line)
  if (parts === null) throw new NotHttp(`header line ${JSON.stringify(line)}`)
  return [parts[1]!, parts[2]!]
}

/** Bytes of body, `chunked`, or null when neither is said. Said twice, or both, is not HTTP. */
function framingOf(block: Block): number | 'chunked' | null {
  const lengths = valuesOf(block, 'content-length')
  const codings = valuesOf(block, 'transfer-encoding')
  if (lengths.length + codings.length > 1) throw new NotHttp(`framing ${JSON.stringify(written(block.lines))}`)
  if (codings[0] !== undefined) {
    if (codings[0] !== 'chunked') throw new NotHttp(`Transfer-Encoding ${JSON.stringify(codings[0])}`)
    return 'chunked'
  }
  if (lengths[0] === undefined) return null
  if (!/^\d{1,15}$/.test(lengths[0])) throw new NotHttp(`Content-Length ${JSON.stringify(lengths[0])}`)
  return Number(lengths[0])
}

function readBody(bytes: Buffer, at: number, framing: number | 'chunked'): Body | null {
  if (framing === 'chunked') return readChunks(bytes, at)
  if (bytes.length < at + framing) return null
  return { body: bytes.subarray(at, at + framing), trailers: [], next: at + framing }
}

function readChunks(bytes: Buffer, at: number): Body | null {
  const data: Buffer[] = []
  for (let i = at; ;) {
    const lineEnd = bytes.indexOf('\r\n', i, 'latin1')
    if (lineEnd === -1) return null
    const line = bytes.toString('latin1', i, lineEnd)
    if (!/^[0-9a-fA-F]{1,12}$/.test(line)) throw new NotHttp(`chunk size ${JSON.stringify(line)}`)
    const size = Number.parseInt(line, 16)
    i = lineEnd + 2
    if (size === 0) {
      // The trailer section starts right after the last chunk's line; without trailers only the blank line follows.
      const block = readBlock(bytes, lineEnd - line.length)
      return block && { body: Buffer.concat(data), trailers: block.lines, next: block.next }
    }
    if (bytes.length < i + size + 2) return null
    if (bytes.toString('latin1', i + size, i + size + 2) !== '\r\n')
      throw new NotHttp('chunk without CRLF after its data')
    data.push(bytes.subarray(i, i + size))
    i += size + 2
  }
}

/** Bytes that keep coming: grows by doubling, so that taking in a large body stays linear. */
export class Bytes {
  private room = Buffer.alloc(4_096)
  length = 0

  push(chunk: Buffer): void {
    if (this.length + chunk.length > this.room.length) {
      const wider = Buffer.alloc(Math.max(this.room.length * 2, this.length + chunk.length))
      this.room.copy(wider, 0, 0, this.length)
      this.room = wider
    }
    chunk.copy(this.room, this.length)
    this.length += chunk.length
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.room = Buffer.from(this.room.subarray(count, Math.max(this.length, count + 64)))
    this.length -= count
  }

  /** Everything so far. Valid after later pushes too. */
  view(): Buffer {
    return this.room.subarray(0, this.length)
  }
}
