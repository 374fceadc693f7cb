/** Says which route a request would meet and why, which others came close, and what acts on it in which order. Sends nothing. */
import type { Match } from '../model/gateway.ts'
import { pathEnd } from '../wire/path.ts'
import { hostOf } from '../wire/parse-request.ts'
import type { CompiledRoute } from './exchange.ts'
import { findRoute } from './find-route.ts'
import type { Snapshot } from './snapshot.ts'

export interface Explanation {
  readonly method: string
  readonly host: string
  /** The canonical path; null when the path is refused as ambiguous. */
  readonly path: string | null
  readonly route: string | null
  /** One sentence. */
  readonly why: string
  /** In the order in which they see the request; answers run it backwards. */
  readonly policies: readonly { readonly name: string; readonly stage: string; readonly scope: 'global' | 'route' }[]
  /** How it ends: `proxy profiles`. */
  readonly target: string
  /** Routes that do not get it, with the reason. */
  readonly others: readonly { readonly route: string; readonly reason: string }[]
}

/** `url`: absolute, or a path when the host does not matter. Throws TypeError when it is neither. */
export function explain(snapshot: Snapshot, method: string, url: string): Explanation {
  const { host, target } = taken(url)
  const upper = method.toUpperCase()
  const met = findRoute(snapshot.router, host, upper, target.slice(0, pathEnd(target)))
  if ('refusal' in met) {
    const why = `${met.refusal} It is refused with 400 ambiguous-path.`
    return { method: upper, host, path: null, route: null, why, policies: [], target: 'refused', others: [] }
  }
  const { path, found } = met
  const route = found?.value ?? snapshot.noRoute
  return {
    method: upper,
    host,
    path,
    route: found === null ? null : route.name,
    why: found === null ? 'No route matches; after the global policies it is answered 404.' : reasonOf(route, host),
    policies: route.pipeline.order.map(({ name, stage, scope }) => ({ name, stage, scope })),
    target: targetOf(route),
    others: snapshot.routes
      .filter((other) => other !== route && other.spec !== null)
      .map((other) => ({ route: other.name, reason: missOf(other.spec!.match, host, upper, path) })),
  }
}

/** Host and request target as a client would send them: the path as written, which URL would have resolved, and no fragment. */
function taken(url: string): { readonly host: string; readonly target: string } {
  const written = url.startsWith('/') ? `http://localhost${url}` : url
  const parsed = new URL(written)
  const parts = /^https?:\/\/[^/?#]*([^#]*)/i.exec(written)
  const host = hostOf(parsed.host)
  if (parts === null || host === null) throw new TypeError(`${url} is no URL of a request`)
  const target = parts[1]!
  return { host, target: target.startsWith('/') ? target : `/${target}` }
}

function reasonOf({ spec }: CompiledRoute, host: string): string {
  const { hosts, path, methods } = spec!.match
  const byHost = hosts.length === 0 ? 'any host' : `host ${host}`
  const byMethod = methods.length === 0 ? 'any method' : `method ${methods.join(', ')}`
  return `Matches ${byHost}, path ${path}, ${byMethod}; nothing more specific does.`
}

function targetOf({ spec }: CompiledRoute): string {
  const target = spec?.target
  if (target === undefined) return 'reply 404'
  switch (target.kind) {
    case 'proxy':
    case 'durable':
      return `${target.kind} ${target.service}`
    case 'ingest':
      return `ingest ${target.source}`
    case 'publish':
      return `publish ${target.event} to ${target.to}`
    case 'webhook-keys':
      return 'webhook-keys'
    case 'reply':
      return `reply ${target.status}`
    case 'redirect':
      return `redirect ${target.status} ${target.location}`
  }
}

function missOf(match: Match, host: string, method: string, path: string): string {
  if (!pathMatches(match.path, path)) return `its path is ${match.path}`
  if (match.methods.length > 0 && !answers(match, method)) return `its methods are ${match.methods.join(', ')}`
  if (match.hosts.length > 0 && !match.hosts.some((pattern) => hostMatches(pattern, host))) {
    return `its hosts are ${match.hosts.join(', ')}`
  }
  return 'it matches, but less specifically'
}

function answers({ methods }: Match, method: string): boolean {
  return methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))
}

function hostMatches(pattern: string, host: string): boolean {
  return pattern.startsWith('*.')
    ? host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1
    : pattern === host
}

function pathMatches(pattern: string, path: string): boolean {
  const want = pattern.split('/')
  const have = path.split('/')
  for (let i = 0; i < want.length; i++) {
    if (want[i] === '*' && i === want.length - 1) return have.length > i
    if (have[i] === undefined || (want[i]!.startsWith(':') ? have[i] === '' : want[i] !== have[i])) return false
  }
  return want.length === have.length
}
