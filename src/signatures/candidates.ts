/** Reads a signature header: the signatures it offers and, when they stand there, the texts of the time. */
import { decode } from './encoding.ts'
import type { ListRule, PairsRule, SignatureRule } from './scheme.ts'

export interface Candidates {
  /** At least one, decoded. */
  readonly signatures: readonly Buffer[]
  /** The pairs of the header, for a time that stands among them. */
  readonly pairs: readonly Pair[]
}

export type Pair = readonly [key: string, value: string]

/**
 * `lines` are the values of every header line of that name. Null when nothing there can be a signature of this rule, or when
 * several lines stand where one belongs: somebody before or behind us may read the other one.
 */
export function readCandidates(rule: SignatureRule, lines: readonly string[]): Candidates | null {
  const repeatable = rule.form === 'list' && rule.separator !== null
  if (lines.length > 1 && !repeatable) return null
  const pairs = rule.form === 'pairs' ? lines.flatMap((line) => readPairs(rule, line)) : []
  const texts =
    rule.form === 'pairs' ? valuesOf(pairs, rule.signatureKey) : lines.flatMap((line) => readList(rule, line))
  const signatures = texts.map((text) => decode(text, rule.encoding)).filter((bytes) => bytes !== null)
  return signatures.length > 0 ? { signatures, pairs } : null
}

export function valuesOf(pairs: readonly Pair[], key: string): string[] {
  return pairs.filter(([name]) => name === key).map(([, value]) => value)
}

function readList(rule: ListRule, line: string): string[] {
  const items = rule.separator === null ? [line] : line.split(rule.separator).map((item) => item.trim())
  return items.filter((item) => item.startsWith(rule.prefix)).map((item) => item.slice(rule.prefix.length))
}

/** Only the first `=` divides: base64 ends in them. */
function readPairs(rule: PairsRule, line: string): Pair[] {
  return line.split(rule.separator).map((item) => {
    const at = item.indexOf('=')
    return at === -1 ? [item, ''] : [item.slice(0, at), item.slice(at + 1)]
  })
}
