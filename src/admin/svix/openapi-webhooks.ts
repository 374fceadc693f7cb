/** The event types that an OpenAPI document describes: its `webhooks` (OpenAPI 3.1 §4.8.1), or `x-webhooks` in older ones. */
import { parse } from 'yaml'
import { z } from 'zod'
import { NAME_CHARS_MAX, NAME_PATTERN } from './names.ts'
import { invalid } from './refusal.ts'

/** An event type as a document describes it. */
export interface DescribedEventType {
  readonly name: string
  readonly description: string
  /** JSON Schema that stands alone; null when there is none. */
  readonly schema: unknown
  readonly deprecated: boolean
  readonly groupName: string | null
  readonly featureFlags: readonly string[]
}

type Json = Readonly<Record<string, unknown>>

const METHODS = ['post', 'put', 'patch', 'get', 'delete']
const COMPONENT = '#/components/schemas/'
/** References that lead to references. */
const REFERENCES_MAX = 32

const Text = z.string().optional().catch(undefined)
const Flags = z.array(z.string()).catch([])

/** A document as JSON or YAML text. Throws 422. */
export function parsedSpec(text: string): unknown {
  try {
    // A bound on aliases: a few of them can stand for gigabytes.
    return parse(text, { maxAliasCount: 100 })
  } catch (error) {
    throw invalid('specRaw', `This is neither JSON nor YAML: ${error instanceof Error ? error.message : 'unreadable'}`)
  }
}

/** Each type once, in the order written. Throws 422 naming `field` when the document describes none, or one that cannot be. */
export function eventTypesOf(spec: unknown, field: string): DescribedEventType[] {
  if (!isObject(spec)) throw invalid(field, 'The document is not an object.')
  const webhooks = spec['webhooks'] ?? spec['x-webhooks']
  if (!isObject(webhooks)) throw invalid(field, 'The document has neither `webhooks` nor `x-webhooks`.')
  const found = new Map<string, DescribedEventType>()
  for (const [key, item] of Object.entries(webhooks)) {
    const path = target(spec, item, field)
    for (const method of METHODS) {
      if (path[method] === undefined) continue
      const described = describedType(spec, key, target(spec, path[method], field), field)
      found.set(described.name, described)
      break
    }
  }
  return [...found.values()]
}

function describedType(spec: Json, key: string, operation: Json, field: string): DescribedEventType {
  const name = Text.parse(operation['operationId']) ?? key
  if (!NAME_PATTERN.test(name) || name.length > NAME_CHARS_MAX || name.startsWith('-')) {
    throw invalid(field, `"${name}" cannot be the name of an event type.`)
  }
  const body = operation['requestBody'] === undefined ? {} : target(spec, operation['requestBody'], field)
  const content = isObject(body['content']) ? body['content'] : {}
  const type = Object.keys(content).find((mediaType) => /^application\/(.+\+)?json\b/i.test(mediaType))
  const media = type === undefined ? undefined : content[type]
  const schema = isObject(media) ? media['schema'] : undefined
  const flag = Text.parse(operation['x-svix-feature-flag'])
  const flags = Flags.parse(operation['x-svix-feature-flags'] ?? [])
  return {
    name,
    description: Text.parse(operation['description']) ?? Text.parse(operation['summary']) ?? '',
    schema: schema === undefined ? null : standingAlone(spec, schema, field),
    deprecated: operation['deprecated'] === true,
    groupName: Text.parse(operation['x-svix-group-name']) ?? null,
    featureFlags: flags.length > 0 || flag === undefined ? flags : [flag],
  }
}

/** The schema with the components it refers to, directly or not, as its own `$defs`. */
function standingAlone(spec: Json, schema: unknown, field: string): unknown {
  const definitions: Record<string, unknown> = {}
  const adopt = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(adopt)
    if (!isObject(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === '$ref' && typeof inner === 'string' ? refer(inner) : adopt(inner),
      ]),
    )
  }
  const refer = (reference: string): string => {
    if (!reference.startsWith(COMPONENT))
      throw invalid(field, `The schema refers to ${reference}, which is not followed.`)
    const name = reference.slice(COMPONENT.length)
    if (!(name in definitions)) {
      definitions[name] = null // before it is adopted: it may refer to itself
      definitions[name] = adopt(pointed(spec, reference, field))
    }
    return `#/$defs/${name}`
  }
  const alone = adopt(schema)
  if (Object.keys(definitions).length === 0 || !isObject(alone)) return alone
  return { ...alone, $defs: { ...(isObject(alone['$defs']) ? alone['$defs'] : {}), ...definitions } }
}

/** The object itself, or the one that it refers to. */
function target(spec: Json, value: unknown, field: string): Json {
  let at = value
  for (let i = 0; i < REFERENCES_MAX; i++) {
    if (!isObject(at)) throw invalid(field, 'The document has something else where an object belongs.')
    if (typeof at['$ref'] !== 'string') return at
    at = pointed(spec, at['$ref'], field)
  }
  throw invalid(field, 'The document has references that lead in a circle.')
}

/** What a reference within the document points to (RFC 6901). */
function pointed(spec: Json, reference: string, field: string): unknown {
  const missing = () => invalid(field, `The document refers to ${reference}, which is not in it.`)
  if (!reference.startsWith('#/')) throw missing()
  let at: unknown = spec
  for (const token of reference.slice(2).split('/')) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (!isObject(at) || !Object.hasOwn(at, key)) throw missing()
    at = at[key]
  }
  return at
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
