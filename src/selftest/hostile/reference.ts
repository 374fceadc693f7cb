/**
 * What a reader that goes by RFC 9112 may make of a client's bytes: the requests in it, up to where two readers could differ. It
 * forgives whatever does not touch framing, so that a gateway may make less of the bytes than this, and never more.
 */

export interface Meant {
  readonly method: string
  /** Decoded. */
  readonly body: string
  /** False: more bytes would have to come. */
  readonly whole: boolean
}

/** `text` is latin1. The last may be one that is not whole. */
export function requestsIn(text: string): Meant[] {
  const all: Meant[] = []
  for (let at = 0; at < text.length;) {
    while (text.startsWith('\r\n', at)) at += 2
    const end = text.indexOf('\r\n\r\n', at)
    if (end === -1) return all
    const [first = '', ...lines] = text.slice(at, end).split('\r\n')
    const method = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) [^\0-\x20\x7f]+ HTTP\/1\.[01]$/.exec(first)?.[1]
    const framing = method === undefined ? null : framingOf(lines)
    if (method === undefined || framing === null) return all
    const body = framing === 'chunked' ? chunks(text, end + 4) : counted(text, end + 4, framing)
    if (body === null) return all
    all.push({ method, body: body.data, whole: body.next !== -1 })
    if (body.next === -1) return all
    at = body.next
  }
  return all
}

/** Bytes of body or `chunked`; null where it is in doubt. */
function framingOf(lines: readonly string[]): number | 'chunked' | null {
  let length: number | null = null
  let coded = false
  for (const line of lines) {
    const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line)
    if (parts === null) return null
    const name = parts[1]!.toLowerCase()
    const value = parts[2]!
    if (name === 'content-length') {
      if (length !== null || !/^\d{1,15}$/.test(value)) return null
      length = Number(value)
    }
    if (name === 'transfer-encoding') {
      if (coded || value.toLowerCase() !== 'chunked') return null
      coded = true
    }
  }
  if (coded) return length === null ? 'chunked' : null
  return length ?? 0
}

interface Body {
  readonly data: string
  /** Where the next message begins; -1: this one is not whole. */
  readonly next: number
}

function counted(text: string, at: number, length: number): Body {
  const data = text.slice(at, at + length)
  return { data, next: data.length < length ? -1 : at + length }
}

/** Null where the coding is broken. */
function chunks(text: string, from: number): Body | null {
  let data = ''
  for (let at = from; ;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return { data, next: -1 }
    const size = /^([0-9a-fA-F]{1,16})(?:[ \t]*;[^\r\n\0]*)?$/.exec(text.slice(at, lineEnd))?.[1]
    if (size === undefined) return null
    const bytes = Number.parseInt(size, 16)
    at = lineEnd + 2
    if (bytes === 0) {
      // Trailers end with an empty line, which is the first line where there are none.
      const end = text.startsWith('\r\n', at) ? at - 2 : text.indexOf('\r\n\r\n', at)
      return { data, next: end === -1 ? -1 : end + 4 }
    }
    const piece = text.slice(at, at + bytes)
    data += piece
    if (piece.length < bytes || text.length < at + bytes + 2) return { data, next: -1 }
    if (!text.startsWith('\r\n', at + bytes)) return null
    at += bytes + 2
  }
}
