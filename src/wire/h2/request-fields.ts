/** Makes the fields of an HTTP/2 request the head that HTTP/1.1 would have brought, or says what is wrong with them (RFC 9113 §8.3.1). */
import { randomBytes } from 'node:crypto'
import { type Problem, PROBLEMS } from '../../base/problem.ts'
import { FRAMING, type RequestHead } from '../head.ts'
import { parseRequestHead } from '../parse-request.ts'
import type { HeaderFields } from './fields.ts'

const UPGRADE = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: '

/** What makes a request malformed in the sense of RFC 9113 §8.1.1: it is reset, not answered. */
const MALFORMED: ReadonlySet<Problem> = new Set([
  PROBLEMS.malformedRequest,
  PROBLEMS.ambiguousFraming,
  PROBLEMS.invalidHost,
  PROBLEMS.versionNotSupported,
])

export function isMalformed(problem: Problem): boolean {
  return MALFORMED.has(problem)
}

/** It asks for a tunnel (RFC 8441 §4). */
export function asksTunnel(fields: HeaderFields): boolean {
  return fields.protocol !== ''
}

/** Fills `head`; `ends`: no body follows. Null, or why not. */
export function readRequest(head: RequestHead, fields: HeaderFields, ends: boolean): Problem | null {
  head.method = ''
  if (fields.method === 'CONNECT' && fields.protocol !== 'websocket') return PROBLEMS.methodNotImplemented
  const tunnel = asksTunnel(fields)
  // For the parser, the policies and the upstream it is an upgrade of HTTP/1.1 (RFC 8441 §5); a key is part of that.
  const text = fields.requestText(tunnel ? UPGRADE + randomBytes(16).toString('base64') + '\r\n' : '')
  if (text === null) return PROBLEMS.malformedRequest
  if (fields.tooLarge) return PROBLEMS.headTooLarge
  const wrong = parseRequestHead(head, text)
  if (wrong !== null) return wrong
  head.major = 2
  head.takesTrailers = true
  if (tunnel || ends) return head.framing === FRAMING.none ? null : PROBLEMS.ambiguousFraming
  if (fields.hasLength) return null
  head.framing = FRAMING.chunked
  head.expectContinue = head.find('expect') !== -1
  return null
}
