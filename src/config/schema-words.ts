/** Which keys a JSON Schema knows at a path: the editor's completion and the nearest word of a fault come from the same schema. */
import type { z } from 'zod'
import type { KeyPath } from './fault.ts'

export type JsonSchema = z.core.JSONSchema.BaseSchema

/** The keys that the mapping at `path` may have, whichever of its forms is meant. */
export function wordsAt(schema: JsonSchema, path: KeyPath): string[] {
  let schemas = forms(schema)
  for (const key of path) schemas = schemas.flatMap((one) => step(one, key)).flatMap(forms)
  return [...new Set(schemas.flatMap((one) => Object.keys(one.properties ?? {})))]
}

function step(schema: JsonSchema, key: string | number): JsonSchema[] {
  const next =
    typeof key === 'number'
      ? (schema.prefixItems?.[key] ?? schema.items)
      : Object.hasOwn(schema.properties ?? {}, key)
        ? schema.properties?.[key]
        : schema.additionalProperties
  return typeof next === 'object' && !Array.isArray(next) ? [next] : []
}

function forms(schema: JsonSchema): JsonSchema[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])] as JsonSchema[]
  return [schema, ...inner.flatMap(forms)]
}
