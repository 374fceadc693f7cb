/** The lines of an HTTP/1.x head, parsed strictly into offsets: what requests and answers have in common (RFC 9112 §5). */
import { type Problem, PROBLEMS } from '../base/problem.ts'
import { FIELD, type Head, LINES_MAX, type RequestHead, type ResponseHead, fieldOf, sameName } from './head.ts'
import { emptyLine } from './head-text.ts'

export const CR = 13
export const LF = 10
export const SP = 32
const TAB = 9
const COLON = 58

/** 1 for a tchar (RFC 9110 §5.6.2). */
export const TOKEN = new Uint8Array(256)
for (const c of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  TOKEN[c.charCodeAt(0)] = 1

/** 1 for what a field value may hold: visible ASCII, space, tab, obs-text (RFC 9110 §5.5). */
export const VALUE = new Uint8Array(256)
VALUE.fill(1, 0x20, 0x7f)
VALUE.fill(1, 0x80, 0x100)
VALUE[TAB] = 1

/** True when an incomplete request head cannot become valid: a line feed on its own, or a first byte no method starts with. */
export function isHopeless(text: string): boolean {
  const start = emptyLine(text)
  if (text.length > start && TOKEN[text.charCodeAt(start)] !== 1) return true
  for (let lf = text.indexOf('\n', start); lf !== -1; lf = text.indexOf('\n', lf + 1)) {
    if (lf === 0 || text.charCodeAt(lf - 1) !== CR) return true
  }
  return false
}

/** Parses header lines from `i` up to the blank line that ends `head.text`. Returns null, or what is wrong. */
export function parseLines(head: Head, i: number): Problem | null {
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

/** A Content-Length value: digits only, no leading zero, within 2^53; else -1. */
export function readLength(head: Head, line: number): number {
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

export function lineIs(head: Head, line: number, value: string): boolean {
  return sameName(head.text, head.at[line * 4 + 2]!, head.at[line * 4 + 3]!, value)
}

/** Reads `close`, `keep-alive` and `upgrade`; says whether upgrade was named. Other options nominate fields to drop (RFC 9110 §7.6.1). */
export function readConnection(head: RequestHead | ResponseHead, line: number): boolean {
  // Nearly always one of these two, and then nothing needs to be taken apart.
  if (lineIs(head, line, 'keep-alive')) {
    head.keepAlive = true
    return false
  }
  if (lineIs(head, line, 'close')) {
    head.closes = true
    return false
  }
  let upgrade = false
  for (const option of head.value(line).split(',')) {
    const name = option.trim().toLowerCase()
    if (name === 'close') head.closes = true
    else if (name === 'keep-alive') head.keepAlive = true
    else if (name === 'upgrade') upgrade = true
    else if (name !== '') head.nominates = true
  }
  return upgrade
}
