/** A payload for trying an endpoint: the example that a schema gives, else the plainest value that it describes. */

type Json = Readonly<Record<string, unknown>>

/** Schemas may hold themselves: deeper than this nothing is made up. */
const DEPTH_MAX = 8

/** Of several examples the one with this index, when there is one. Undefined: the schema has none, and describes no object. */
export function examplePayload(schema: unknown, index: number): Json | undefined {
  const current = newest(schema)
  if (!isObject(current)) return undefined
  const given = exampleOf(current, index) ?? made(current, current, 0)
  return isObject(given) ? given : undefined
}

function exampleOf(schema: Json, index: number): unknown {
  const { examples, example } = schema
  if (Array.isArray(examples) && examples.length > 0) return examples[index] ?? examples[0]
  return example ?? schema['default']
}

function made(root: Json, schema: unknown, depth: number): unknown {
  if (!isObject(schema) || depth > DEPTH_MAX) return null
  const given = exampleOf(schema, 0)
  if (given !== undefined) return given
  if ('const' in schema) return schema['const']
  if (Array.isArray(schema['enum'])) return schema['enum'][0]
  const reference = schema['$ref']
  if (typeof reference === 'string') return made(root, referred(root, reference), depth + 1)
  for (const choice of ['oneOf', 'anyOf'] as const) {
    const choices = schema[choice]
    if (Array.isArray(choices)) return made(root, choices[0], depth + 1)
  }
  const parts = schema['allOf']
  if (Array.isArray(parts)) return Object.assign({}, ...parts.map((part) => made(root, part, depth + 1)))
  return plain(root, schema, depth)
}

function plain(root: Json, schema: Json, depth: number): unknown {
  const types = [schema['type']].flat()
  const type = types.find((one) => one !== 'null') ?? (isObject(schema['properties']) ? 'object' : null)
  switch (type) {
    case 'object': {
      const properties = isObject(schema['properties']) ? schema['properties'] : {}
      return Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, made(root, one, depth + 1)]))
    }
    case 'array':
      return schema['items'] === undefined ? [] : [made(root, schema['items'], depth + 1)]
    case 'string':
      return schema['format'] === 'date-time' ? '2026-01-31T12:00:00Z' : 'string'
    case 'integer':
    case 'number':
      return typeof schema['minimum'] === 'number' ? schema['minimum'] : 0
    case 'boolean':
      return true
    default:
      return null
  }
}

function referred(root: Json, reference: string): unknown {
  if (!reference.startsWith('#/')) return null
  let at: unknown = root
  for (const token of reference.slice(2).split('/')) at = isObject(at) ? at[token] : null
  return at
}

/** Of schemas by version the one with the highest number. */
function newest(schema: unknown): unknown {
  if (!isObject(schema)) return schema
  const versions = Object.keys(schema)
  if (versions.length === 0 || !versions.every((version) => /^\d{1,9}$/.test(version))) return schema
  return schema[versions.toSorted((a, b) => Number(a) - Number(b)).at(-1)!]
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
