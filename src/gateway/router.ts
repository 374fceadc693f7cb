/** Finds the route of a request: by host, then path, then method; the most specific wins, never the order of writing. */
import type { Match } from '../model/gateway.ts'

/** What a router holds about a route; `T` is whatever the caller wants back. */
export interface Routed<T> {
  readonly match: Match
  readonly value: T
}

export interface Found<T> {
  readonly value: T
  readonly params: Readonly<Record<string, string>> | null
}

/** A route where it ends, with the names of the parameters on its way. */
interface Entry<T> {
  readonly value: T
  readonly names: readonly string[]
}

/** Routes of one path, by method; `any` is the route without methods. */
interface Leaf<T> {
  readonly byMethod: Map<string, Entry<T>>
  any: Entry<T> | null
}

/** One segment of the path tree. A literal child beats a parameter, a parameter beats a prefix. */
interface Node<T> {
  readonly children: Map<string, Node<T>>
  param: Node<T> | null
  /** Routes that end here. */
  leaf: Leaf<T> | null
  /** Routes `…/*`: anything below here. */
  below: Leaf<T> | null
}

export class Router<T> {
  private readonly exactHosts = new Map<string, Node<T>>()
  /** `.shop.example` → tree; longest suffix first. */
  private wildcardHosts: { readonly suffix: string; readonly tree: Node<T> }[] = []
  private readonly anyHost = newNode<T>()
  /** Every method that some route names. */
  private readonly methods = new Set<string>()

  constructor(routes: readonly Routed<T>[]) {
    for (const route of routes) {
      for (const method of route.match.methods) this.methods.add(method)
      const hosts = route.match.hosts
      if (hosts.length === 0) insert(this.anyHost, route)
      for (const host of hosts) insert(this.treeOf(host), route)
    }
    this.wildcardHosts = this.wildcardHosts.toSorted((a, b) => b.suffix.length - a.suffix.length)
  }

  /** The methods that would meet a route on this path, for a request whose method does not: what `Allow` says (RFC 9110 §10.2.1). */
  allowed(host: string, path: string): string[] {
    const methods = [...this.methods].filter((method) => this.find(host, method, path) !== null)
    return methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods
  }

  private treeOf(host: string): Node<T> {
    if (host.startsWith('*.')) {
      const suffix = host.slice(1)
      let entry = this.wildcardHosts.find((one) => one.suffix === suffix)
      if (entry === undefined) this.wildcardHosts.push((entry = { suffix, tree: newNode<T>() }))
      return entry.tree
    }
    let tree = this.exactHosts.get(host)
    if (tree === undefined) this.exactHosts.set(host, (tree = newNode<T>()))
    return tree
  }

  /** `path` is canonical, `host` lower case without port. Null when nothing matches. */
  find(host: string, method: string, path: string): Found<T> | null {
    const exact = this.exactHosts.get(host)
    if (exact !== undefined) {
      const found = search(exact, path, 1, method, null)
      if (found !== null) return found
    }
    for (const { suffix, tree } of this.wildcardHosts) {
      if (!host.endsWith(suffix) || host.length === suffix.length) continue
      const found = search(tree, path, 1, method, null)
      if (found !== null) return found
    }
    return search(this.anyHost, path, 1, method, null)
  }
}

function newNode<T>(): Node<T> {
  return { children: new Map(), param: null, leaf: null, below: null }
}

function insert<T>(root: Node<T>, route: Routed<T>): void {
  let node = root
  const names: string[] = []
  const segments = route.match.path.slice(1).split('/')
  const prefix = segments.at(-1) === '*'
  if (prefix) segments.pop()
  for (const segment of segments) {
    if (segment.startsWith(':')) {
      names.push(segment.slice(1))
      node = node.param ??= newNode<T>()
    } else {
      let child = node.children.get(segment)
      if (child === undefined) node.children.set(segment, (child = newNode<T>()))
      node = child
    }
  }
  const leaf = prefix ? (node.below ??= newLeaf<T>()) : (node.leaf ??= newLeaf<T>())
  const entry: Entry<T> = { value: route.value, names }
  if (route.match.methods.length === 0) leaf.any = entry
  for (const method of route.match.methods) leaf.byMethod.set(method, entry)
}

function newLeaf<T>(): Leaf<T> {
  return { byMethod: new Map(), any: null }
}

function pick<T>(leaf: Leaf<T> | null, method: string, values: readonly string[] | null): Found<T> | null {
  if (leaf === null) return null
  let entry = leaf.byMethod.get(method)
  // Whoever answers GET answers HEAD, unless there is a route for HEAD itself (RFC 9110 §9.1, §9.3.2).
  if (entry === undefined && method === 'HEAD') entry = leaf.byMethod.get('GET')
  entry ??= leaf.any ?? undefined
  if (entry === undefined) return null
  if (values === null) return { value: entry.value, params: null }
  return { value: entry.value, params: Object.fromEntries(entry.names.map((name, i) => [name, values[i] ?? ''])) }
}

/** `at` is the index of the segment's first character; past the end means that the path is used up. */
function search<T>(
  node: Node<T>,
  path: string,
  at: number,
  method: string,
  values: readonly string[] | null,
): Found<T> | null {
  if (at > path.length) return pick(node.leaf, method, values)
  const slash = path.indexOf('/', at)
  const end = slash === -1 ? path.length : slash
  const segment = path.slice(at, end)
  const child = node.children.get(segment)
  if (child !== undefined) {
    const found = search(child, path, end + 1, method, values)
    if (found !== null) return found
  }
  if (node.param !== null && segment !== '') {
    const found = search(node.param, path, end + 1, method, values === null ? [segment] : [...values, segment])
    if (found !== null) return found
  }
  return pick(node.below, method, values)
}
