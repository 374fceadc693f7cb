/** Bytes of an answer that wait: while policies look at its head, or until it is whole because one of them wants it so. */
export class HeldAnswer {
  private readonly parts: Buffer[] = []
  private readonly bytesMax: number
  private bytes = 0

  /** Reading stops while policies think, so that little comes then; `bytesMax` bounds an answer that is wanted whole. */
  constructor(bytesMax = Number.POSITIVE_INFINITY) {
    this.bytesMax = bytesMax
  }

  /** A copy. False when it becomes too much. */
  add(bytes: Buffer, start: number, end: number): boolean {
    this.bytes += end - start
    if (this.bytes > this.bytesMax) return false
    this.parts.push(Buffer.from(bytes.subarray(start, end)))
    return true
  }

  whole(): Buffer {
    return Buffer.concat(this.parts)
  }

  /** In the order in which they came. */
  [Symbol.iterator](): Iterator<Buffer> {
    return this.parts[Symbol.iterator]()
  }
}
