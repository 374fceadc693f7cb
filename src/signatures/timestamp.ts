/** The time in a signature: read strictly, written, and compared with ours. */
import type { TimestampRule, TimestampUnit } from './scheme.ts'

const INTEGER = /^(?:0|[1-9]\d{0,15})$/
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
/** The last millisecond a Date can hold (ECMA-262 §21.4.1.1). */
const STAMP_MS_MAX = 8.64e15

/** Milliseconds since the epoch, or null for anything but one plain, unsigned, unpadded number (or an RFC 3339 time). */
export function parseTimestamp(text: string, unit: TimestampUnit): number | null {
  if (!(unit === 'iso' ? RFC3339 : INTEGER).test(text)) return null
  const ms = unit === 'iso' ? Date.parse(text) : Number(text) * (unit === 's' ? 1000 : 1)
  return ms <= STAMP_MS_MAX ? ms : null
}

/** As the provider writes it, cut to the unit. Throws RangeError for a time before 1970 or beyond what a Date can hold. */
export function formatTimestamp(ms: number, unit: TimestampUnit): string {
  if (!(ms >= 0 && ms <= STAMP_MS_MAX)) throw new RangeError('this time cannot be signed')
  if (unit === 'iso') return new Date(ms).toISOString()
  return String(Math.floor(unit === 's' ? ms / 1000 : ms))
}

/**
 * |now − stamp| ≤ tolerance, both ways: a stamp from the future would stay valid for longer than the tolerance. Our time is cut
 * to the second when the stamp was, which makes the limits those of the providers' own libraries.
 */
export function isFresh(stampMs: number, rule: TimestampRule, nowMs: number): boolean {
  const now = rule.unit === 's' ? Math.floor(nowMs / 1000) * 1000 : nowMs
  return Math.abs(now - stampMs) <= rule.toleranceSec * 1000
}
