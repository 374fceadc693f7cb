/** Our own outgoing scheme, Standard Webhooks `v1`: the headers of a delivery and the secrets that sign it. */
import { randomBytes } from 'node:crypto'
import { type Keys, keyBytes, SECRET_PREFIX } from './keys.ts'
import { standardWebhooks } from './providers/standard-webhooks.ts'
import { checkedId, signatureValue } from './sign.ts'
import { formatTimestamp } from './timestamp.ts'

export interface StandardHeaders {
  readonly 'webhook-id': string
  /** Unix seconds. */
  readonly 'webhook-timestamp': string
  /** `v1,BASE64`, one for each active secret, a space between. */
  readonly 'webhook-signature': string
}

/** Standard Webhooks 1.0.0 wants 24 to 64 random bytes. */
const SECRET_BYTES_MIN = 24
const SECRET_BYTES_MAX = 64
/** As long as SHA-256's output: less weakens the HMAC (RFC 2104 §3), more adds nothing. */
const SECRET_BYTES = 32

/**
 * The three headers of one attempt. `id` is the message's, the same on every attempt; `timestampSec` is the attempt's, Unix seconds;
 * `keys` are prepareKeys(standardWebhooks, secrets). Throws RangeError for an id with a full stop or a time that is none.
 */
export function signStandard(id: string, timestampSec: number, body: Uint8Array, keys: Keys): StandardHeaders {
  const timestamp = formatTimestamp(timestampSec * 1000, 's')
  return {
    'webhook-id': checkedId(standardWebhooks, id),
    'webhook-timestamp': timestamp,
    'webhook-signature': signatureValue(standardWebhooks, { id, timestamp, body }, keys),
  }
}

/** A new signing secret: `whsec_` and base64. */
export function generateSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64')
}

/** Why somebody's own secret cannot sign deliveries (a sentence without the secret), or null when it can. */
export function signingSecretProblem(secret: string): string | null {
  if (!secret.startsWith(SECRET_PREFIX)) return `A signing secret begins with ${SECRET_PREFIX}.`
  const key = keyBytes('whsec', secret)
  if (typeof key === 'string') return `A signing secret is ${SECRET_PREFIX} and canonical, padded base64.`
  if (key.length >= SECRET_BYTES_MIN && key.length <= SECRET_BYTES_MAX) return null
  return `A signing secret is ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes; this one is ${key.length}.`
}
