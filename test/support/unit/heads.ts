/** Generated heads of requests and answers, each valid, each with what it says. */
import * as fc from 'fast-check'
import type { Lines } from './grammar.ts'

const TCHARS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".split('')
const VALUE_CHARS = Array.from({ length: 256 }, (_, c) => String.fromCharCode(c)).filter(
  (c) => c === '\t' || (c >= ' ' && c !== '\x7f'),
)
/** Fields that mean something to the wire: generated heads have them on purpose or not at all. */
const RESERVED = /^(?:host|connection|content-length|transfer-encoding|expect|upgrade|keep-alive)$/i

export const token = fc.string({ unit: fc.constantFrom(...TCHARS), minLength: 1, maxLength: 20 })
const fieldName = fc
  .oneof(token, fc.constantFrom('Accept', 'cookie', 'X_Under', 'AUTHORIZATION', 'x-forwarded-for', 'TE', 'Date'))
  .filter((name) => !RESERVED.test(name))
/** As it is read: without white space around it. */
export const fieldValue = fc
  .string({ unit: fc.constantFrom(...VALUE_CHARS), maxLength: 30 })
  .map((value) => value.replace(/^[ \t]+|[ \t]+$/g, ''))
const space = fc.constantFrom('', ' ', '\t', '  ', ' \t ')

const host = fc.constantFrom(
  'a',
  'Shop.Example',
  'a.example:8080',
  '127.0.0.1:80',
  '[::1]',
  '[2001:db8::2]:443',
  'x-y.z.',
)
const target = fc.oneof(
  fc.constantFrom('/', '/a/b?c=d', '/%61/..', '//', '/a;b?"{|}<>', '/?', `/${'x'.repeat(300)}`),
  fc
    .string({ unit: fc.constantFrom(...TCHARS, '/', '?', '=', '&', '@', ':').filter((c) => c !== '#'), maxLength: 30 })
    .map((rest) => `/${rest}`),
)

/** How a body is framed, and the lines that say so. */
const framing = fc.oneof(
  fc.constant({ kind: 'none' as const, length: 0, lines: [] as Lines }),
  fc.constant({ kind: 'chunked' as const, length: 0, lines: [['Transfer-Encoding', 'chunked']] as Lines }),
  fc.nat({ max: 40 }).map((length) => ({
    kind: length === 0 ? ('none' as const) : ('length' as const),
    length,
    lines: [['content-length', String(length)]] as Lines,
  })),
)

export interface ValidRequest {
  readonly text: string
  readonly method: string
  readonly target: string
  readonly authority: string
  readonly lines: Lines
  readonly framing: 'none' | 'length' | 'chunked'
  readonly length: number
}

const plainLines = fc.array(fc.tuple(fieldName, fieldValue), { maxLength: 8 })

export const validRequest: fc.Arbitrary<ValidRequest> = fc
  .record({
    method: fc.oneof(
      fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'get'),
      token.filter((method) => method !== 'CONNECT'),
    ),
    form: fc.constantFrom('origin', 'origin', 'origin', 'absolute', 'asterisk'),
    target,
    authority: host,
    framing,
    before: plainLines,
    after: plainLines,
    space: fc.tuple(space, space),
    expect: fc.boolean(),
  })
  .map(({ form, authority, framing: body, before, after, space: [left, right], expect, ...rest }) => {
    const method = form === 'asterisk' ? 'OPTIONS' : rest.method
    const path = form === 'asterisk' ? '*' : rest.target
    const continued: Lines = expect && body.kind !== 'none' ? [['Expect', '100-Continue']] : []
    const lines: Lines = [...before, ['Host', authority], ...body.lines, ...continued, ...after]
    const written = form === 'absolute' ? `hTTp://${authority.toUpperCase()}${path}` : path
    return {
      text: `${method} ${written} HTTP/1.1\r\n${block(lines, left, right)}`,
      method,
      target: path,
      authority: form === 'absolute' ? authority.toUpperCase() : authority,
      lines,
      framing: body.kind,
      length: body.length,
    }
  })

export interface ValidResponse {
  readonly text: string
  readonly status: number
  readonly reason: string
  readonly lines: Lines
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  readonly length: number
}

/** An answer to a GET with a body if its framing says so. */
export const validResponse: fc.Arbitrary<ValidResponse> = fc
  .record({
    status: fc.integer({ min: 200, max: 599 }).filter((status) => status !== 204 && status !== 304),
    reason: fieldValue,
    body: fc.oneof(framing, fc.constant({ kind: 'close' as const, length: 0, lines: [] as Lines })),
    before: plainLines,
    after: plainLines,
    space: fc.tuple(space, space),
  })
  .map(({ status, reason, body, before, after, space: [left, right] }) => {
    const lines: Lines = [...before, ...body.lines, ...after]
    // Without either field an answer goes on to the end of the connection (RFC 9112 §6.3).
    const kind = body.lines.length === 0 ? 'close' : body.kind
    return {
      text: `HTTP/1.1 ${status} ${reason}\r\n${block(lines, left, right)}`,
      status,
      reason,
      lines,
      framing: kind,
      length: body.length,
    }
  })

function block(lines: Lines, left: string, right: string): string {
  return lines.map(([name, value]) => `${name}:${left}${value}${right}\r\n`).join('') + '\r\n'
}

/** A body as it is sent after a head with this framing. */
export function framedBody({ framing: kind, length }: ValidRequest | ValidResponse): fc.Arbitrary<string> {
  if (kind === 'length') return bytesOf(length, length)
  return kind === 'chunked' ? chunked : fc.constant('')
}

function bytesOf(minLength: number, maxLength: number): fc.Arbitrary<string> {
  return fc.array(fc.nat({ max: 255 }), { minLength, maxLength }).map((codes) => String.fromCharCode(...codes))
}

const chunked = fc
  .tuple(
    fc.array(fc.tuple(bytesOf(1, 20), fc.constantFrom('', ';a=b', ';a="b;c"'))),
    fc.constantFrom('0\r\n\r\n', '000;x\r\n\r\n', '0\r\nX: y\r\n\r\n'),
  )
  .map(([chunks, last]) => {
    const each = chunks.map(([data, extension]) => `${data.length.toString(16)}${extension}\r\n${data}\r\n`)
    return each.join('') + last
  })

/** A whole request with its body; now and then one that is answered before its body is read. */
export const wholeRequest: fc.Arbitrary<string> = validRequest.chain((request) =>
  fc.tuple(framedBody(request), fc.integer({ min: 0, max: 4 })).map(([body, early]) => {
    return (early === 0 ? request.text.replace(' /', ' /early/') : request.text) + body
  }),
)

/** A whole answer with its body, after interim ones now and then. */
export const wholeResponse: fc.Arbitrary<string> = validResponse.chain((response) =>
  fc
    .tuple(
      fc.constantFrom('', '', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n'),
      response.framing === 'close' ? bytesOf(0, 40) : framedBody(response),
    )
    .map(([interim, body]) => interim + response.text + body),
)
