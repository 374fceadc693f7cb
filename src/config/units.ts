/** Durations and sizes as people write them; the one place that reads each. */

const MS_OF: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const BYTES_OF: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

/** What a timer of the runtime can wait: 2^31 - 1 ms, just under 25 days. */
export const DURATION_MS_MAX = 2 ** 31 - 1

export const DURATION_FORMS = '500ms, 5s, 1m, 2h or 1d'
export const SIZE_FORMS = '4096 (bytes), 10KiB or 10MB'

/** `500ms`, `5s`, `1m`, `2h`, `1d` or `0`, in milliseconds. Undefined when it is none of them, or is longer than a timer can wait. */
export function parseDuration(text: string): number | undefined {
  return inMs(text, DURATION_MS_MAX)
}

const YEAR_MS = 366 * MS_OF['d']!

/** As parseDuration, up to a leap year: for what no single timer waits for. */
export function parseLongDuration(text: string): number | undefined {
  return inMs(text, YEAR_MS)
}

function inMs(text: string, msMax: number): number | undefined {
  if (text === '0') return 0
  const parts = /^(\d{1,11})(ms|s|m|h|d)$/.exec(text)
  if (parts === null) return undefined
  const ms = Number(parts[1]) * MS_OF[parts[2]!]!
  return ms <= msMax ? ms : undefined
}

/** `10KiB` (1024 each), `10MB` (1000 each), `512B` or plain bytes, in bytes. Undefined when it is none of them. */
export function parseSize(text: string): number | undefined {
  const parts = /^(\d{1,15})(B|kB|KB|MB|GB|KiB|MiB|GiB)?$/.exec(text)
  if (parts === null) return undefined
  const bytes = Number(parts[1]) * BYTES_OF[parts[2] ?? 'B']!
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
