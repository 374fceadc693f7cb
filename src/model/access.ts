/** Access to one consumer's part of the API: who holds a token may do what it says, for that consumer alone. */

export const CAPABILITIES = [
  /** Read everything but secrets. */
  'view',
  'view-secrets',
  'manage-secrets',
  'manage-transformations',
  /** Resend, recover, replay, send examples. */
  'create-attempts',
  /** Make, change and delete endpoints, their headers included. */
  'manage-endpoints',
] as const

export type Capability = (typeof CAPABILITIES)[number]

export interface AccessToken {
  /** SHA-256 of the token, base64url. */
  readonly digest: string
  readonly consumerId: string
  /** Of the owner's own: tokens of one session can be ended together. */
  readonly sessionId: string | null
  readonly capabilities: readonly Capability[]
  readonly createdAt: number
  readonly expiresAt: number
}

/** An answer that is given again to who repeats a request under the same key. */
export interface KeptAnswer {
  readonly key: string
  /** A digest of what was asked: another request under the same key is none of this. */
  readonly request: string
  readonly status: number
  readonly body: string
  readonly createdAt: number
}
