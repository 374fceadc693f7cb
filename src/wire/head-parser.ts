/** Strict parsing of HTTP/1.x heads (RFC 9112 §2–§6) into offsets. Anything that two readers could read differently is refused. */
import { type Problem, PROBLEMS } from '../base/problem.ts'
import { FIELD, FRAMING, type Head, LINES_MAX, type RequestHead, type ResponseHead, fieldOf, sameName } from './head.ts'

/** Bytes a head may have; more is 431 from a client and an invalid answer from an upstream. */
export const HEAD_BYTES_MAX = 16_384
const TARGET_CHARS_MAX = 8_192
const METHOD_CHARS_MAX = 32

const CR = 13
const LF = 10
const SP = 32
const TAB = 9
const COLON = 58

/** 1 for a tchar (RFC 9110 §5.6.2). */
const TOKEN = new Uint8Array(256)
for (const c of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  TOKEN[c.charCodeAt(0)] = 1

/** 1 for what a field value may hold: visible ASCII, space, tab, obs-text (RFC 9110 §5.5). */
const VALUE = new Uint8Array(256)
VALUE.fill(1, 0x20, 0x7f)
VALUE.fill(1, 0x80, 0x100)
VALUE[TAB] = 1

/** 1 for what a request target may hold: visible ASCII without `#`, `"`, `<`, `>`, `\`, `^`, backtick, `{`, `|`, `}` left to the path's own check. */
const TARGET = new Uint8Array(256)
TARGET.fill(1, 0x21, 0x7f)
TARGET['#'.charCodeAt(0)] = 0

/** 1 for a host's characters (RFC 3986 §3.2.2), brackets and the port's colon included. */
const HOST = new Uint8Array(256)
for (const c of "!$&'()*+-.;=_~%:[]0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  HOST[c.charCodeAt(0)] = 1

/** Where the head that starts at `from` ends (after its blank line), or -1 when it is not complete. */
export function headEnd(text: string, from: number): number {
  const at = text.indexOf('\r\n\r\n', from)
  return at === -1 ? -1 : at + 4
}

/** True when an incomplete head can no longer become a valid one: a line feed on its own, or a first byte no method starts with. */
export function isHopeless(text: string): boolean {
  if (text.length > 0 && TOKEN[text.charCodeAt(0)] !== 1) return true
  for (let lf = text.indexOf('\n'); lf !== -1; lf = text.indexOf('\n', lf + 1)) {
    if (lf === 0 || text.charCodeAt(lf - 1) !== CR) return true
  }
  return false
}

/** Parses header lines from `i` up to the blank line that ends `head.text`. Returns null, or what is wrong. */
function parseLines(head: Head, i: number): Problem | null {
  const { text, at, fields } = head
  const last = text.length - 2
  let line = 0
  while (i < last) {
    if (line === LINES_MAX) return PROBLEMS.headTooLarge
    const nameStart = i
    let c = 0
    let underscored = false
    while (TOKEN[(c = text.charCodeAt(i))] === 1) {
      if (c === 95) underscored = true
      i++
    }
    // A name is a token and the colon follows it at once (RFC 9112 §5.1); a leading space is obs-fold (§5.2).
    if (c !== COLON || i === nameStart) return PROBLEMS.malformedRequest
    const nameEnd = i
    do c = text.charCodeAt(++i)
    while (c === SP || c === TAB)
    const valueStart = i
    while (VALUE[(c = text.charCodeAt(i))] === 1) i++
    if (c !== CR || text.charCodeAt(i + 1) !== LF) return PROBLEMS.malformedRequest
    let valueEnd = i
    while (valueEnd > valueStart && ((c = text.charCodeAt(valueEnd - 1)) === SP || c === TAB)) valueEnd--
    const o = line * 4
    at[o] = nameStart
    at[o + 1] = nameEnd
    at[o + 2] = valueStart
    at[o + 3] = valueEnd
    fields[line] = underscored ? FIELD.underscored : fieldOf(text, nameStart, nameEnd)
    line++
    i += 2
  }
  head.count = line
  return null
}

/** `text` is one whole head, blank line included. Fills `head`; returns null, or the problem to refuse it with. */
export function parseRequestHead(head: RequestHead, text: string): Problem | null {
  head.text = text
  head.count = 0
  let i = 0
  while (TOKEN[text.charCodeAt(i)] === 1) i++
  if (i === 0 || text.charCodeAt(i) !== SP) return PROBLEMS.malformedRequest
  if (i > METHOD_CHARS_MAX) return PROBLEMS.methodNotImplemented
  const method = methodOf(text, i)
  head.method = method
  const targetStart = ++i
  while (TARGET[text.charCodeAt(i)] === 1) i++
  if (i === targetStart || text.charCodeAt(i) !== SP) return PROBLEMS.malformedRequest
  if (i - targetStart > TARGET_CHARS_MAX) return PROBLEMS.targetTooLong
  const targetEnd = i++
  if (!text.startsWith('HTTP/1.', i)) {
    return /^HTTP\/\d\.\d\r\n/.test(text.slice(i, i + 10)) ? PROBLEMS.versionNotSupported : PROBLEMS.malformedRequest
  }
  const minor = text.charCodeAt(i + 7) - 48
  if (minor !== 0 && minor !== 1) return PROBLEMS.versionNotSupported
  if (text.charCodeAt(i + 8) !== CR || text.charCodeAt(i + 9) !== LF) return PROBLEMS.malformedRequest
  head.minor = minor
  const wrong = parseLines(head, i + 10)
  if (wrong !== null) return wrong
  if (method === 'CONNECT') return PROBLEMS.methodNotImplemented
  return readRequestFields(head) ?? readTarget(head, targetStart, targetEnd)
}

/** The usual methods are interned, so that comparing them later compares pointers. */
function methodOf(text: string, end: number): string {
  if (end === 3 && text.startsWith('GET')) return 'GET'
  if (end === 4 && text.startsWith('POST')) return 'POST'
  return text.slice(0, end)
}

/** Body framing, Host, Connection, Expect and Upgrade: each read once, each refused when said twice or ambiguously. */
function readRequestFields(head: RequestHead): Problem | null {
  let host = -1
  let length = -1
  let chunked = false
  let expect = -1
  let upgrade = -1
  let wantsUpgrade = false
  head.keepAlive = head.minor === 1
  head.nominates = false
  for (let line = 0; line < head.count; line++) {
    switch (head.fields[line]) {
      case FIELD.host:
        if (host !== -1) return PROBLEMS.invalidHost
        host = line
        break
      case FIELD.contentLength:
        // Two Content-Length fields are ambiguous even when they agree (RFC 9112 §6.3 lets a recipient refuse).
        if (length !== -1) return PROBLEMS.ambiguousFraming
        length = readLength(head, line)
        if (length === -1) return PROBLEMS.ambiguousFraming
        break
      case FIELD.transferEncoding:
        // Only the single coding `chunked`, once, and only in HTTP/1.1 (RFC 9112 §6.1).
        if (chunked || head.minor === 0 || !lineIs(head, line, 'chunked')) return PROBLEMS.ambiguousFraming
        chunked = true
        break
      case FIELD.connection:
        wantsUpgrade = readConnection(head, line) || wantsUpgrade
        break
      case FIELD.expect:
        if (expect !== -1) return PROBLEMS.expectationFailed
        expect = line
        break
      case FIELD.upgrade:
        if (upgrade !== -1) return PROBLEMS.malformedRequest
        upgrade = line
        break
    }
  }
  if (chunked && length !== -1) return PROBLEMS.ambiguousFraming
  head.framing = chunked ? FRAMING.chunked : length > 0 ? FRAMING.length : FRAMING.none
  head.length = length > 0 ? length : 0
  head.hostLine = host
  // HTTP/1.0 has no 100-continue: the field is ignored there (RFC 9110 §10.1.1).
  head.expectContinue = false
  if (expect !== -1 && head.minor === 1) {
    if (!lineIs(head, expect, '100-continue')) return PROBLEMS.expectationFailed
    head.expectContinue = head.framing !== FRAMING.none
  }
  head.upgrade = upgrade !== -1 && wantsUpgrade ? head.value(upgrade).toLowerCase() : ''
  return null
}

/** A Content-Length value: digits only, no leading zero, within 2^53; else -1. */
function readLength(head: Head, line: number): number {
  const start = head.at[line * 4 + 2]!
  const end = head.at[line * 4 + 3]!
  if (end === start || end - start > 15) return -1
  if (end - start > 1 && head.text.charCodeAt(start) === 48) return -1
  let value = 0
  for (let i = start; i < end; i++) {
    const digit = head.text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

function lineIs(head: Head, line: number, value: string): boolean {
  return sameName(head.text, head.at[line * 4 + 2]!, head.at[line * 4 + 3]!, value)
}

/** Reads `close`, `keep-alive` and `upgrade`; says whether upgrade was named. Other options nominate fields to drop (RFC 9110 §7.6.1). */
function readConnection(head: RequestHead | ResponseHead, line: number): boolean {
  if (lineIs(head, line, 'keep-alive')) {
    head.keepAlive = true
    return false
  }
  if (lineIs(head, line, 'close')) {
    head.keepAlive = false
    return false
  }
  let upgrade = false
  let close = false
  for (const option of head.value(line).split(',')) {
    const name = option.trim().toLowerCase()
    if (name === 'close') close = true
    else if (name === 'keep-alive') head.keepAlive = true
    else if (name === 'upgrade') upgrade = true
    else if (name !== '') head.nominates = true
  }
  if (close) head.keepAlive = false
  return upgrade
}

/** Reduces the target to origin form and finds the one authority (RFC 9112 §3.2, §3.2.2; RFC 9110 §7.2). */
function readTarget(head: RequestHead, start: number, end: number): Problem | null {
  const { text } = head
  let authority = head.hostLine === -1 ? '' : head.value(head.hostLine)
  if (head.hostLine === -1 && head.minor === 1) return PROBLEMS.invalidHost
  if (text.charCodeAt(start) === 47) {
    head.target = text.slice(start, end)
  } else if (end - start === 1 && text.charCodeAt(start) === 42 && head.method === 'OPTIONS') {
    head.target = '*'
  } else {
    const absolute = /^(https?):\/\/([^/?]+)([/?].*)?$/i.exec(text.slice(start, end))
    if (absolute === null) return PROBLEMS.malformedRequest
    const named = absolute[2]!
    if (named.includes('@')) return PROBLEMS.invalidHost
    // The target's authority wins over Host; a Host that differs is refused rather than chosen between.
    if (head.hostLine !== -1 && named.toLowerCase() !== authority.toLowerCase()) return PROBLEMS.invalidHost
    authority = named
    const rest = absolute[3] ?? '/'
    head.target = rest.startsWith('?') ? '/' + rest : rest
  }
  if (authority === head.authority && authority !== '') return null // same as the last request on this connection
  head.authority = authority
  const host = hostOf(authority)
  if (host === null) {
    head.authority = ''
    return PROBLEMS.invalidHost
  }
  head.host = host
  return null
}

/** Host without port, lower case and without a trailing dot; null when it is not `host[:port]`. Empty stays empty (HTTP/1.0). */
export function hostOf(authority: string): string | null {
  if (authority === '') return ''
  for (let i = 0; i < authority.length; i++) if (HOST[authority.charCodeAt(i)] !== 1) return null
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(authority)
  if (parts === null) return null
  if (parts[2] !== undefined && (Number(parts[2]) === 0 || Number(parts[2]) > 65_535)) return null
  const host = parts[1]!.toLowerCase()
  return host.endsWith('.') && host.length > 1 ? host.slice(0, -1) : host
}

/**
 * `text` is one whole head of an answer to `method`, blank line included. Fills `head`; false when it is not a valid one
 * (RFC 9112 §4, §6.3): the caller answers 502 and drops the connection.
 */
export function parseResponseHead(head: ResponseHead, text: string, method: string): boolean {
  head.text = text
  head.count = 0
  if (!text.startsWith('HTTP/1.')) return false
  const minor = text.charCodeAt(7) - 48
  if ((minor !== 0 && minor !== 1) || text.charCodeAt(8) !== SP) return false
  let status = 0
  for (let i = 9; i < 12; i++) {
    const digit = text.charCodeAt(i) - 48
    if (!(digit >= 0 && digit <= 9)) return false
    status = status * 10 + digit
  }
  if (status < 100 || status > 599) return false
  let i = 12
  // The reason may be empty, and old servers leave its space out as well.
  if (text.charCodeAt(i) === SP) i++
  else if (text.charCodeAt(i) !== CR) return false
  const reasonStart = i
  while (VALUE[text.charCodeAt(i)] === 1) i++
  if (text.charCodeAt(i) !== CR || text.charCodeAt(i + 1) !== LF) return false
  head.minor = minor
  head.status = status
  head.reason = text.slice(reasonStart, i)
  if (parseLines(head, i + 2) !== null) return false
  return readResponseFields(head, method)
}

function readResponseFields(head: ResponseHead, method: string): boolean {
  let length = -1
  let chunked = false
  let otherCoding = false
  head.keepAlive = head.minor === 1
  head.nominates = false
  head.keepAliveTimeout = -1
  for (let line = 0; line < head.count; line++) {
    switch (head.fields[line]) {
      case FIELD.contentLength:
        if (length !== -1) return false
        length = readLength(head, line)
        if (length === -1) return false
        break
      case FIELD.transferEncoding:
        if (chunked || otherCoding) return false
        if (lineIs(head, line, 'chunked')) chunked = true
        else otherCoding = true
        break
      case FIELD.connection:
        readConnection(head, line)
        break
      case FIELD.keepAlive: {
        const timeout = /(?:^|[,\s])timeout\s*=\s*(\d{1,6})/i.exec(head.value(line))
        if (timeout !== null) head.keepAliveTimeout = Number(timeout[1])
        break
      }
    }
  }
  if (otherCoding || (chunked && (length !== -1 || head.minor === 0))) return false
  const { status } = head
  head.length = length === -1 ? 0 : length
  head.lengthGiven = length !== -1
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') head.framing = FRAMING.none
  else if (chunked) head.framing = FRAMING.chunked
  else if (length !== -1) head.framing = length === 0 ? FRAMING.none : FRAMING.length
  else {
    head.framing = FRAMING.close
    head.keepAlive = false
  }
  // A 1xx or 204 has no body and must not announce one (RFC 9110 §8.6).
  return !((status < 200 || status === 204) && (chunked || length > 0))
}
