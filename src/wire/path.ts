/**
 * The one reading of a request path (RFC 3986 §6.2.2): what is matched, limited, listed and forwarded is the same string. A path that
 * a server behind us might read differently is refused.
 */

/** 1 for what may stand in a path as itself and needs no second look. */
const PLAIN = new Uint8Array(128)
for (const c of "-_~!$&'()*+,=:@0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  PLAIN[c.charCodeAt(0)] = 1

const SLASH = 47
const DOT = 46
const PERCENT = 37

/** Where the path of an origin-form target ends: at its `?`, or at its end. */
export function pathEnd(target: string): number {
  const at = target.indexOf('?')
  return at === -1 ? target.length : at
}

/**
 * The canonical path of `target[0, end)`: unreserved characters decoded, escapes in upper case, empty and dot segments resolved.
 * Null when it is ambiguous: an encoded slash, backslash, NUL or control, a `;` or a backslash, a broken escape, or a climb above
 * the root. Most paths are plain already and come back as they are.
 */
export function canonicalPath(target: string, end: number): string | null {
  let previous = 0
  for (let i = 0; i < end; i++) {
    const c = target.charCodeAt(i)
    if (PLAIN[c] === 1) {
      previous = c
      continue
    }
    // A dot is harmless inside a segment; after a slash it may be a dot segment. A slash is harmless unless it follows another.
    if ((c === DOT || c === SLASH) && (previous !== SLASH || i === 0)) {
      previous = c
      continue
    }
    return normalise(target.slice(0, end))
  }
  return end === target.length ? target : target.slice(0, end)
}

function normalise(path: string): string | null {
  let decoded = ''
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i)
    if (c === PERCENT) {
      const hex = path.slice(i + 1, i + 3)
      if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return null
      const byte = Number.parseInt(hex, 16)
      if (byte < 0x20 || byte === 0x7f || byte === 0x2f || byte === 0x5c || byte === 0x3b) return null
      const plain = byte < 128 && (PLAIN[byte] === 1 || byte === DOT) && !isReserved(byte)
      decoded += plain ? String.fromCharCode(byte) : '%' + hex.toUpperCase()
      i += 2
    } else if (c < 128 && (PLAIN[c] === 1 || c === DOT || c === SLASH)) decoded += path[i]!
    else return null
  }
  const segments: string[] = []
  const parts = decoded.split('/')
  const lastPart = parts[parts.length - 1]!
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i]!
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (segments.length === 0) return null
      segments.pop()
    } else segments.push(part)
  }
  const trailing = segments.length > 0 && (lastPart === '' || lastPart === '.' || lastPart === '..')
  return '/' + segments.join('/') + (trailing ? '/' : '')
}

/** Sub-delimiters, `:` and `@`: their escaped and plain forms may differ in meaning, so the escape stays (RFC 3986 §2.2). */
function isReserved(byte: number): boolean {
  return "!$&'()*+,=:@".includes(String.fromCharCode(byte))
}
