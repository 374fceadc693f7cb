/** Cuts what arrives into frames (RFC 9113 §4.1), however it is cut into packets. */
import { ERROR, FLAG, FRAME_BYTES_DEFAULT, FRAME_HEAD_BYTES } from './frames.ts'

export interface FrameSink {
  /** The payload is bytes[start, end), valid during the call only. False: no more is wanted. */
  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): boolean
  /** What was sent is no frame that we read: `code` says why. */
  unreadable(code: number): void
}

const NOTHING = Buffer.alloc(0)

export class FrameReader {
  private held: Buffer = NOTHING

  /** True in the middle of a frame. */
  get isWithin(): boolean {
    return this.held.length > 0
  }

  /** The stream whose frame has begun and is not here; 0: none. */
  get frameId(): number {
    return this.held.length < FRAME_HEAD_BYTES ? 0 : uint31(this.held, 5)
  }

  feed(bytes: Buffer, from: number, sink: FrameSink): void {
    let at = from
    let all = bytes
    if (this.held.length > 0) {
      all = Buffer.concat([this.held, bytes.subarray(from)])
      at = 0
      this.held = NOTHING
    }
    const end = all.length
    while (end - at >= FRAME_HEAD_BYTES) {
      const length = (all[at]! << 16) | (all[at + 1]! << 8) | all[at + 2]!
      // We never allow more than everybody starts with.
      if (length > FRAME_BYTES_DEFAULT) return sink.unreadable(ERROR.frameSize)
      const start = at + FRAME_HEAD_BYTES
      if (end - start < length) break
      at = start + length
      // The first bit is reserved and ignored.
      if (!sink.frame(all[start - 6]!, all[start - 5]!, uint31(all, start - 4), all, start, at)) return
    }
    if (at < end) this.held = Buffer.from(all.subarray(at, end))
  }
}

export function uint31(bytes: Buffer, at: number): number {
  return ((bytes[at]! & 0x7f) << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

/** Where a payload ends without its padding (§6.1), or -1. `skip` are bytes between the length of the padding and the payload. */
export function payloadEnd(flags: number, bytes: Buffer, start: number, end: number, skip: number): number {
  if ((flags & FLAG.padded) === 0) return end - start < skip ? -1 : end
  if (start === end) return -1
  const stop = end - bytes[start]!
  return stop < start + 1 + skip ? -1 : stop
}
