/**
 * The route of a path that is not plain. Servers read some paths in more than one way; whichever way a service reads this one, it must
 * be this route's, or else a route could be got past. What is left, the route decides.
 */
import type { PathRules } from '../model/gateway.ts'
import { ODD, type PathReading, otherReadings, readPath } from '../wire/path.ts'
import type { CompiledRoute } from './exchange.ts'
import type { Found, Router } from './router.ts'

export interface Met {
  /** Canonical: what is matched, limited, listed and forwarded. */
  readonly path: string
  readonly found: Found<CompiledRoute> | null
}

export interface Ambiguous {
  /** A sentence for whoever sent it. */
  readonly refusal: string
}

/** What routes do that do not say: the ways of reading that are worth refusing are, the common one is merged. */
export const STRICT_PATHS: PathRules = {
  encodedSlash: 'refuse',
  backslash: 'refuse',
  semicolon: 'refuse',
  doubleSlash: 'merge',
}

const UNREADABLE = 'The path holds a broken escape, a character that must be escaped, or dots that lead elsewhere.'
const TWO_ROUTES = 'The path could be read as a path of another route.'

/** `written` is the path of an origin-form target, without its query. */
export function findRoute(
  router: Router<CompiledRoute>,
  host: string,
  method: string,
  written: string,
): Met | Ambiguous {
  const reading = readPath(written)
  if (reading === null) return { refusal: UNREADABLE }
  const found = router.find(host, method, reading.merged)
  const rules = found?.value.spec?.pathRules ?? STRICT_PATHS
  const refused = refusedBy(rules, reading.odd)
  if (refused !== null) return { refusal: `The path holds ${refused}, which this route does not take.` }
  const path = formOf(reading, rules)
  if (path === null) return { refusal: TWO_ROUTES }
  if (path === reading.merged && (reading.odd & ~ODD.emptySegment) === 0) return { path, found }
  for (const other of otherReadings(path)) {
    const theirs = router.find(host, method, other)
    // A reading that meets no route gets past none: that the service does not read it so is what the rule says.
    if (theirs !== null && theirs.value !== found?.value) return { refusal: TWO_ROUTES }
  }
  const again = router.find(host, method, path)
  return again?.value === found?.value ? { path, found: again } : { refusal: TWO_ROUTES }
}

/** What of the path the rules refuse; null for nothing. */
function refusedBy(rules: PathRules, odd: number): string | null {
  if ((odd & ODD.encodedSlash) !== 0 && rules.encodedSlash === 'refuse') return 'an encoded slash (%2F)'
  if ((odd & ODD.backslash) !== 0 && rules.backslash === 'refuse') return 'a backslash (\\ or %5C)'
  if ((odd & ODD.semicolon) !== 0 && rules.semicolon === 'refuse') return 'a semicolon (; or %3B)'
  if ((odd & ODD.emptySegment) !== 0 && rules.doubleSlash === 'refuse') return 'an empty segment (//)'
  return null
}

/** The path as the rules want it; null when it has none such. */
function formOf({ odd, merged, unmerged }: PathReading, rules: PathRules): string | null {
  const keepsEmpty = (odd & ODD.emptySegment) !== 0 && rules.doubleSlash === 'keep'
  const path = keepsEmpty ? unmerged : merged
  if (path === null || (odd & ODD.encodedSlash) === 0 || rules.encodedSlash !== 'decode') return path
  const decoded = path.replaceAll('%2F', '/')
  if (rules.doubleSlash === 'keep' || !decoded.includes('//')) return decoded
  return rules.doubleSlash === 'merge' ? decoded.replace(/\/{2,}/g, '/') : null
}
