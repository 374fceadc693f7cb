/** A reader that is slower than what comes: it stops its stream whenever it has read more than its pace allows. */
import type { Readable } from 'node:stream'

const BYTES_PER_MEGABYTE = 1024 * 1024

export class Pace {
  private readonly bytesPerMs: number
  private startMs = Number.NaN
  private bytes = 0

  /** Infinity: as fast as it comes. */
  constructor(megabytesPerSecond: number) {
    this.bytesPerMs = (megabytesPerSecond * BYTES_PER_MEGABYTE) / 1000
  }

  read(from: Readable, bytes: number): void {
    if (Number.isNaN(this.startMs)) this.startMs = performance.now()
    this.bytes += bytes
    const aheadMs = this.bytes / this.bytesPerMs - (performance.now() - this.startMs)
    if (aheadMs < 1) return
    from.pause()
    setTimeout(() => from.resume(), aheadMs)
  }
}
