/** Why a certificate did not come: the CA said no, or nothing. */

/** The CA's own words (RFC 8555 §6.7). */
export class CaRefusal extends Error {
  override readonly name = 'CaRefusal'
  /** `urn:ietf:params:acme:error:rateLimited`; empty when it does not say. */
  readonly type: string
  /** How long it wants to be left alone; 0 when it does not say. */
  readonly retryAfterMs: number

  constructor(detail: string, type = '', retryAfterMs = 0) {
    super(detail)
    this.type = type
    this.retryAfterMs = retryAfterMs
  }

  get isRateLimit(): boolean {
    return this.type === 'urn:ietf:params:acme:error:rateLimited'
  }
}

/** Nothing that could be taken for an answer came. */
export class CaUnreachable extends Error {
  override readonly name = 'CaUnreachable'
}
