/** Turns the issues of a schema into faults: which form of a union was meant, which key is missing, which word is near. */
import type { z } from 'zod'
import type { KeyPath } from './fault.ts'
import { nearest } from './nearest.ts'
import type { Report } from './report.ts'
import { type JsonSchema, wordsAt } from './schema-words.ts'
import { typeNoun, wordType, wordValues } from './wording.ts'

type Issue = z.core.$ZodIssue
type Issues = readonly Issue[]

export interface IssueContext {
  readonly report: Report
  /** What the file says at a path; undefined when nothing. */
  valueAt(path: KeyPath): unknown
  /** The schema's valid keys; asked for only when there is an unknown one. */
  schema(): JsonSchema
}

/** `prefix` is where the checked value stands in the file. */
export function reportIssues(context: IssueContext, issues: Issues, prefix: KeyPath = []): void {
  for (const issue of issues) reportIssue(context, issue, [...prefix, ...issue.path.map(asKey)])
}

function reportIssue(context: IssueContext, issue: Issue, path: KeyPath): void {
  const { report } = context
  const value = context.valueAt(path)
  if (value === undefined && path.length > 0 && issue.code !== 'custom') {
    report.fault(path, `\`${String(path.at(-1))}\` is missing`, { missing: true })
    return
  }
  switch (issue.code) {
    case 'unrecognized_keys': {
      const noun = path.at(-2) === 'policies' ? 'policy' : 'key'
      const words = wordsAt(context.schema(), path)
      for (const key of issue.keys) report.unknown([...path, key], noun, key, words, true)
      return
    }
    case 'invalid_key':
      report.fault(path, issue.issues[0]?.message ?? issue.message, { atKey: true })
      return
    case 'invalid_union': {
      const meant = issue.message === '' ? meantForm(issue.errors, value) : undefined
      if (meant !== undefined) reportIssues(context, meant, path)
      else reportNoForm(report, issue, path, value)
      return
    }
    case 'invalid_value':
      if (path.at(-2) === 'policies' && typeof value === 'string')
        report.unknown(path, 'policy', value, issue.values.map(String))
      else report.fault(path, issue.message, { suggestion: nearestValue(value, issue.values) })
      return
    default:
      report.fault(path, issue.message)
  }
}

/** Of a union's forms the one whose type is right, and of several the one with the fewest faults. Undefined: only the choice helps. */
function meantForm(forms: readonly Issues[], value: unknown): Issues | undefined {
  const fitting = forms.filter((issues) => {
    const own = issues.filter((issue) => issue.path.length === 0)
    const wrongKind = typeof value === 'object' && own.some((issue) => issue.code === 'invalid_value')
    return !wrongKind && !own.some((issue) => issue.code === 'invalid_type')
  })
  if (fitting.length > 1 && fitting.every((issues) => isChoice(issues))) return undefined
  let best = fitting[0]
  for (const issues of fitting) if (issues.length < best!.length) best = issues
  return best
}

/** One form that wants one of some values, and found nothing else wrong. */
function isChoice(issues: Issues): boolean {
  return issues.length === 1 && issues[0]!.code === 'invalid_value' && issues[0].path.length === 0
}

function reportNoForm(report: Report, issue: z.core.$ZodIssueInvalidUnion, path: KeyPath, value: unknown): void {
  const own = issue.errors.flat().filter((one) => one.path.length === 0)
  const values = own.flatMap((one) => (one.code === 'invalid_value' ? one.values : []))
  const types = own.flatMap((one) => (one.code === 'invalid_type' ? [one.expected] : []))
  if (issue.message !== '') report.fault(path, issue.message)
  else if (values.length === 0) report.fault(path, wordType(types, value))
  else report.fault(path, wordValues([...values, ...types.map(typeNoun)]), { suggestion: nearestValue(value, values) })
}

function nearestValue(value: unknown, values: readonly unknown[]): string | undefined {
  if (typeof value !== 'string') return undefined
  return nearest(
    value,
    values.filter((one) => typeof one === 'string'),
  )
}

/** A path into parsed YAML has no symbols. */
function asKey(key: PropertyKey): string | number {
  return typeof key === 'symbol' ? String(key) : key
}
