/** Signs as a provider would: for our own deliveries, for trying out a source, and for the tests of verify. */
import { contentHmac, isUnambiguousId, type SignedContent } from './content.ts'
import type { Keys } from './keys.ts'
import type { Scheme } from './scheme.ts'
import { formatTimestamp } from './timestamp.ts'

export interface SignableMessage {
  /** Goes into the id header of a scheme that has one; visible ASCII, without the separator that follows it. */
  readonly id: string
  /** The time of this attempt. */
  readonly timestampMs: number
  /** The exact bytes that are sent. */
  readonly body: Uint8Array
}

const VISIBLE_ASCII = /^[\x21-\x7e]+$/

/**
 * The scheme's own headers, names in lower case: `{ 'stripe-signature': 't=…,v1=…' }`. With several keys there is one signature a
 * key where the scheme can carry several, and the first key's otherwise. Throws RangeError for an id or a time that cannot be signed.
 */
export function signHeaders(scheme: Scheme, message: SignableMessage, keys: Keys): Record<string, string> {
  const { timestamp: rule, idHeader } = scheme
  const timestamp = rule === null ? '' : formatTimestamp(message.timestampMs, rule.unit)
  const headers: Record<string, string> = {}
  if (idHeader !== null) headers[idHeader] = checkedId(scheme, message.id)
  if (rule?.from === 'header') headers[rule.name] = timestamp
  headers[scheme.signature.header] = signatureValue(scheme, { id: message.id, timestamp, body: message.body }, keys)
  return headers
}

/** The value of the signature header over content that has been checked. */
export function signatureValue(scheme: Scheme, content: SignedContent, keys: Keys): string {
  const { signature: rule, timestamp } = scheme
  const sign = (key: Keys[number]): string => contentHmac(scheme, key, content).digest(rule.encoding)
  if (rule.form === 'pairs') {
    const time = timestamp?.from === 'signature' ? [`${timestamp.name}=${content.timestamp}`] : []
    return [...time, ...keys.map((key) => `${rule.signatureKey}=${sign(key)}`)].join(rule.separator)
  }
  if (rule.separator === null || keys.length === 1) return rule.prefix + sign(keys[0])
  return keys.map((key) => rule.prefix + sign(key)).join(rule.separator)
}

/** `id`, or a RangeError when verify would refuse it or a header could not carry it. */
export function checkedId(scheme: Scheme, id: string): string {
  if (VISIBLE_ASCII.test(id) && isUnambiguousId(scheme, id)) return id
  throw new RangeError(`the id of a message cannot be signed for ${scheme.id}`)
}
