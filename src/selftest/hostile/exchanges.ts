/** Valid exchanges to be mutated: every request carries its attack's token wherever it can, and says how it wants to be answered. */
import type { Place } from '../corpus/row.ts'
import { crlf } from '../notation.ts'
import type { Random } from './random.ts'

/**
 * How the upstream answers: echo with a length, echo in chunks, slowly, nothing at all, garbage, a large body, an interim answer first,
 * a close or reset where none should be, an answer before the request is whole, bytes behind the answer, a tunnel.
 */
export const BEHAVIOURS = [
  'echo',
  'echo',
  'echo',
  'chunks',
  'slow',
  'silent',
  'garbage',
  'large',
  'interim',
  'closes',
  'close-after',
  'resets',
  'early',
  'behind',
  'tunnel',
] as const
export type Behaviour = (typeof BEHAVIOURS)[number]

/** A token and how to find one. */
export const TOKEN = /k[0-9a-z]{8}z/g

/** Drawn, not counted: an edit must not make one attack's token another's. */
export function tokenOf(random: Random): string {
  return `k${Array.from({ length: 8 }, () => random.below(36).toString(36)).join('')}z`
}

export interface Message {
  readonly method: string
  readonly text: string
  readonly behaviour: Behaviour
}

export function message(random: Random, { host, path }: Place, token: string): Message {
  const behaviour = random.pick(BEHAVIOURS)
  const target = `${path}/h/${token}/${behaviour}`
  const start = (method: string, to = target): string => `${method} ${to} HTTP/1.1⏎Host: ${host}⏎X-Token: ${token}⏎`
  const body = token.repeat(1 + random.below(6))
  const length = `Content-Length: ${body.length}⏎`
  const chunks = `Transfer-Encoding: chunked⏎⏎${chunked(random, body)}`
  const texts: ReadonlyArray<readonly [string, string]> = [
    ['GET', `${start('GET')}⏎`],
    ['GET', `${start('GET', `${target}?a=${token}&b=%2f`)}Accept: */*⏎Cookie: a=${token}⏎⏎`],
    ['HEAD', `${start('HEAD')}Connection: keep-alive, x⏎X: y⏎⏎`],
    ['GET', `${start('GET', `http://${host}${path}/x/../h/${token}/${behaviour}`)}⏎`],
    ['POST', `${start('POST')}${length}⏎${body}`],
    ['PUT', `${start('PUT')}Content-Length: 0⏎⏎`],
    ['DELETE', `${start('DELETE')}${length}⏎${body}`],
    ['POST', `${start('POST')}${chunks}0⏎⏎`],
    ['POST', `${start('POST')}Trailer: T⏎${chunks}0;x=y⏎T: ${token}⏎⏎`],
    ['POST', `${start('POST')}Expect: 100-continue⏎${length}⏎${body}`],
    ['GET', `${start('GET')}Connection: close⏎⏎`],
    ['GET', `${start('GET').replace('HTTP/1.1', 'HTTP/1.0')}Connection: keep-alive⏎⏎`],
    [
      'GET',
      `${start('GET', `${path}/h/${token}/tunnel`)}Connection: Upgrade⏎Upgrade: websocket⏎Sec-WebSocket-Version: 13⏎` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==⏎⏎${token}`,
    ],
  ]
  const [method, text] = random.pick(texts)
  return { method, text: crlf(text), behaviour: text.includes('/tunnel') ? 'tunnel' : behaviour }
}

function chunked(random: Random, body: string): string {
  let text = ''
  for (let at = 0; at < body.length;) {
    const size = 1 + random.below(body.length - at)
    text += `${size.toString(16)}${random.chance(0.2) ? ';e="1"' : ''}⏎${body.slice(at, at + size)}⏎`
    at += size
  }
  return text
}
