/** A configuration text becomes the desired state, or the list of everything that is wrong with it. */
import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { systemClock } from '../base/clock.ts'
import type { DesiredState } from '../model/gateway.ts'
import type { DocumentedPolicy } from '../policies/schemas.ts'
import { readAcme } from './acme.ts'
import { buildState } from './build.ts'
import { checkRoutes } from './check-routes.ts'
import { checkNames } from './check.ts'
import { ConfigDocument } from './document.ts'
import type { Environment } from './environment.ts'
import { readEventSchemas, readSmallFile } from './event-schemas.ts'
import type { Fault } from './fault.ts'
import { fileSchema } from './file-schema.ts'
import { reportIssues } from './issues.ts'
import { Report } from './report.ts'
import type { JsonSchema } from './schema-words.ts'
import { readTls } from './tls.ts'
import { readUpstreamTls } from './upstream-tls.ts'
import { wordIssue } from './wording.ts'

export interface LoadOptions {
  /** What `${NAME}` stands for. */
  readonly env: Environment
  /** The folder that relative paths of the file start from; absolute. */
  readonly baseDir: string
  readonly policies: readonly DocumentedPolicy[]
  /** Ids of the signature schemes that a source may name. */
  readonly providers: readonly string[]
  /** Reads a file that the configuration names; throws when it cannot. */
  readonly readFile?: (path: string) => string
  /** When certificates must be valid, wall clock, ms. */
  readonly now?: number
  /** What `threads: auto` counts; the machine's by default. */
  readonly cpus?: number
}

export type LoadResult =
  | {
      readonly ok: true
      readonly state: DesiredState
      readonly warnings: Fault[]
      /** The files it names, by path, as they were read. */
      readonly files: ReadonlyMap<string, string>
    }
  | { readonly ok: false; readonly faults: Fault[] }

/**
 * Reads YAML or JSON. Never throws on a bad text: syntax is judged first, then variables and shape, then names; the faults of the
 * first that fails come back together, in the order of the file.
 */
export function parseConfig(text: string, options: LoadOptions): LoadResult {
  const { env, baseDir, policies, providers } = options
  const document = new ConfigDocument(text, env)
  const report = new Report(document)
  const failed = (): LoadResult => ({ ok: false, faults: report.faults.sorted() })
  if (document.broken) return failed()

  const parsed = fileSchema(policies).safeParse(document.value, { error: wordIssue })
  if (!parsed.success) {
    let schema: JsonSchema | undefined
    reportIssues(
      {
        report,
        valueAt: (path) => document.valueAt(path),
        schema: () => (schema ??= configJsonSchema(policies)),
      },
      parsed.error.issues,
    )
    return failed()
  }

  const file = parsed.data
  checkNames(file, providers, report)
  checkRoutes(file, policies, report)
  const files = new Map<string, string>()
  const readFile = (path: string) => {
    const text = (options.readFile ?? readSmallFile)(path)
    files.set(path, text)
    return text
  }
  const eventSchemas = readEventSchemas(file, baseDir, readFile, report)
  const pems = { baseDir, readFile, report, now: options.now ?? systemClock.now() }
  const tls = readTls(file, pems)
  const upstreamTls = readUpstreamTls(file, pems)
  const acme = readAcme(file, pems)
  if (report.faults.size > 0) return failed()
  const cpus = options.cpus ?? availableParallelism()
  const state = buildState(file, { baseDir, cpus, eventSchemas, tls, upstreamTls, acme })
  return { ok: true, state, warnings: report.warnings.sorted(), files }
}

/** JSON Schema (2020-12) of the configuration file, the policies' options included: for editors, and for the reference. */
export function configJsonSchema(policies: readonly DocumentedPolicy[]): JsonSchema {
  const schema = z.toJSONSchema(fileSchema(policies), { io: 'input', unrepresentable: 'any' })
  return { ...schema, title: 'Postern configuration' }
}
