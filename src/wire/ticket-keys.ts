/** The keys that TLS session tickets are sealed with: the same for whoever has the secret, other ones every day. */
import { createHmac } from 'node:crypto'
import type { ClientCheck } from './tls-options.ts'

const DAY_MS = 86_400_000
/** OpenSSL's form: a name of 16 bytes, a key for the seal and one for the content, 16 bytes each. */
const TICKET_KEYS_BYTES = 48

/** The number of the day: with another one, other keys. */
export function ticketDay(nowMs: number): number {
  return Math.floor(nowMs / DAY_MS)
}

/**
 * A key that lives long lets whoever steals it read what was recorded all that time. Tickets hold the client's verified certificate
 * too, so listeners that ask for other certificates have other keys: no session passes from one to the other.
 */
export function ticketKeys(secret: Uint8Array, clients: ClientCheck | null, day: number): Buffer {
  const use = JSON.stringify({ use: 'tls session tickets', day, clients })
  return createHmac('sha512', secret).update(use).digest().subarray(0, TICKET_KEYS_BYTES)
}
