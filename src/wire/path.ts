/**
 * The one reading of a request path (RFC 3986 §6.2.2): what is matched, limited, listed and forwarded is the same string. What a
 * server behind us might read differently is refused, or left to the route.
 */

/** 1 for what may stand in a path as itself and needs no second look. */
const PLAIN = new Uint8Array(128)
for (const c of "-_~!$&'()*+,=:@0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  PLAIN[c.charCodeAt(0)] = 1

const SLASH = 47
const DOT = 46
const PERCENT = 37
const SEMICOLON = 59
const BACKSLASH = 92

/** Where the path of an origin-form target ends: at its `?`, or at its end. */
export function pathEnd(target: string): number {
  const at = target.indexOf('?')
  return at === -1 ? target.length : at
}

/** What in a path servers read in more than one way; a PathReading's `odd` has their bits. */
export const ODD = {
  /** `%2F`: a slash to servers that decode before they split. */
  encodedSlash: 1,
  /** `\` or `%5C`: a slash to servers of Windows descent. */
  backslash: 2,
  /** `;` or `%3B`: where parameters begin, to servers that cut them off (RFC 3986 §3.3). */
  semicolon: 4,
  /** `//`: one slash to servers that merge. */
  emptySegment: 8,
} as const

/** A path of which nothing is left but what a route may allow. Each form is canonical: taken again, it stays as it is. */
export interface PathReading {
  readonly odd: number
  /** Everything odd kept as it is, but empty segments merged. */
  readonly merged: string
  /** Empty segments kept too; null when there are dot segments beside them, which resolve in two ways. */
  readonly unmerged: string | null
}

/** True when `target[0, end)` is canonical as it stands: most paths are, and cost this one look. */
export function isPlainPath(target: string, end: number): boolean {
  let previous = 0
  for (let i = 0; i < end; i++) {
    const c = target.charCodeAt(i)
    // A dot is harmless inside a segment; after a slash it may be a dot segment. A slash is harmless unless it follows another.
    if (PLAIN[c] !== 1 && ((c !== DOT && c !== SLASH) || (previous === SLASH && i !== 0))) return false
    previous = c
  }
  return true
}

/**
 * Reads a path: unreserved characters decoded, other escapes in upper case, dot segments resolved. Null when no server should be
 * given it: a broken escape, a control, a character that is none of a URI's, a climb above the root, or dots that some server would
 * find behind something odd (`..%2f`, `..;`).
 */
export function readPath(path: string): PathReading | null {
  const text = unescaped(path)
  if (text === null) return null
  const inSegments = oddities(text)
  let odd = inSegments
  const segments: string[] = []
  const withEmpty: string[] = []
  let resolved = false
  const parts = text.split('/')
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i]!
    if (part === '..') {
      // Whether `a%2Fb` before it is one segment or two, servers do not agree.
      if (segments.length === 0 || inSegments !== 0) return null
      segments.pop()
      withEmpty.pop()
      resolved = true
    } else if (part === '.') resolved = true
    else if (part !== '') {
      if (inSegments !== 0 && hidesDots(part)) return null
      segments.push(part)
      withEmpty.push(part)
    } else if (i < parts.length - 1) {
      odd |= ODD.emptySegment
      withEmpty.push('')
    }
  }
  const last = parts[parts.length - 1]!
  const end = segments.length > 0 && (last === '' || last === '.' || last === '..') ? '/' : ''
  const unmerged =
    (odd & ODD.emptySegment) === 0 || resolved ? null : '/' + withEmpty.join('/') + (last === '' ? '/' : '')
  return { odd, merged: '/' + segments.join('/') + end, unmerged }
}

/** The canonical path of `target[0, end)` as routes take it that allow nothing odd: empty segments merged, else null. */
export function canonicalPath(target: string, end: number): string | null {
  const path = end === target.length ? target : target.slice(0, end)
  if (isPlainPath(path, end)) return path
  const reading = readPath(path)
  return reading === null || (reading.odd & ~ODD.emptySegment) !== 0 ? null : reading.merged
}

/**
 * How servers may read a path that `readPath` gave: escaped slashes and backslashes as slashes or not; parameters cut off before that,
 * after it, or not at all; slashes side by side merged or not.
 */
export function otherReadings(path: string): ReadonlySet<string> {
  const readings = new Set<string>()
  for (const slashes of SLASHES) {
    for (const before of PARAMETERS) {
      const text = path.replace(before, '').replace(slashes, '/')
      for (const after of PARAMETERS) {
        const cut = text.replace(after, '')
        readings.add(cut)
        readings.add(cut.replace(/\/{2,}/g, '/'))
      }
    }
  }
  return readings
}

const NOTHING = /(?!)/
const SLASHES = [NOTHING, /%2F/g, /%5C/g, /%2F|%5C/g]
/** From what starts parameters to the end of the segment. */
const PARAMETERS = [NOTHING, /;[^/]*/g, /%3B[^/]*/g, /(?:;|%3B)[^/]*/g]

/** Some server would find a dot segment in this one. */
function hidesDots(segment: string): boolean {
  return segment.split(/%2F|%5C/).some((part) => /^\.{1,2}(?:;|%3B|$)/.test(part))
}

function oddities(text: string): number {
  let odd = 0
  if (text.includes('%2F')) odd |= ODD.encodedSlash
  if (text.includes('%5C')) odd |= ODD.backslash
  if (text.includes(';') || text.includes('%3B')) odd |= ODD.semicolon
  return odd
}

/** Each escape decoded or in capitals, a backslash escaped; null for what may not stand in a path. */
function unescaped(path: string): string | null {
  let text = ''
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i)
    if (c === PERCENT) {
      const hex = path.slice(i + 1, i + 3)
      if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return null
      const byte = Number.parseInt(hex, 16)
      if (byte < 0x20 || byte === 0x7f) return null
      const plain = byte < 128 && (PLAIN[byte] === 1 || byte === DOT) && !isReserved(byte)
      text += plain ? String.fromCharCode(byte) : '%' + hex.toUpperCase()
      i += 2
    } else if (c < 128 && (PLAIN[c] === 1 || c === DOT || c === SLASH || c === SEMICOLON)) text += path[i]!
    else if (c === BACKSLASH) text += '%5C'
    else return null
  }
  return text
}

/** Sub-delimiters, `:` and `@`: their escaped and plain forms may differ in meaning, so the escape stays (RFC 3986 §2.2). */
function isReserved(byte: number): boolean {
  return "!$&'()*+,=:@".includes(String.fromCharCode(byte))
}
