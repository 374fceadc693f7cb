/** The notation of the tables: `⏎` stands for CRLF, so that a message is one readable line. */
import type { Sendable } from './raw-client.ts'

/** The bytes of a row, in the pieces it is to be sent in. */
export function pieces(send: Sendable | readonly Sendable[]): Sendable[] {
  const all = typeof send === 'string' || Buffer.isBuffer(send) ? [send] : send
  return all.map((piece) => (typeof piece === 'string' ? crlf(piece) : piece))
}

export function crlf(text: string): string {
  return text.replaceAll('⏎', '\r\n')
}
