/** Routing by brute force: every route is asked, every match is scored, the best wins. What the router is compared with. */
import * as fc from 'fast-check'
import type { Match } from '../../../src/model/gateway.ts'

/** How specific a match is: compared item by item, the first difference decides. Null: it does not match. */
type Score = readonly number[]

export function scoreOf(match: Match, host: string, method: string, path: string): Score | null {
  const byHost = hostScore(match.hosts, host)
  const byPath = pathScore(match.path, path)
  if (byHost === null || byPath === null) return null
  const byMethod = methodScore(match.methods, method)
  if (byMethod === null) return null
  // The path's items end with a 0, so that scores of different lengths still compare item by item.
  return [byHost, ...byPath, 0, byMethod]
}

/** Index of the route that gets the request, or -1. */
export function bestOf(matches: readonly Match[], host: string, method: string, path: string): number {
  let best = -1
  let bestScore: Score = []
  for (const [i, match] of matches.entries()) {
    const score = scoreOf(match, host, method, path)
    if (score !== null && (best === -1 || isAbove(score, bestScore))) {
      best = i
      bestScore = score
    }
  }
  return best
}

function isAbove(a: Score, b: Score): boolean {
  const at = a.findIndex((item, i) => item !== b[i])
  return at !== -1 && a[at]! > (b[at] ?? -1)
}

/** A name by itself is above every wildcard, a longer wildcard above a shorter, any of them above none. */
function hostScore(hosts: readonly string[], host: string): number | null {
  if (hosts.length === 0) return 0
  const scores = hosts.map((pattern) => {
    if (pattern === host) return 1_000
    const isBelow = pattern.startsWith('*.') && host.endsWith(pattern.slice(1)) && host !== pattern.slice(1)
    return isBelow ? pattern.length : -1
  })
  const best = Math.max(...scores)
  return best === -1 ? null : best
}

/** A method by itself is above GET for HEAD, and that above every method. */
function methodScore(methods: readonly string[], method: string): number | null {
  if (methods.length === 0) return 0
  if (methods.includes(method)) return 2
  return method === 'HEAD' && methods.includes('GET') ? 1 : null
}

/** Segment by segment: a literal is above a parameter, a parameter above `*`. */
function pathScore(pattern: string, path: string): Score | null {
  const have = path.slice(1).split('/')
  const score: number[] = []
  for (const [i, want] of pattern.slice(1).split('/').entries()) {
    const segment = have[i]
    if (segment === undefined) return null
    if (want === '*') return [...score, 1]
    if (want.startsWith(':')) {
      if (segment === '') return null
      score.push(2)
    } else if (want === segment) score.push(3)
    else return null
  }
  return score.length === have.length ? score : null
}

const segment = fc.constantFrom('a', 'b', ':x', ':y')
const pattern = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom('', '', '/*', '/'))
  .map(([segments, end]) => {
    const path = segments.map((one, i) => `/${one.startsWith(':') ? `${one}${i}` : one}`).join('')
    return path + end || '/'
  })
const HOSTS = ['a.example', 'b.a.example', '*.example', '*.a.example', '*.b.a.example']
const match: fc.Arbitrary<Match> = fc.record({
  hosts: fc.uniqueArray(fc.constantFrom(...HOSTS), { maxLength: 2 }),
  path: pattern,
  methods: fc.uniqueArray(fc.constantFrom('GET', 'POST', 'HEAD'), { maxLength: 2 }),
})

/** Routes of which no two claim the same host, shape of path and method: the configuration refuses those. */
export const matches: fc.Arbitrary<readonly Match[]> = fc.array(match, { maxLength: 14 }).map((written) => {
  const claimed = new Set<string>()
  return written.filter(({ hosts, path, methods }) => {
    const shape = path.replace(/\/:[^/]*/g, '/:')
    const claims = (hosts.length === 0 ? [''] : hosts).flatMap((host) =>
      (methods.length === 0 ? [''] : methods).map((method) => `${method} ${host} ${shape}`),
    )
    if (claims.some((claim) => claimed.has(claim))) return false
    for (const claim of claims) claimed.add(claim)
    return true
  })
})

export interface Wanted {
  readonly host: string
  readonly method: string
  readonly path: string
}

export const wanted: fc.Arbitrary<Wanted> = fc.record({
  host: fc.constantFrom('', 'a.example', 'b.a.example', 'c.b.a.example', 'x.example', 'example', '.example', 'other'),
  method: fc.constantFrom('GET', 'POST', 'HEAD', 'DELETE'),
  path: fc
    .tuple(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 }), fc.constantFrom('', '', '/'))
    .map(([segments, end]) => `/${segments.join('/')}${segments.length === 0 ? '' : end}`),
})
