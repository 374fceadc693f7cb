/** Valid exchanges of HTTP/2 as frames, and random edits of them: frames dropped, doubled and swapped, bytes flipped, put in and cut. */
import type { Place } from '../corpus/row.ts'
import { END_HEADERS, END_STREAM, type Fields, TYPE, block, frame, initialWindow, pseudo, uint32 } from '../raw-h2.ts'
import { BEHAVIOURS, type Behaviour } from './exchanges.ts'
import type { Random } from './random.ts'

/** A request, and what its answer holds when nothing is edited. */
export interface Exchanged {
  readonly id: number
  readonly behaviour: Behaviour
  readonly target: string
  readonly method: string
}

export interface Frames {
  readonly bytes: Buffer
  readonly exchanges: readonly Exchanged[]
}

const REQUESTS_MAX = 3
const PADDED = 8
const WINDOW_BYTES = 1_000_000

/** Requests on streams 1, 3 and so on, with whatever else a client may say between them. */
export function framesOf(random: Random, place: Place, token: string, edits: number): Frames {
  const exchanges: Exchanged[] = []
  const all = [
    frame(TYPE.SETTINGS, 0, 0, initialWindow(WINDOW_BYTES)),
    frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(WINDOW_BYTES)),
  ]
  const count = 1 + random.below(REQUESTS_MAX)
  for (let i = 0; i < count; i++) {
    const id = 2 * i + 1
    const behaviour = random.pick(BEHAVIOURS)
    const method = random.pick(['GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE'])
    const target = `${place.path}/h/${token}/${behaviour}`
    const body = method === 'GET' || method === 'HEAD' ? '' : token.repeat(1 + random.below(6))
    const fields: Fields = [
      ...pseudo(method, target, place),
      ['x-token', token],
      ...(body !== '' && random.chance(0.5) ? [['content-length', String(body.length)] as const] : []),
      ...(random.chance(0.2) ? [['cookie', `a=${token}`] as const, ['cookie', 'b=c'] as const] : []),
    ]
    all.push(...head(random, id, fields, body === ''), ...(body === '' ? [] : data(random, id, body, token)))
    if (random.chance(0.3)) all.push(aside(random, id))
    exchanges.push({ id, behaviour, target, method })
  }
  return { bytes: edited(random, all, edits), exchanges }
}

/** In one frame, or in two. */
function head(random: Random, id: number, fields: Fields, ends: boolean): Buffer[] {
  const bytes = block(fields)
  const flags = ends ? END_STREAM : 0
  if (random.chance(0.8)) return [frame(TYPE.HEADERS, flags | END_HEADERS, id, bytes)]
  const at = random.below(bytes.length)
  return [
    frame(TYPE.HEADERS, flags, id, bytes.subarray(0, at)),
    frame(TYPE.CONTINUATION, END_HEADERS, id, bytes.subarray(at)),
  ]
}

function data(random: Random, id: number, body: string, token: string): Buffer[] {
  const at = random.below(body.length)
  const first = random.chance(0.3)
    ? frame(TYPE.DATA, PADDED, id, `\x03${body.slice(0, at)}\0\0\0`)
    : frame(TYPE.DATA, 0, id, body.slice(0, at))
  if (random.chance(0.8)) return [first, frame(TYPE.DATA, END_STREAM, id, body.slice(at))]
  const trailers = frame(TYPE.HEADERS, END_STREAM | END_HEADERS, id, block([['t', token]]))
  return [first, frame(TYPE.DATA, 0, id, body.slice(at)), trailers]
}

/** What asks for nothing. */
function aside(random: Random, id: number): Buffer {
  return random.pick([
    frame(TYPE.PING, 0, 0, Buffer.alloc(8)),
    frame(TYPE.SETTINGS, 0, 0),
    frame(TYPE.PRIORITY, 0, id, Buffer.alloc(5)),
    frame(TYPE.WINDOW_UPDATE, 0, id, uint32(1 + random.below(1_000))),
    frame(99, 0, id, 'x'),
  ])
}

function edited(random: Random, frames: Buffer[], edits: number): Buffer {
  for (let i = 0; i < edits; i++) {
    const at = random.below(frames.length)
    const one = frames[at]!
    const byte = random.below(one.length)
    switch (random.below(7)) {
      case 0:
        frames.splice(at, 1)
        break
      case 1:
        frames.splice(random.below(frames.length), 0, one)
        break
      case 2: {
        const other = random.below(frames.length)
        frames[at] = frames[other]!
        frames[other] = one
        break
      }
      case 3:
        frames[at] = Buffer.concat([one.subarray(0, byte), one.subarray(byte + 1 + random.below(8))])
        break
      case 4:
        frames[at] = Buffer.concat([one.subarray(0, byte), Buffer.from([random.below(256)]), one.subarray(byte)])
        break
      case 5:
        frames.splice(at, 0, frame(TYPE.RST_STREAM, 0, 1 + 2 * random.below(3), uint32(random.below(14))))
        break
      default: {
        const flipped = Buffer.from(one)
        flipped[byte]! ^= 1 << random.below(8)
        frames[at] = flipped
      }
    }
    if (frames.length === 0) frames.push(frame(TYPE.PING, 0, 0, Buffer.alloc(8)))
  }
  return Buffer.concat(frames)
}
