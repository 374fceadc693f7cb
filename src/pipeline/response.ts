/** The answer as policies see it: a status, header lines to edit, and the body if one of them asked for it. */
import type { OutgoingHead } from '../wire/outgoing.ts'

export interface ResponseView {
  status: number
  readonly headers: OutgoingHead
  /** True when the upstream gave it; false for our own. */
  readonly fromUpstream: boolean
  /** The whole body when a policy declared `responseBody`; else null. Assign to replace it. */
  body: Uint8Array | null
}
