/** Signs attempts for one endpoint: with every secret that is active, under every name and scheme that the endpoint asks for. */
import type { Endpoint } from '../model/webhook.ts'
import { type Keys, prepareKeys } from '../signatures/keys.ts'
import { standardWebhooks } from '../signatures/providers/standard-webhooks.ts'
import { signStandard } from '../signatures/standard.ts'
import type { OutgoingHead } from '../wire/outgoing.ts'

export class AttemptSigner {
  private readonly endpoint: Endpoint
  /** Of the secrets that sign until then. */
  private keys: Keys | null = null
  private until = Number.NEGATIVE_INFINITY

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint
  }

  /** Adds the headers. Throws RangeError for an id that cannot be signed, InvalidSecret for a secret that is none. */
  sign(lines: OutgoingHead, id: string, nowMs: number, body: Uint8Array): void {
    const signed = signStandard(id, Math.floor(nowMs / 1_000), body, this.keysAt(nowMs))
    lines.appendOwn('webhook-id', signed['webhook-id'])
    lines.appendOwn('webhook-timestamp', signed['webhook-timestamp'])
    lines.appendOwn('webhook-signature', signed['webhook-signature'])
  }

  /** Decodes the secrets once, and once more whenever one of those that retire is over. */
  private keysAt(nowMs: number): Keys {
    if (this.keys !== null && nowMs < this.until) return this.keys
    const { secrets, retiring } = this.endpoint
    const left = retiring.filter((one) => one.until > nowMs)
    this.until = Math.min(Number.POSITIVE_INFINITY, ...left.map((one) => one.until))
    return (this.keys = prepareKeys(standardWebhooks, [...secrets, ...left.map((one) => one.secret)]))
  }
}
