/** Strict parsing of an upstream's head (RFC 9112 §4, §6): an answer that could be read in two ways is no answer. */
import { CR, LF, SP, VALUE, lineIs, parseLines, readConnection, readLength } from './head-lines.ts'
import { FIELD, FRAMING, type ResponseHead } from './head.ts'

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
  head.closes = false
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
  if (head.closes) head.keepAlive = false
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
