/** The house's words for what zod finds wrong; messages that a schema brings itself win over these. */
import type { z } from 'zod'

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  null: 'empty',
}

/** For zod's `error` parameter: the message of one issue, or undefined to leave it to zod. */
export function wordIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return wordType([String(issue.expected)], issue.input)
    case 'invalid_value':
      return wordValues(issue.values)
    case 'too_small':
      if (issue.origin === 'string' && issue.minimum === 1) return 'must not be empty'
      return wordBound(
        String(issue.origin),
        issue.inclusive === false ? 'more than' : 'at least',
        Number(issue.minimum),
      )
    case 'too_big':
      return wordBound(String(issue.origin), issue.inclusive === false ? 'less than' : 'at most', Number(issue.maximum))
    // Its forms say more than it does; a union with a message of its own is taken at its word.
    case 'invalid_union':
      return ''
    default:
      return undefined
  }
}

/** `expected` are zod's names of types: `string`, `int`, `array`. */
export function wordType(expected: readonly string[], input: unknown): string {
  if (typeof input === 'number' && expected.includes('int')) return 'must be a whole number'
  const wanted = [...new Set(expected.map(typeNoun))].join(' or ')
  const quotable = expected.includes('string') && (typeof input === 'number' || typeof input === 'boolean')
  return `must be ${wanted}, not ${wordInput(input)}${quotable ? ' (put it in quotes)' : ''}`
}

export function wordValues(values: readonly unknown[]): string {
  return `must be ${values.length > 1 ? 'one of ' : ''}${values.map(String).join(', ')}`
}

/** zod's name of a type in words: `a list`. */
export function typeNoun(type: string): string {
  return NOUNS[type] ?? type
}

function wordInput(input: unknown): string {
  if (input === null) return 'empty'
  if (Array.isArray(input)) return 'a list'
  if (typeof input === 'boolean') return String(input)
  return NOUNS[typeof input] ?? typeof input
}

function wordBound(origin: string, bound: string, amount: number): string {
  if (origin === 'string') return `must have ${bound} ${amount} characters`
  if (origin === 'array') return `must have ${bound} ${amount === 1 ? 'one entry' : `${amount} entries`}`
  if (origin === 'number' || origin === 'int') return `must be ${bound} ${amount}`
  return `must have ${bound} ${amount}`
}
