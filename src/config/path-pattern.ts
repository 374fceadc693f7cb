/** The pattern of a route's path: `/exact`, `/prefix/*`, `/user/:id`. */
import { Wrong, leaf } from './leaves.ts'

/** What may stand in a segment of a canonical path as itself (RFC 3986 §3.3, without `;`, which is refused in requests). */
const SEGMENT = /^[-.\w~!$&'()+,=@]*$/

export const pathPattern = leaf('a path: /exact, /prefix/* or /user/:id', (text) => {
  const wrong = wrongInPath(text)
  return wrong === undefined ? text : new Wrong(wrong)
})

/** The pattern with its parameters unnamed: two routes with the same shape match the same paths. */
export function pathShape(pattern: string): string {
  return pattern.replace(/\/:[^/]*/g, '/:')
}

function wrongInPath(text: string): string | undefined {
  if (!text.startsWith('/')) return `must begin with \`/\``
  if (/[?#%]/.test(text)) return 'must be a plain path: no `?`, `#` or `%` (it is compared after decoding)'
  if (text.includes('//')) return 'must not hold an empty segment (`//`): requests never have one when they are matched'
  const segments = text.slice(1).split('/')
  const names = new Set<string>()
  for (const [index, segment] of segments.entries()) {
    if (segment === '.' || segment === '..') return 'must not hold `.` or `..` segments'
    if (segment === '*' && index === segments.length - 1) continue
    if (segment.includes('*')) return '`*` must be the whole last segment: /files/*'
    if (segment.startsWith(':')) {
      const name = segment.slice(1)
      if (!/^[A-Za-z_]\w*$/.test(name))
        return `\`${segment}\` is not a parameter: \`:\` and a name of letters, digits and \`_\``
      if (names.has(name)) return `the parameter \`:${name}\` is written twice`
      names.add(name)
    } else if (segment.includes(':')) return 'a parameter must be a whole segment: /user/:id'
    else if (!SEGMENT.test(segment)) return `\`${segment}\` holds a character that never stands in a path as itself`
  }
  return undefined
}
