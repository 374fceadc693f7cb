/**
 * A header block on its way out: the lines of a received head, some dropped, and lines of our own. Lines that nobody touched are
 * written as slices of the original text, in their own case and order.
 */
import { Head, sameName } from './head.ts'

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** A header that cannot be written as one line (RFC 9110 §5.5): somebody's value held CR, LF, NUL or a character above U+00FF. */
export class InvalidHeader extends Error {
  override readonly name = 'InvalidHeader'
}

/** Reads the lines of a head one by one: those of the received head as offsets into its text, our own as strings. */
export interface LineVisitor {
  line(text: string, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void
  own(name: string, value: string): void
}

export class OutgoingHead {
  private source: Head | null = null
  /** Dropped lines as bits, 32 a number: four numbers hold LINES_MAX and cost no allocation a request. */
  private dropped0 = 0
  private dropped1 = 0
  private dropped2 = 0
  private dropped3 = 0
  /** Name, value, name, value …; those from `addedEnd` on are of an earlier message (setting `length` costs 100 ns, twice a request). */
  private readonly added: string[] = []
  private addedEnd = 0
  /** Lower-case names that somebody removed or replaced; in the same way. */
  private readonly removed: string[] = []
  private removedEnd = 0

  /** Starts over from a received head (every line kept) or from nothing. */
  reset(source: Head | null): void {
    this.source = source
    this.dropped0 = this.dropped1 = this.dropped2 = this.dropped3 = 0
    this.addedEnd = 0
    this.removedEnd = 0
  }

  /** Copies the received head it refers to, for when its connection will read another one before this is written. */
  detach(): void {
    const { source } = this
    if (source === null) return
    const copy = new Head()
    copy.text = source.text
    copy.count = source.count
    copy.at.set(source.at)
    copy.fields.set(source.fields)
    this.source = copy
  }

  /** The first value of `name` (lower case) as it will be sent, or null. */
  get(name: string): string | null {
    const head = this.source
    if (head !== null) {
      for (let i = 0; i < head.count; i++) if (!this.isDropped(i) && head.is(i, name)) return head.value(i)
    }
    for (let i = 0; i < this.addedEnd; i += 2) if (this.isAdded(i, name)) return this.added[i + 1]!
    return null
  }

  /** Drops a line of the received head by its number. */
  drop(line: number): void {
    const bit = 1 << (line & 31)
    if (line < 32) this.dropped0 |= bit
    else if (line < 64) this.dropped1 |= bit
    else if (line < 96) this.dropped2 |= bit
    else this.dropped3 |= bit
  }

  private isDropped(line: number): boolean {
    const bits = line < 32 ? this.dropped0 : line < 64 ? this.dropped1 : line < 96 ? this.dropped2 : this.dropped3
    return (bits & (1 << (line & 31))) !== 0
  }

  private isAdded(at: number, name: string): boolean {
    const added = this.added[at]!
    return sameName(added, 0, added.length, name)
  }

  /** Drops every line named so. */
  remove(name: string): void {
    const lower = name.toLowerCase()
    this.removed[this.removedEnd++] = lower
    const head = this.source
    if (head !== null) for (let i = 0; i < head.count; i++) if (head.is(i, lower)) this.drop(i)
    for (let i = this.addedEnd - 2; i >= 0; i -= 2) {
      if (!this.isAdded(i, lower)) continue
      this.added.splice(i, 2)
      this.addedEnd -= 2
    }
  }

  /** True when somebody added, replaced or removed `name` (lower case): what it says is decided here and nowhere else. */
  decides(name: string): boolean {
    const removedAt = this.removed.indexOf(name)
    if (removedAt !== -1 && removedAt < this.removedEnd) return true
    for (let i = 0; i < this.addedEnd; i += 2) if (this.isAdded(i, name)) return true
    return false
  }

  /** Replaces every line named so by one. The name is written as given. Throws InvalidHeader. */
  set(name: string, value: string): void {
    this.remove(name)
    this.append(name, value)
  }

  /** Adds a line. Throws InvalidHeader. */
  append(name: string, value: string): void {
    if (!NAME.test(name) || !isFieldValue(value)) throw new InvalidHeader(name)
    this.appendOwn(name, value)
  }

  /** Adds a line whose name and value are known to be valid: the wire's own. */
  appendOwn(name: string, value: string): void {
    this.added[this.addedEnd] = name
    this.added[this.addedEnd + 1] = value
    this.addedEnd += 2
  }

  /** The lines, each ended by CRLF; runs of untouched lines are one slice. */
  lines(): string {
    let out = ''
    const head = this.source
    if (head !== null) {
      const { at, count, text } = head
      let from = -1
      for (let i = 0; i < count; i++) {
        if (this.isDropped(i)) {
          if (from !== -1) {
            out += text.slice(from, at[i * 4])
            from = -1
          }
        } else if (from === -1) from = at[i * 4]!
      }
      if (from !== -1) out += text.slice(from, head.text.length - 2)
    }
    for (let i = 0; i < this.addedEnd; i += 2) out += this.added[i]! + ': ' + this.added[i + 1]! + '\r\n'
    return out
  }

  /** Shows every line that will be sent to protocols that do not write text. */
  visit(visitor: LineVisitor): void {
    const head = this.source
    if (head !== null) {
      const { at, count, text } = head
      for (let i = 0, o = 0; i < count; i++, o += 4)
        if (!this.isDropped(i)) visitor.line(text, at[o]!, at[o + 1]!, at[o + 2]!, at[o + 3]!)
    }
    for (let i = 0; i < this.added.length; i += 2) visitor.own(this.added[i]!, this.added[i + 1]!)
  }

  /** Every line that will be sent, as pairs: for those who keep it. */
  *entries(): IterableIterator<readonly [string, string]> {
    const head = this.source
    if (head !== null) {
      for (let i = 0; i < head.count; i++) if (!this.isDropped(i)) yield [head.name(i), head.value(i)]
    }
    for (let i = 0; i < this.addedEnd; i += 2) yield [this.added[i]!, this.added[i + 1]!]
  }
}

/** True for what may stand in a field value: no NUL, CR, LF or other controls but tab, nothing above U+00FF. */
export function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if ((c < 0x20 && c !== 0x09) || c === 0x7f || c > 0xff) return false
  }
  return true
}
