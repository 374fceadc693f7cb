/** Gathers the text of a head from the packets it comes in. */

/** Bytes a head may have; more is 431 from a client and an invalid answer from an upstream. */
const HEAD_BYTES_MAX = 16_384

export class HeadText {
  /** What has come of a head that is not complete. */
  pending = ''
  /** The last complete head, blank line included. */
  text = ''

  /**
   * Takes bytes[from, to). Returns the index after the head's last byte, or -1 when it is not complete yet. An empty line before a
   * request line is tolerated once (RFC 9112 §2.2); answers have none.
   */
  take(bytes: Buffer, from: number, to: number, isRequest: boolean): number {
    const had = this.pending.length
    const text = this.pending + bytes.toString('latin1', from, Math.min(to, from + HEAD_BYTES_MAX - had))
    const start = isRequest ? emptyLine(text) : 0
    const at = text.indexOf('\r\n\r\n', Math.max(start, had - 3))
    if (at === -1) {
      this.pending = text
      return -1
    }
    this.pending = ''
    const end = at + 4
    this.text = start === 0 && end === text.length ? text : text.slice(start, end)
    return from + end - had
  }

  get isFull(): boolean {
    return this.pending.length >= HEAD_BYTES_MAX
  }
}

/** Length of the empty line that `text` begins with, as far as it has come. */
export function emptyLine(text: string): number {
  if (text.charCodeAt(0) !== 13) return 0
  return text.length === 1 || text.charCodeAt(1) === 10 ? 2 : 0
}
