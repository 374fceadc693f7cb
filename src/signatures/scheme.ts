/** What a signature scheme is, as data: one record says where everything stands in the request and what was signed. */

/**
 * The record widens by adding members to its unions, never by adding code to a provider: public-key and static-token
 * schemes are further algorithms with key forms of their own; a URL, a method or sorted form fields are further parts; a
 * signature in the body or the query is a further place. Only what the engine does today can be written.
 */
export interface Scheme {
  /** What `provider:` names in the configuration. */
  readonly id: string
  readonly title: string
  /** The provider's own page about verifying. */
  readonly documentation: string
  readonly algorithm: Algorithm
  readonly key: KeyForm
  readonly signature: SignatureRule
  /** Null when the provider signs no time: then nothing expires, and only the event's id stops a replay. */
  readonly timestamp: TimestampRule | null
  /** The header that the part `id` stands for, lower case. */
  readonly idHeader: string | null
  /** What is signed, in order, nothing in between. */
  readonly content: readonly Part[]
  /** What makes two deliveries the same event; the first field present wins. */
  readonly eventId: readonly Field[]
  /** The first field present wins. */
  readonly eventType: readonly Field[]
  /** Appended to the type after a full stop when present: GitHub's `issues` + `opened`. */
  readonly eventAction: Field | null
}

export type Algorithm = 'hmac-sha1' | 'hmac-sha256' | 'hmac-sha512'

export type Encoding = 'hex' | 'base64'

/** How the text of a secret becomes a key. `whsec` is base64 after an optional `whsec_` (Standard Webhooks 1.0.0). */
export type KeyForm = 'utf8' | 'hex' | 'base64' | 'whsec'

export type SignatureRule = ListRule | PairsRule

/** The value is one signature, or several; each follows `prefix`, which is empty when the value is nothing but the signature. */
export interface ListRule {
  readonly form: 'list'
  /** Lower case. */
  readonly header: string
  readonly encoding: Encoding
  /** Candidates without it are of another version and are passed over. */
  readonly prefix: string
  /** What stands between candidates; null when there is one signature only, and so one header line only. */
  readonly separator: ' ' | ',' | null
}

/** The value is `key=value` pairs, as in `t=1614556800,v1=5257a8…`; pairs of unknown keys are passed over. */
export interface PairsRule {
  readonly form: 'pairs'
  /** Lower case. */
  readonly header: string
  readonly encoding: Encoding
  readonly separator: ',' | ';'
  /** Every pair of this key is a candidate. */
  readonly signatureKey: string
}

export interface TimestampRule {
  /** `signature`: a pair of the signature header, which must then have the form `pairs`. */
  readonly from: 'header' | 'signature'
  /** The header, lower case, or the key of the pair. */
  readonly name: string
  /** Unix seconds, Unix milliseconds, or RFC 3339. */
  readonly unit: TimestampUnit
  /** The time may be this far from ours, either way. */
  readonly toleranceSec: number
}

export type TimestampUnit = 's' | 'ms' | 'iso'

/** A piece of the signed content; `lit:.` is a full stop. */
export type Part = 'body' | 'timestamp' | 'id' | `lit:${string}`

/** Text in a header (lower case) or in the JSON body, where `data.id` is a path through objects. */
export interface Field {
  readonly from: 'header' | 'body'
  readonly name: string
}
