/** Identifiers: a prefix that says what it is, then 27 characters that sort by time, unguessable from their neighbours. */
import { randomFillSync } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Every pair of two digits: an id is put together from ten strings instead of nineteen. */
const PAIRS = Array.from({ length: 3_844 }, (_, i) => ALPHABET[Math.floor(i / 62)]! + ALPHABET[i % 62]!)
const POOL_WORDS = 4_096
const pool = new Uint16Array(POOL_WORDS)
let used = POOL_WORDS

let stampMs = -1
let stamp = ''

/**
 * A new id such as `msg_2c7Gk…`: 8 base-62 digits of the millisecond (sorts until the year 8888 as bytes do),
 * then 19 random ones (113 bits). The pool of random words saves one system call an id.
 */
export function newId(prefix: string, nowMs: number): string {
  if (nowMs !== stampMs) {
    stampMs = nowMs
    stamp = base62(nowMs, 8)
  }
  if (used + 10 > POOL_WORDS) {
    randomFillSync(pool)
    used = 0
  }
  let tail = ''
  for (let i = 0; i < 9; i++) tail += PAIRS[pool[used++]! % 3_844]
  return prefix + stamp + tail + ALPHABET[pool[used++]! % 62]
}

/** Sorts before every id with this prefix made at `ms` or later, and after those made earlier. */
export function idFloor(prefix: string, ms: number): string {
  return prefix + base62(Math.max(0, Math.min(Math.floor(ms), LAST_MS)), 8)
}

/** What eight digits can say: the year 8888. */
const LAST_MS = 62 ** 8 - 1

function base62(value: number, digits: number): string {
  let out = ''
  let rest = value
  for (let i = 0; i < digits; i++) {
    out = ALPHABET[rest % 62]! + out
    rest = Math.floor(rest / 62)
  }
  return out
}
