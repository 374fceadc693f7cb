/** The tree that the rules look at: the repository's, or a small invented one that a rule must find fault with. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { type Import, type Token, importsOf, scan } from './scan.ts'

/** Text of every file by its path from the root, `/` between folders. A path that ends in `/` is an empty folder. */
export type Tree = Readonly<Record<string, string>>

/** `support` is what several tests share and lies beside the port it tests: a conformance suite, or a file called test-….ts. */
export type Part = 'product' | 'support' | 'test'

export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly part: Part
  readonly tokens: readonly Token[]
  /** Tokens without the comments. */
  readonly code: readonly Token[]
  readonly imports: readonly ResolvedImport[]
}

export interface ResolvedImport extends Import {
  /** Path in the project of what is imported; null for a package, a built-in, or what nobody can tell. */
  readonly target: string | null
}

export class Project {
  /** Text files by path. */
  readonly files: ReadonlyMap<string, string>
  /** Every folder, without a slash at the end. */
  readonly folders: ReadonlySet<string>
  private readonly scanned = new Map<string, SourceFile>()

  constructor(tree: Tree) {
    const paths = Object.keys(tree)
    this.files = new Map(Object.entries(tree).filter(([path]) => !path.endsWith('/')))
    this.folders = new Set(paths.flatMap((path) => parents(path)))
  }

  has(path: string): boolean {
    return this.files.has(path)
  }

  /** TypeScript files below `folder`, tests included. */
  sources(folder: string): SourceFile[] {
    return [...this.files.keys()]
      .filter((path) => path.startsWith(`${folder}/`) && path.endsWith('.ts'))
      .map((path) => this.source(path))
  }

  /** What is below `src` and runs in production. */
  product(): SourceFile[] {
    return this.sources('src').filter(({ part }) => part === 'product')
  }

  private source(path: string): SourceFile {
    const known = this.scanned.get(path)
    if (known !== undefined) return known
    const text = this.files.get(path)!
    const tokens = scanned(path, text)
    const file: SourceFile = {
      path,
      text,
      part: partOf(path),
      tokens,
      code: tokens.filter(({ kind }) => kind !== 'comment'),
      imports: importsOf(tokens).map((one) => Object.assign(one, { target: targetOf(path, one.specifier) })),
    }
    this.scanned.set(path, file)
    return file
  }
}

function partOf(path: string): Part {
  if (path.endsWith('.test.ts')) return 'test'
  return /\/(?:conformance|test-[^/]+)\.ts$|\/conformance\//.test(path) ? 'support' : 'product'
}

function scanned(path: string, text: string): readonly Token[] {
  try {
    return scan(text)
  } catch (error) {
    throw new Error(`${path} could not be read; the scanner in test/architecture/scan.ts has met its limits`, {
      cause: error,
    })
  }
}

/** A relative import's path in the project. What is published has `.js` where the source has `.ts`. */
function targetOf(from: string, specifier: string | null): string | null {
  if (specifier === null || !/^\.{1,2}\//.test(specifier)) return null
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
}

function parents(path: string): string[] {
  const segments = path.split('/').slice(0, -1)
  return segments.map((_, i) => segments.slice(0, i + 1).join('/'))
}

/** What .gitignore leaves out, and what git itself keeps. */
const NOT_OURS = new Set(['node_modules', '.git', '.postern', 'coverage'])

/** Reads the repository at `root`, as it is on disk. Files that are not text are there, but empty. */
export function readProject(root: string): Project {
  const tree: Record<string, string> = {}
  const read = (folder: string): void => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true }).filter(({ name }) => !NOT_OURS.has(name))
    if (entries.length === 0) tree[folder] = ''
    for (const entry of entries) {
      const path = folder + entry.name
      if (entry.isDirectory()) read(`${path}/`)
      else if (entry.isFile() && !entry.name.endsWith('.log')) tree[path] = textOf(join(root, path))
    }
  }
  read('')
  return new Project(tree)
}

function textOf(file: string): string {
  const bytes = readFileSync(file)
  return bytes.includes(0) ? '' : bytes.toString('utf8')
}
