/** What was promised and what came of it: every request of a load, the answer it got, and every delivery of it. */

/** A delivery that the receiver took. */
export interface Receipt {
  /** The message's id, as the delivery names it. */
  readonly id: string
  /** Wall clock, ms. */
  readonly at: number
  /** When the receiver answered, ms; Infinity while it has not. */
  answeredAt: number
}

interface Entry {
  readonly body: string
  /** The message's id, from a 2xx answer; null while there is none. */
  id: string | null
  readonly receipts: Receipt[]
}

/** A round in numbers. */
export interface Tally {
  /** Requests sent. */
  readonly sent: number
  /** Those that were answered 2xx: each of them must be delivered. */
  readonly accepted: number
  /** Those accepted and not delivered when the process was ended. */
  readonly owed: number
  /** Those delivered at least once, accepted or not: an answer can be lost with its connection. */
  readonly delivered: number
  /** Deliveries under way when the process was ended: taken by the receiver, not yet answered. */
  readonly underWay: number
  /** Deliveries that were made once more. */
  readonly repeated: number
}

/**
 * How exactly an end is known from outside. An answer older than this has been recorded when the process ends (records are made within
 * milliseconds), and what the ended process has sent is read within this time.
 */
const MARGIN_MS = 2_000

export class Ledger {
  private readonly entries = new Map<string, Entry>()
  /** What must not be, in words. */
  readonly faults: string[] = []
  /** How many are accepted and not delivered yet. */
  missing = 0

  send(key: string, body: string): void {
    this.entries.set(key, { body, id: null, receipts: [] })
  }

  /** The request was answered 2xx: from here on it must be delivered, under this id. */
  accept(key: string, id: string): void {
    const entry = this.entries.get(key)!
    entry.id = id
    if (entry.receipts.length === 0) this.missing++
    this.checkIds(key, entry)
  }

  receive(key: string, receipt: Receipt, body: string): void {
    const entry = this.entries.get(key)
    if (entry === undefined) {
      this.faults.push(`${key} was delivered and never sent`)
      return
    }
    if (entry.body !== body) this.faults.push(`${key} was delivered with another body: ${body.slice(0, 200)}`)
    entry.receipts.push(receipt)
    if (entry.receipts.length === 1 && entry.id !== null) this.missing--
    this.checkIds(key, entry)
  }

  private checkIds(key: string, { id, receipts }: Entry): void {
    const ids = new Set([...(id === null ? [] : [id]), ...receipts.map((one) => one.id)])
    if (ids.size > 1) this.faults.push(`${key} has several ids: ${[...ids].join(', ')}`)
  }

  /** Closes the round. `ends`: when the process was ended, ms, each time. A repetition that is owed to none of them is a fault. */
  close(ends: readonly number[]): Tally {
    const [firstEnd] = ends
    let [accepted, owed, delivered, underWay, repeated] = [0, 0, 0, 0, 0]
    for (const [key, { id, receipts }] of this.entries) {
      if (id !== null) accepted++
      if (receipts.length > 0) delivered++
      if (id !== null && !receipts.some(({ at }) => at <= firstEnd!)) owed++
      for (const end of ends) if (receipts.some(({ at, answeredAt }) => at <= end && end < answeredAt)) underWay++
      for (const [i, again] of receipts.entries()) {
        const before = receipts[i - 1]
        if (before === undefined) continue
        repeated++
        // An end while it was under way, or before its record was sure to be kept, owes it once more; a later end does not.
        const between = ends.filter((end) => before.at <= end + MARGIN_MS && end <= again.at)
        if (between.some((end) => end - before.answeredAt < MARGIN_MS)) continue
        const gap = between.length === 0 ? 'no end' : `an end ${between[0]! - before.answeredAt} ms after its answer`
        this.faults.push(`${key} was delivered once more after ${again.at - before.at} ms, with ${gap} between`)
      }
    }
    return { sent: this.entries.size, accepted, owed, delivered, underWay, repeated }
  }
}
