/** An event as a provider would send it: its type and id where that provider puts them, and its signature over the bytes. */
import { prepareKeys } from '../signatures/keys.ts'
import type { Field, Scheme } from '../signatures/scheme.ts'
import { signHeaders } from '../signatures/sign.ts'

export interface ProviderEvent {
  /** `payment_intent.succeeded`; for GitHub the event and perhaps its action: `issues.opened`. */
  readonly eventType: string
  readonly id: string
  /** The exact bytes to sign; without them a JSON body that holds little more than type and id. */
  readonly body?: Uint8Array | undefined
  readonly timestampMs: number
}

export interface SignedEvent {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Throws InvalidSecret when `secret` cannot be a key of this provider. */
export function signedEvent(scheme: Scheme, secret: string, event: ProviderEvent): SignedEvent {
  const { eventAction } = scheme
  const split = eventAction === null ? -1 : event.eventType.indexOf('.')
  const eventType = split === -1 ? event.eventType : event.eventType.slice(0, split)
  const action = split === -1 ? null : event.eventType.slice(split + 1)

  const headers: Record<string, string> = { 'content-type': 'application/json' }
  const data: Record<string, unknown> = {}
  const put = (field: Field | undefined, value: string): void => {
    if (field?.from === 'header') headers[field.name] = value
    else if (field !== undefined) setPath(data, field.name.split('.'), value)
  }
  put(scheme.eventId[0], event.id)
  put(scheme.eventType[0], eventType)
  if (eventAction !== null && action !== null) put(eventAction, action)

  const body = event.body ?? Buffer.from(JSON.stringify({ ...data, data: data['data'] ?? { object: {} } }))
  const message = { id: event.id, timestampMs: event.timestampMs, body }
  return { headers: { ...headers, ...signHeaders(scheme, message, prepareKeys(scheme, [secret])) }, body }
}

function setPath(into: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) into[key] = value
  else {
    const inner: Record<string, unknown> = {}
    into[key] = inner
    setPath(inner, rest, value)
  }
}
