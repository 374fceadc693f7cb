/** The handshake of a WebSocket as a service that speaks HTTP/2 takes it (RFC 8441 §5): without the key, which HTTP/1.1 alone needs. */
import { createHash } from 'node:crypto'
import type { OutgoingHead } from '../outgoing.ts'
import type { HeaderFields } from './fields.ts'

/** RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** What an agreement may say and does not mean: there is nothing to accept, and a tunnel has no length (RFC 9110 §9.3.6). */
const MEANINGLESS = /^(?:sec-websocket-accept|content-length): .*\r\n/gm

/** Takes the key out of the client's lines. Empty when there is none. */
export function takeKey(headers: OutgoingHead): string {
  const key = headers.get('sec-websocket-key') ?? ''
  headers.remove('sec-websocket-key')
  return key
}

/** The text of the head by which a service agrees, with what a client of HTTP/1.1 waits for. Null when the fields make none. */
export function agreementText(fields: HeaderFields, key: string): string | null {
  const accept = createHash('sha1').update(key).update(GUID).digest('base64')
  const text = fields.responseText('')
  if (text === null) return null
  return `${text.replace(MEANINGLESS, '').slice(0, -2)}sec-websocket-accept: ${accept}\r\n\r\n`
}
