/** JSON Schemas of payloads, compiled by Ajv when one is first needed: it costs a thread 9 MB. */
import { createRequire } from 'node:module'
import type { Ajv2020 } from 'ajv/dist/2020.js'

/** Where a payload breaks its schema, and how. */
export interface PayloadFault {
  /** Keys and indices, from the payload on. */
  readonly path: readonly string[]
  readonly msg: string
}

export type Validate = (payload: unknown) => PayloadFault | null

let shared: Ajv2020 | null = null

function ajv(): Ajv2020 {
  if (shared === null) {
    const loaded: { readonly Ajv2020: typeof Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js')
    // Unknown keywords and formats say nothing (JSON Schema 2020-12 §4.3.1 and §7.2.1: formats are annotations).
    shared = new loaded.Ajv2020({ strict: false, validateFormats: false, logger: false })
  }
  return shared
}

/** Compiles what an event type has for a schema; null when it has none. Throws when it is no schema. */
export function compileSchema(stored: unknown): Validate | null {
  const schema = current(stored)
  if (schema === null || schema === undefined) return null
  if (typeof schema !== 'boolean' && !isObject(schema)) throw new TypeError('A schema is an object or a boolean.')
  // One written for an older draft is read as 2020-12: what it shares with it means the same.
  const validate = ajv().compile(typeof schema === 'boolean' ? schema : undated(schema))
  // The next schema may have the same `$id`.
  ajv().removeSchema()
  return (payload) => {
    if (validate(payload)) return null
    const error = validate.errors![0]!
    const path = error.instancePath.split('/').slice(1)
    const unescaped = path.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    return { path: [...unescaped, ...named(error.params)], msg: error.message ?? 'is not as its schema says' }
  }
}

function undated(schema: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema'))
}

/** The property that is missing, or that should not be there. */
function named(params: Readonly<Record<string, unknown>>): string[] {
  const property = params['missingProperty'] ?? params['additionalProperty']
  return typeof property === 'string' ? [property] : []
}

/** Of schemas by version the one with the highest number. */
function current(stored: unknown): unknown {
  if (!isObject(stored)) return stored
  const versions = Object.keys(stored)
  if (versions.length === 0 || !versions.every((version) => /^\d{1,9}$/.test(version))) return stored
  return stored[versions.toSorted((a, b) => Number(a) - Number(b)).at(-1)!]
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
