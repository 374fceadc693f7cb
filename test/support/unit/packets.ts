/** Bytes in packets: every way to cut them, and the bytes that parsers stumble over. */
import * as fc from 'fast-check'

/** Where to cut, as positions modulo the number of bytes; shrinks to no cut at all. */
export type Cuts = readonly number[]

export const cuts: fc.Arbitrary<Cuts> = fc.array(fc.nat({ max: 1_000_000 }), { maxLength: 12 })

/** The bytes in the pieces that `at` makes of them; none is empty. */
export function cut(bytes: Buffer, at: Cuts): Buffer[] {
  if (bytes.length === 0) return []
  const places = [...new Set(at.map((place) => place % bytes.length))].filter((place) => place > 0)
  const edges = [0, ...places.toSorted((a, b) => a - b), bytes.length]
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
}

/** A change to a text of one byte a character. */
export interface Mutation {
  readonly how: 'insert' | 'replace' | 'delete' | 'repeat'
  /** Modulo the length of the text. */
  readonly at: number
  readonly length: number
  readonly text: string
}

/** What framing, fields and lines are made of, and what looks like it. */
const TELLING = [
  '\r|\n|\r\n|\r\n\r\n| |\t|:|;|,|/|.|#|%|@|[|]|"|\\|_|=|-|+|\0|\x0b|\x7f|\x80|\xa0|\xff|0|1|5|9|a|A|x',
  ' HTTP/1.1|HTTP/1.0|0\r\n\r\n|X: y\r\n|Content-Length: 3\r\n|Transfer-Encoding: chunked\r\n|Host: b\r\n|Connection: close\r\n',
].flatMap((line) => line.split('|'))

export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.record({
    how: fc.constantFrom('insert', 'replace', 'delete', 'repeat'),
    at: fc.nat({ max: 1_000_000 }),
    length: fc.integer({ min: 1, max: 8 }),
    text: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...TELLING) },
      fc.nat({ max: 255 }).map((c) => String.fromCharCode(c)),
    ),
  }),
  { maxLength: 4 },
)

export function mutate(text: string, changes: readonly Mutation[]): string {
  return changes.reduce((now, { how, at, length, text: piece }) => {
    const from = now.length === 0 ? 0 : at % now.length
    const [before, after] = [now.slice(0, from), now.slice(from)]
    if (how === 'insert') return before + piece + after
    if (how === 'replace') return before + piece + after.slice(piece.length)
    if (how === 'delete') return before + after.slice(length)
    return before + after.slice(0, length) + after
  }, text)
}

/** Any bytes, one a character. */
export const latin1: fc.Arbitrary<string> = fc
  .array(fc.nat({ max: 255 }), { maxLength: 200 })
  .map((codes) => String.fromCharCode(...codes))
