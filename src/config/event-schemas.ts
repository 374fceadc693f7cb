/** The JSON Schemas that event types name: files beside the configuration. */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileFault, reasonOf } from './file-fault.ts'
import type { File } from './file-schema.ts'
import type { Report } from './report.ts'

/** Reads each event type's schema; by the type's name. What cannot be read or is no schema is reported where it is named. */
export function readEventSchemas(
  file: File,
  baseDir: string,
  readFile: (path: string) => string,
  report: Report,
): Map<string, unknown> {
  const schemas = new Map<string, unknown>()
  for (const [name, eventType] of Object.entries(file['event-types'] ?? {})) {
    if (eventType?.schema === undefined) continue
    const schema = readSchema(resolve(baseDir, eventType.schema), readFile)
    if (typeof schema === 'string') report.fault(['event-types', name, 'schema'], schema)
    else schemas.set(name, schema)
  }
  return schemas
}

const SCHEMA_BYTES_MAX = 1024 * 1024

/** Reads a regular file of at most 1 MiB; a pipe or a device could keep us waiting for ever. Throws when it cannot. */
export function readSmallFile(path: string): string {
  const stat = statSync(path)
  if (!stat.isFile()) throw new Error('it is not a regular file')
  if (stat.size > SCHEMA_BYTES_MAX) throw new Error(`it is larger than ${SCHEMA_BYTES_MAX} bytes`)
  return readFileSync(path, 'utf8')
}

/** The schema, or what is wrong with it. A schema is an object or a boolean (JSON Schema 2020-12, §4.3). */
function readSchema(path: string, readFile: (path: string) => string): object | boolean | string {
  let text: string
  try {
    text = readFile(path)
  } catch (error) {
    return fileFault(error)
  }
  try {
    const schema: unknown = JSON.parse(text)
    if (typeof schema === 'boolean') return schema
    if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) return schema
    return 'the file holds no JSON Schema: that is an object, true or false'
  } catch (error) {
    return `the file is not JSON: ${reasonOf(error)}`
  }
}
