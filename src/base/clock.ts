/** The one place that reads time. Everything else is handed a Clock, so that tests can hold time in their hands. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. Jumps when the operating system says so; use it for stamps only. */
  now(): number
  /** Monotonic milliseconds since an arbitrary start. Never jumps; use it for durations and deadlines. */
  elapsed(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** IMF-fixdate, then what recipients must still read: RFC 850's and asctime's forms (RFC 9110 §5.6.7). */
const DATE_FORMS = [
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
]

/** The wall-clock ms of an HTTP-date, by the letter; NaN when it is none. A year of two digits is the nearest that is not 50 years ahead. */
export function parseHttpDate(text: string, nowMs: number): number {
  for (const form of DATE_FORMS) {
    const { day = '', month = '', year = '', time = '' } = form.exec(text)?.groups ?? {}
    const at = MONTHS.indexOf(month)
    if (at === -1) continue
    const thisYear = new Date(nowMs).getUTCFullYear()
    let full = Number(year)
    if (year.length === 2) {
      full += Math.floor(thisYear / 100) * 100
      if (full > thisYear + 50) full -= 100
    }
    const iso = `${String(full).padStart(4, '0')}-${String(at + 1).padStart(2, '0')}-${day.replace(' ', '0')}T${time}.000Z`
    const ms = Date.parse(iso)
    // The 31st of a month of 30 days is not the first of the next.
    return Number.isNaN(ms) || new Date(ms).toISOString() !== iso ? Number.NaN : ms
  }
  return Number.NaN
}

let dateSecond = -1
let date = ''

/** The `Date` field's value (RFC 9110 §5.6.7) for a wall-clock ms; made once a second. */
export function httpDate(nowMs: number): string {
  const second = Math.floor(nowMs / 1_000)
  if (second !== dateSecond) {
    dateSecond = second
    date = new Date(second * 1_000).toUTCString()
  }
  return date
}
