/** The signed content, fed to an HMAC: the same few lines whether we verify or sign. */
import { createHmac, type Hmac, type KeyObject } from 'node:crypto'
import type { Algorithm, Scheme } from './scheme.ts'

export interface SignedContent {
  /** The id and the time as they stand in the headers; empty where the scheme has none. */
  readonly id: string
  readonly timestamp: string
  /** The bytes on the wire. Never text, never parsed and written again. */
  readonly body: Uint8Array
}

const HASH: Readonly<Record<Algorithm, string>> = {
  'hmac-sha1': 'sha1',
  'hmac-sha256': 'sha256',
  'hmac-sha512': 'sha512',
}

/**
 * An HMAC over the content, to be digested by the caller. Header text is latin1, as the wire gives it, so that its bytes are
 * those received. Text before the body is one update: each costs a call into OpenSSL (2.3 µs for two updates, 2.5 for four).
 */
export function contentHmac(scheme: Scheme, key: KeyObject, content: SignedContent): Hmac {
  const hmac = createHmac(HASH[scheme.algorithm], key)
  let text = ''
  for (const part of scheme.content) {
    if (part === 'body') {
      hmac.update(text, 'latin1').update(content.body)
      text = ''
    } else if (part === 'id') text += content.id
    else if (part === 'timestamp') text += content.timestamp
    else text += part.slice('lit:'.length)
  }
  return text === '' ? hmac : hmac.update(text, 'latin1')
}

/**
 * May this id stand in the signed content? An id that holds the separator behind it lets one signature fit two messages: `a.1`
 * and `2`, or `a` and `1.2` (Standard Webhooks 1.0.0, "Signature scheme"). True where the scheme signs no id.
 */
export function isUnambiguousId(scheme: Scheme, id: string): boolean {
  const at = scheme.content.indexOf('id')
  if (at === -1) return true
  const next = scheme.content[at + 1]
  return id !== '' && !(next?.startsWith('lit:') === true && id.includes(next.slice('lit:'.length)))
}
