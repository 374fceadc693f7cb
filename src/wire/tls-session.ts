/** The TLS session that the next connection to an upstream goes on with, so that it need not prove itself again. */
import type { TLSSocket } from 'node:tls'

export class TlsSession {
  private latest: Buffer | undefined
  /** When the certificate that was shown ceases to be valid, wall clock, ms: a session must not outlive it. */
  private validUntil = 0

  /** Undefined: there is none to go on with. */
  take(now: number): Buffer | undefined {
    return now < this.validUntil ? this.latest : undefined
  }

  /** Keeps what a connection is given once its handshake is done: one that was refused leaves none behind. */
  watch(socket: TLSSocket): void {
    let isGood = false
    let early: Buffer | undefined
    socket.on('secureConnect', () => {
      isGood = true
      if (!socket.isSessionReused()) this.validUntil = socket.getPeerX509Certificate()?.validToDate.getTime() ?? 0
      if (early !== undefined) this.latest = early
    })
    // TLS 1.2 gives it within the handshake, TLS 1.3 after it.
    socket.on('session', (session: Buffer) => {
      if (isGood) this.latest = session
      else early = session
    })
  }
}
