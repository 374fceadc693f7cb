/** Header values with placeholders: `${consumer}`, `${request-id}`, `${client-address}`, `${path}`. */
import type { Exchange } from '../../pipeline/exchange.ts'

type Value = (x: Exchange) => string

const PLACEHOLDERS: Readonly<Record<string, Value>> = {
  consumer: (x) => x.consumer?.name ?? '',
  'request-id': (x) => x.requestId,
  'client-address': (x) => x.clientAddress,
  path: (x) => x.path,
}

const PLACEHOLDER = /\$\{([^}]*)\}/g

export const PLACEHOLDER_NAMES = Object.keys(PLACEHOLDERS)

/** The placeholders of a text that mean nothing. */
export function unknownPlaceholders(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].map(([, name]) => name!).filter((name) => !Object.hasOwn(PLACEHOLDERS, name))
}

/** What the text says for an exchange. A placeholder with nothing to say is empty. */
export function template(text: string): Value {
  const parts: (string | Value)[] = []
  let end = 0
  for (const { 0: written, 1: name, index } of text.matchAll(PLACEHOLDER)) {
    parts.push(text.slice(end, index), PLACEHOLDERS[name!]!)
    end = index + written.length
  }
  if (parts.length === 0) return () => text
  parts.push(text.slice(end))
  return (x) => parts.map((part) => (typeof part === 'string' ? part : part(x))).join('')
}
