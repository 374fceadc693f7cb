/** What one attack does, drawn from its seed alone: its bytes, how they are sent, and how the client leaves. */
import type { Place } from '../corpus/row.ts'
import { type Message, message, tokenOf } from './exchanges.ts'
import { type Frames, framesOf } from './frames.ts'
import { mutate } from './mutate.ts'
import { Random } from './random.ts'
import { type Meant, requestsIn } from './reference.ts'

export interface Plan {
  /** `RUN:N`, which repeats it. */
  readonly seed: string
  readonly token: string
  readonly messages: readonly Message[]
  /** latin1, with the edits made. */
  readonly text: string
  /** In the place of messages: over HTTP/2. What may be made of them is not known, then. */
  readonly frames: Frames | null
  readonly edited: boolean
  /** What may be made of the bytes. */
  readonly meant: readonly Meant[]
  /** Where the text is cut into packets, ascending, its length last. */
  readonly ends: readonly number[]
  /** Between packets. */
  readonly pauseMs: number
  readonly leaves: 'when answered' | 'with a half-close' | 'with a reset' | 'at once' | 'never'
  /** It reads its answers late. */
  readonly readsLate: boolean
}

const EDITS_MAX = 3
const MESSAGES_MAX = 3
const CUTS_MAX = 6
/** One attack of so many is over HTTP/2. */
const H2_EVERY = 4
/** Every byte a packet of its own, for texts up to this long. */
const DRIBBLE_CHARS_MAX = 600

export function planOf(run: string, n: number, place: Place): Plan {
  const seed = `${run}:${n}`
  const random = new Random(seed)
  const token = tokenOf(random)
  if (n % H2_EVERY === H2_EVERY - 1) return planOfFrames(seed, random, token, place)
  const messages = Array.from({ length: 1 + random.below(MESSAGES_MAX) }, () => message(random, place, token))
  let text = messages.map((one) => one.text).join('')
  const edits = random.chance(0.6) ? 1 + random.below(EDITS_MAX) : 0
  for (let i = 0; i < edits; i++) text = mutate(random, text)
  const dribbles = text.length <= DRIBBLE_CHARS_MAX && random.chance(0.1)
  const cuts = dribbles
    ? Array.from({ length: text.length }, (_, i) => i + 1)
    : Array.from({ length: random.below(CUTS_MAX) }, () => random.below(text.length)).concat(text.length)
  return {
    seed,
    token,
    messages,
    text,
    frames: null,
    edited: edits > 0,
    meant: requestsIn(text),
    ends: cuts.toSorted((a, b) => a - b),
    pauseMs: random.chance(0.1) ? random.below(30) : 0,
    leaves: random.chance(0.02)
      ? 'never'
      : random.pick([
          'when answered',
          'when answered',
          'when answered',
          'with a half-close',
          'with a reset',
          'at once',
        ]),
    readsLate: random.chance(0.1),
  }
}

function planOfFrames(seed: string, random: Random, token: string, place: Place): Plan {
  const edits = random.chance(0.7) ? 1 + random.below(EDITS_MAX) : 0
  const frames = framesOf(random, place, token, edits)
  const { length } = frames.bytes
  const cuts = Array.from({ length: random.below(CUTS_MAX) }, () => random.below(length)).concat(length)
  return {
    seed,
    token,
    messages: [],
    text: frames.bytes.toString('latin1'),
    frames,
    edited: edits > 0,
    meant: [],
    ends: cuts.toSorted((a, b) => a - b),
    pauseMs: random.chance(0.1) ? random.below(30) : 0,
    leaves: random.pick(['when answered', 'when answered', 'with a reset', 'at once']),
    readsLate: false,
  }
}
