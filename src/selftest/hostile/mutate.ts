/** Random edits of a text of messages: bytes flipped, put in, taken out and doubled; lines swapped, doubled, dropped and put in. */
import { crlf } from '../notation.ts'
import type { Random } from './random.ts'

/** What a parser acts on. */
export const BYTES = [
  '\r',
  '\n',
  '⏎',
  '⏎⏎',
  ' ',
  '\t',
  '\0',
  '\xff',
  ':',
  ';',
  ',',
  '/',
  '//',
  '/../',
  '%2f',
  '%00',
  '_',
  '-',
  '0',
  '5',
  'a',
  '"',
] as const

/** What changes where a message ends, or whose it is. */
export const LINES = [
  'Content-Length: 5⏎',
  'Content-Length: 0⏎',
  'Transfer-Encoding: chunked⏎',
  'Transfer-Encoding: identity⏎',
  'Host: b⏎',
  'Connection: close⏎',
  'Connection: Content-Length, Host⏎',
  'Expect: 100-continue⏎',
  'Upgrade: h2c⏎',
  '0⏎⏎',
  ' HTTP/1.0⏎',
  'X: y⏎ z⏎',
] as const

const EDITS: ReadonlyArray<(random: Random, text: string) => string> = [
  (random, text) => {
    const at = random.below(text.length)
    const flipped = String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(8)))
    return splice(text, at, 1, flipped)
  },
  (random, text) => splice(text, random.below(text.length), random.pick([0, 0, 1, 3]), crlf(random.pick(BYTES))),
  (random, text) => splice(text, lineStart(random, text), 0, crlf(random.pick(LINES))),
  (random, text) => splice(text, random.below(text.length), 1 + random.below(12), ''),
  (random, text) => {
    const at = random.below(text.length)
    const piece = text.slice(at, at + 1 + random.below(40))
    return splice(text, random.below(text.length), 0, piece)
  },
  (random, text) => {
    const lines = text.split('\r\n')
    const [one, other] = [random.below(lines.length), random.below(lines.length)]
    const line = lines[one]!
    lines[one] = lines[other]!
    lines[other] = line
    return lines.join('\r\n')
  },
  (random, text) => {
    const lines = text.split('\r\n')
    const at = random.below(lines.length)
    if (random.chance(0.5)) lines.splice(at, 1)
    else lines.splice(at, 0, lines[random.below(lines.length)]!)
    return lines.join('\r\n')
  },
  (random, text) => text.slice(0, 1 + random.below(text.length)),
]

export function mutate(random: Random, text: string): string {
  return random.pick(EDITS)(random, text) || text
}

function splice(text: string, at: number, take: number, put: string): string {
  return text.slice(0, at) + put + text.slice(at + take)
}

/** Where a line begins that is not the first. */
function lineStart(random: Random, text: string): number {
  return text.indexOf('\n', random.below(text.length)) + 1
}
