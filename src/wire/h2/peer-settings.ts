/** What the other side has said of itself (RFC 9113 §6.5.2, RFC 8441 §3). */
import { ERROR, FRAME_BYTES_DEFAULT, SETTING, WINDOW_DEFAULT, WINDOW_MAX } from './frames.ts'

/** Settings in one frame: there are ten or so. */
const SETTINGS_MAX = 32

export class PeerSettings {
  /** The first have come. */
  areHere = false
  /** The window that it gives a new stream. */
  window = WINDOW_DEFAULT
  /** Until it says so, there is no bound (RFC 9113 §6.5.2); this is what is safe to assume. */
  streamsMax = 100
  /** It makes streams into tunnels. */
  takesConnect = false

  /** Takes the settings of one frame. ERROR.none, or what the connection ends with. */
  read(bytes: Buffer, start: number, end: number): number {
    if ((end - start) / 6 > SETTINGS_MAX) return ERROR.enhanceYourCalm
    this.areHere = true
    for (let at = start; at < end; at += 6) {
      const wrong = this.take(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2))
      if (wrong !== ERROR.none) return wrong
    }
    return ERROR.none
  }

  private take(name: number, value: number): number {
    switch (name) {
      case SETTING.enablePush:
        return value <= 1 ? ERROR.none : ERROR.protocol
      case SETTING.maxConcurrentStreams:
        this.streamsMax = value
        return ERROR.none
      case SETTING.initialWindowSize:
        this.window = value
        return value <= WINDOW_MAX ? ERROR.none : ERROR.flowControl
      case SETTING.maxFrameSize:
        return value >= FRAME_BYTES_DEFAULT && value <= 16_777_215 ? ERROR.none : ERROR.protocol
      case SETTING.enableConnectProtocol:
        // Once offered it cannot be taken back (RFC 8441 §3).
        if (value > 1 || (this.takesConnect && value === 0)) return ERROR.protocol
        this.takesConnect = value === 1
        return ERROR.none
      default:
        return ERROR.none
    }
  }
}
