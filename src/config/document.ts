/** A YAML or JSON text as plain data, with the place of every key and value in it. */
import { type Document, LineCounter, type Node, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { type Environment, resolveReferences } from './environment.ts'
import { FaultList, type KeyPath, pathText } from './fault.ts'

/** About 10 000 routes; the time to read a text grows with it. */
const TEXT_CHARS_MAX = 2 * 1024 * 1024
const DEPTH_MAX = 64
/** Nodes that aliases may repeat in all: aliases of aliases grow exponentially. */
const COPIES_MAX = 10_000
/** The first syntax errors are the ones to mend; the rest mostly follow from them. */
const SYNTAX_FAULTS_MAX = 3

/** Offsets into the text, and what stands there. */
interface Place {
  readonly key: number
  readonly value: number
  readonly data: unknown
}

export interface Location extends Place {
  /** How many keys of the path are written in the file. */
  readonly depth: number
}

export class ConfigDocument {
  readonly faults = new FaultList()
  /** Offsets of values that lack a variable; whatever else is wrong with them is a consequence. */
  readonly unresolved = new Set<number>()
  value: unknown = null
  /** True when the text cannot be taken for data at all: syntax, twice the same key, a bad alias. */
  broken = false
  readonly #lines = new LineCounter()
  readonly #env: Environment
  readonly #places = new WeakMap<object, Map<string | number, Place>>()
  readonly #anchors = new Map<string, Node>()
  readonly #open = new Set<Node>()
  #aliasDepth = 0
  #copies = 0

  constructor(text: string, env: Environment) {
    this.#env = env
    if (text.length > TEXT_CHARS_MAX) {
      this.#fault(0, [], `the file has ${text.length} characters; ${TEXT_CHARS_MAX} is the most`)
      return
    }
    // uniqueKeys compares every key with every other; #map does it with a look-up.
    const options = { uniqueKeys: false, prettyErrors: false, resolveKnownTags: false, lineCounter: this.#lines }
    const parsed: Document.Parsed = parseDocument(text, options)
    for (const problem of [...parsed.errors, ...parsed.warnings].slice(0, SYNTAX_FAULTS_MAX))
      this.#fault(problem.pos[0], [], syntaxMessage(problem.code, problem.message))
    if (this.broken) return
    if (parsed.directives.yaml.version === '1.1') this.#fault(0, [], 'YAML 1.1 is not read; leave the %YAML line out')
    if (parsed.contents === null) this.#fault(0, [], 'the file is empty')
    else this.value = this.#read(parsed.contents, [])
  }

  /** Where the deepest written key of `path` is. */
  locate(path: KeyPath): Location {
    let place: Place = { key: 0, value: 0, data: this.value }
    let depth = 0
    for (const key of path) {
      const next = isObject(place.data) ? this.#places.get(place.data)?.get(key) : undefined
      if (next === undefined) break
      place = next
      depth++
    }
    return { ...place, depth }
  }

  /** The value at `path`; undefined when it is not written. */
  valueAt(path: KeyPath): unknown {
    const { depth, data } = this.locate(path)
    return depth === path.length ? data : undefined
  }

  position(offset: number): { readonly line: number; readonly column: number } {
    const { line, col } = this.#lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }

  #fault(offset: number, path: KeyPath, message: string): void {
    this.broken = true
    this.faults.add({ path: pathText(path), ...this.position(offset), message })
  }

  #read(node: Node, path: KeyPath): unknown {
    const at = node.range?.[0] ?? 0
    if (path.length > DEPTH_MAX) return this.#fault(at, path.slice(0, 4), `nested deeper than ${DEPTH_MAX} levels`)
    if (this.#aliasDepth > 0 && ++this.#copies > COPIES_MAX) {
      if (this.#copies === COPIES_MAX + 1) this.#fault(at, path, `aliases repeat more than ${COPIES_MAX} values`)
      return null
    }
    if (isAlias(node)) return this.#alias(node.source, at, path)
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    if (isScalar(node)) return this.#scalar(node.value, at, path)
    this.#open.add(node)
    const value = isMap<Node, Node | null>(node)
      ? this.#map(node, path)
      : isSeq<Node>(node)
        ? this.#list(node, path)
        : null
    this.#open.delete(node)
    return value
  }

  #scalar(value: unknown, at: number, path: KeyPath): unknown {
    if (typeof value !== 'string') return value
    return resolveReferences(value, this.#env, (message) => {
      this.unresolved.add(at)
      this.faults.add({ path: pathText(path), ...this.position(at), message })
    })
  }

  /** An alias reads its anchor's node again, so that what is wrong in it is shown where it is written. */
  #alias(name: string, at: number, path: KeyPath): unknown {
    const node = this.#anchors.get(name)
    if (node === undefined) return this.#fault(at, path, `no anchor \`&${name}\` comes before this alias`)
    if (this.#open.has(node)) return this.#fault(at, path, `the alias \`*${name}\` stands inside its own anchor`)
    this.#aliasDepth++
    const value = this.#read(node, path)
    this.#aliasDepth--
    return value
  }

  #list(node: { readonly items: readonly Node[] }, path: KeyPath): unknown[] {
    const places = new Map<number, Place>()
    const list = node.items.map((item, index) => {
      const at = item.range?.[0] ?? 0
      const data = this.#read(item, [...path, index])
      places.set(index, { key: at, value: at, data })
      return data
    })
    this.#places.set(list, places)
    return list
  }

  #map(node: { readonly items: ReadonlyArray<{ key: Node; value: Node | null }> }, path: KeyPath): object {
    const places = new Map<string, Place>()
    const map: Record<string, unknown> = {}
    for (const pair of node.items) {
      const at = pair.key.range?.[0] ?? 0
      const key = isScalar(pair.key) ? String(pair.key.source ?? pair.key.value) : undefined
      const first = key === undefined ? undefined : places.get(key)
      if (key === undefined || key === '__proto__') this.#fault(at, path, 'this cannot be a key')
      else if (first !== undefined)
        this.#fault(at, [...path, key], `\`${key}\` is written twice; first in line ${this.position(first.key).line}`)
      else {
        const data = pair.value === null ? null : this.#read(pair.value, [...path, key])
        places.set(key, { key: at, value: pair.value?.range?.[0] ?? at, data })
        map[key] = data
      }
    }
    this.#places.set(map, places)
    return map
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function syntaxMessage(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'the file holds more than one document (`---`)'
  if (code === 'RESOURCE_EXHAUSTION') return 'nested too deeply'
  return message.split('\n')[0]!.slice(0, 200)
}
