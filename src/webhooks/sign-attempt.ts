/** Signs attempts for one endpoint: with every secret that is active, under every name and scheme that the endpoint asks for. */
import type { KeyObject } from 'node:crypto'
import type { Endpoint, Message } from '../model/webhook.ts'
import { PRIVATE_PREFIX, privateKeyOf, signAsymmetric } from '../signatures/asymmetric.ts'
import { InvalidSecret, type Keys, prepareKeys } from '../signatures/keys.ts'
import { providerById } from '../signatures/providers/index.ts'
import { standardWebhooks } from '../signatures/providers/standard-webhooks.ts'
import type { Field, Scheme } from '../signatures/scheme.ts'
import { checkedId, signHeaders, signatureValue } from '../signatures/sign.ts'
import { formatTimestamp } from '../signatures/timestamp.ts'
import type { OutgoingHead } from '../wire/outgoing.ts'

/** Names of one set of Standard Webhooks headers. */
interface Names {
  readonly id: string
  readonly timestamp: string
  readonly signature: string
}

/** What signs during some time. */
interface Active {
  readonly untilMs: number
  /** `v1`; null when there are none. */
  readonly symmetric: Keys | null
  /** `v1a`. */
  readonly asymmetric: readonly KeyObject[]
  /** Another scheme, beside or instead. */
  readonly other: { readonly scheme: Scheme; readonly keys: Keys } | null
}

export class AttemptSigner {
  private readonly endpoint: Endpoint
  private readonly names: readonly Names[]
  private active: Active | null = null

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint
    this.names = endpoint.sending.headerPrefixes.map((prefix) => ({
      id: `${prefix}-id`,
      timestamp: `${prefix}-timestamp`,
      signature: `${prefix}-signature`,
    }))
  }

  /** Adds the headers. Throws RangeError for an id that cannot be signed, InvalidSecret for a secret that is none. */
  sign(lines: OutgoingHead, message: Pick<Message, 'id' | 'eventType'>, nowMs: number, body: Uint8Array): void {
    let { active } = this
    // Secrets are decoded once, and once more whenever one of those that retire is over.
    if (active === null || nowMs >= active.untilMs) this.active = active = this.activeAt(nowMs)
    const timestamp = formatTimestamp(nowMs, 's')
    const id = checkedId(standardWebhooks, message.id)
    if (this.names.length > 0) {
      const signature = standardSignature(active, { id, timestamp, body })
      for (const names of this.names) {
        lines.appendOwn(names.id, id)
        lines.appendOwn(names.timestamp, timestamp)
        lines.appendOwn(names.signature, signature)
      }
    }
    if (active.other !== null) signOther(active.other, lines, message, nowMs, body)
  }

  private activeAt(nowMs: number): Active {
    const { secrets, retiring, sending } = this.endpoint
    const left = retiring.filter((one) => one.until > nowMs)
    const all = [...secrets, ...left.map((one) => one.secret)]
    const symmetric = all.filter((secret) => !secret.startsWith(PRIVATE_PREFIX))
    const scheme = sending.scheme === null ? null : providerById(sending.scheme.provider)
    if (sending.scheme !== null && scheme === null) throw new InvalidSecret('there is no such provider')
    const own = sending.scheme?.secrets ?? []
    return {
      untilMs: Math.min(Number.POSITIVE_INFINITY, ...left.map((one) => one.until)),
      symmetric: symmetric.length === 0 || this.names.length === 0 ? null : prepareKeys(standardWebhooks, symmetric),
      asymmetric: all.filter((secret) => secret.startsWith(PRIVATE_PREFIX)).map(privateKeyOf),
      other: scheme === null ? null : { scheme, keys: prepareKeys(scheme, own.length > 0 ? own : symmetric) },
    }
  }
}

function standardSignature(
  { symmetric, asymmetric }: Active,
  content: { readonly id: string; readonly timestamp: string; readonly body: Uint8Array },
): string {
  const first = symmetric === null ? '' : signatureValue(standardWebhooks, content, symmetric)
  if (asymmetric.length === 0) return first
  const others = asymmetric.map((key) => signAsymmetric(content, key)).join(' ')
  return first === '' ? others : `${first} ${others}`
}

/** The scheme's signature, and the id and type of the event where the scheme reads them from headers. */
function signOther(
  { scheme, keys }: NonNullable<Active['other']>,
  lines: OutgoingHead,
  { id, eventType }: Pick<Message, 'id' | 'eventType'>,
  timestampMs: number,
  body: Uint8Array,
): void {
  const headers = signHeaders(scheme, { id, timestampMs, body }, keys)
  const say = (fields: readonly Field[], value: string) => {
    const name = fields.find(({ from }) => from === 'header')?.name
    if (name !== undefined) headers[name] ??= value
  }
  say(scheme.eventId, id)
  say(scheme.eventType, eventType)
  for (const name in headers) lines.set(name, headers[name]!)
}
