/** A head that comes in more than one frame (RFC 9113 §6.10): kept until it is whole, within bounds. */

/** A compressed head may have so many bytes and come in so many frames: more is a flood (CVE-2024-27316 and its kin). */
const BLOCK_BYTES_MAX = 32_768
const CONTINUATIONS_MAX = 16

export class SplitHead {
  /** The stream whose head is coming; 0: none. */
  id = 0
  /** It ends its stream. */
  ends = false
  private parts: Buffer[] = []
  private bytes = 0

  begin(id: number, ends: boolean, bytes: Buffer, start: number, end: number): void {
    this.id = id
    this.ends = ends
    this.parts = [Buffer.from(bytes.subarray(start, end))]
    this.bytes = end - start
  }

  /** False when it becomes too much. */
  add(bytes: Buffer, start: number, end: number): boolean {
    this.bytes += end - start
    if (this.bytes > BLOCK_BYTES_MAX || this.parts.length > CONTINUATIONS_MAX) return false
    this.parts.push(Buffer.from(bytes.subarray(start, end)))
    return true
  }

  /** Everything there is of it; another can begin. */
  take(): Buffer {
    const whole = Buffer.concat(this.parts)
    this.id = 0
    this.parts = []
    return whole
  }
}
