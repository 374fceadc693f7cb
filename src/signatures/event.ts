/** Which event a verified request is: its id for recognising duplicates and its type for choosing who gets it. */
import type { SignedRequest } from './request.ts'
import type { Field, Scheme } from './scheme.ts'

export interface EventIdentity {
  /** Null when the request names none; nothing can be recognised as a duplicate then. */
  readonly eventId: string | null
  readonly eventType: string | null
}

/**
 * Call it after the signature has matched. A body that is not JSON has no fields. Headers are trusted as far as the scheme
 * signs them: GitHub's delivery id and event are not signed, its body is.
 */
export function identifyEvent(scheme: Scheme, request: SignedRequest): EventIdentity {
  const body = parsedOnce(request.body)
  const read = (field: Field): string | null =>
    field.from === 'header' ? onlyText(request.header(field.name)) : textAt(body(), field.name)
  const type = firstOf(scheme.eventType, read)
  const action = type === null || scheme.eventAction === null ? null : read(scheme.eventAction)
  return { eventId: firstOf(scheme.eventId, read), eventType: action === null ? type : `${type}.${action}` }
}

function firstOf(fields: readonly Field[], read: (field: Field) => string | null): string | null {
  for (const field of fields) {
    const text = read(field)
    if (text !== null) return text
  }
  return null
}

/** A header that came twice names nothing: which of the two would be a guess. */
function onlyText(values: readonly string[]): string | null {
  return values.length === 1 && values[0] !== '' ? values[0]! : null
}

function textAt(body: unknown, path: string): string | null {
  let value = body
  for (const name of path.split('.')) {
    if (!isObject(value)) return null
    value = value[name]
  }
  return typeof value === 'string' && value !== '' ? value : null
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** Parses on first use: a scheme whose names stand in headers never pays for a large body. */
function parsedOnce(bytes: Uint8Array): () => unknown {
  let parsed: { readonly value: unknown } | null = null
  return () => {
    parsed ??= { value: parseJson(bytes) }
    return parsed.value
  }
}

/** Undefined for what is not UTF-8 or not JSON; a byte order mark is passed over (RFC 8259 §8.1). */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
