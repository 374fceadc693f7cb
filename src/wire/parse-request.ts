/** Strict parsing of a request's head (RFC 9112 §3, §6): anything that two readers could read differently is refused. */
import { type Problem, PROBLEMS } from '../base/problem.ts'
import { CR, LF, SP, TOKEN, lineIs, parseLines, readConnection, readLength } from './head-lines.ts'
import { FIELD, FRAMING, type RequestHead } from './head.ts'

const TARGET_CHARS_MAX = 8_192
const METHOD_CHARS_MAX = 32

/** 1 for what a request target may hold: visible ASCII without `#`, `"`, `<`, `>`, `\`, `^`, backtick, `{`, `|`, `}` left to the path's own check. */
const TARGET = new Uint8Array(256)
TARGET.fill(1, 0x21, 0x7f)
TARGET['#'.charCodeAt(0)] = 0

/** 1 for a host's characters (RFC 3986 §3.2.2), brackets and the port's colon included. */
const HOST = new Uint8Array(256)
for (const c of "!$&'()*+-.;=_~%:[]0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  HOST[c.charCodeAt(0)] = 1

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
  const { text } = head
  let host = -1
  let length = -1
  let chunked = false
  let expect = -1
  let upgrade = -1
  let wantsUpgrade = false
  head.takesTrailers = false
  head.keepAlive = head.minor === 1
  head.closes = false
  head.nominates = false
  head.passed = false
  head.bindsConnection = false
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
      case FIELD.te:
        head.takesTrailers ||= head.minor === 1 && /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(head.value(line))
        break
      case FIELD.upgrade:
        if (upgrade !== -1) return PROBLEMS.malformedRequest
        upgrade = line
        break
      case FIELD.authorization:
        // Bearer and Basic are told by their first letter.
        if ((text.charCodeAt(head.at[line * 4 + 2]!) | 32) === 110)
          head.bindsConnection ||= /^(?:ntlm|negotiate)(?: |$)/i.test(head.value(line))
        break
      case FIELD.via:
        head.passed = true
        break
    }
  }
  if (head.closes) head.keepAlive = false
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
  head.upgrade = upgrade !== -1 && wantsUpgrade && head.minor === 1 ? head.value(upgrade).toLowerCase() : ''
  return null
}

/** Reduces the target to origin form and finds the one authority (RFC 9112 §3.2, §3.2.2; RFC 9110 §7.2). */
function readTarget(head: RequestHead, start: number, end: number): Problem | null {
  const { text } = head
  let authority = head.hostLine === -1 ? '' : head.value(head.hostLine)
  if (authority === '' && head.minor === 1) return PROBLEMS.invalidHost
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
