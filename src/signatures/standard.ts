/** The secrets that sign our deliveries as Standard Webhooks says: made, and judged when they are somebody's own. */
import { randomBytes } from 'node:crypto'
import { PRIVATE_PREFIX, privateKeyProblem } from './asymmetric.ts'
import { keyBytes, SECRET_PREFIX } from './keys.ts'

/** Standard Webhooks 1.0.0 wants 24 to 64 random bytes. */
const SECRET_BYTES_MIN = 24
const SECRET_BYTES_MAX = 64
/** As long as SHA-256's output: less weakens the HMAC (RFC 2104 §3), more adds nothing. */
const SECRET_BYTES = 32

/** A new signing secret: `whsec_` and base64. */
export function generateSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64')
}

/** Why somebody's own secret cannot sign deliveries (a sentence without the secret), or null when it can. */
export function signingSecretProblem(secret: string): string | null {
  if (secret.startsWith(PRIVATE_PREFIX)) return privateKeyProblem(secret)
  if (!secret.startsWith(SECRET_PREFIX)) return `A signing secret begins with ${SECRET_PREFIX} or ${PRIVATE_PREFIX}.`
  const key = keyBytes('whsec', secret)
  if (typeof key === 'string') return `A signing secret is ${SECRET_PREFIX} and canonical, padded base64.`
  if (key.length >= SECRET_BYTES_MIN && key.length <= SECRET_BYTES_MAX) return null
  return `A signing secret is ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes; this one is ${key.length}.`
}
