/** Strict hex and base64: one text for one value, so that a signature or a secret with a changed character is refused. */
import type { Encoding } from './scheme.ts'

/**
 * The bytes of `text`, or null. Node's own decoder skips what it does not know and ignores the unused bits of the last
 * base64 digit; here base64 must be canonical and padded (RFC 4648 §3.5, §4). Hex may be in either case (§8). Empty is null.
 */
export function decode(text: string, encoding: Encoding): Buffer | null {
  if (text === '') return null
  const bytes = Buffer.from(text, encoding)
  return bytes.toString(encoding) === (encoding === 'hex' ? text.toLowerCase() : text) ? bytes : null
}
