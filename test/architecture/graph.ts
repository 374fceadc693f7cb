/** Rules about the graph of imports as a whole: no circles, no loose ends, nothing that only tests hold, no package in a side thread. */
import type { Project } from './project.ts'
import type { Rule } from './rule.ts'

/** Circles of files: each a list that imports its way back to its first. */
function circles(project: Project): string[][] {
  const product = new Map(project.sources('src').map((file) => [file.path, file]))
  const found: string[][] = []
  const done = new Set<string>()
  const way: string[] = []
  const visit = (path: string): void => {
    const at = way.indexOf(path)
    if (at !== -1) found.push([...way.slice(at), path])
    if (at !== -1 || done.has(path)) return
    way.push(path)
    // A thread that is started is not loaded by who starts it: a URL closes no circle.
    for (const { target, asUrl } of product.get(path)?.imports ?? []) if (target !== null && !asUrl) visit(target)
    way.pop()
    done.add(path)
  }
  for (const path of product.keys()) visit(path)
  return found
}

const noCircles: Rule = {
  name: 'imports have no circle, types included',
  advice:
    'One of the files holds two things. Move the part that both need into a file of its own, usually an interface.',
  breaches: (project) => circles(project).map((circle) => circle.join(' → ')),
  broken: [
    { 'src/base/a.ts': "import './b.ts'", 'src/base/b.ts': "import type { A } from './a.ts'" },
    {
      'src/base/a.ts': "import './b.ts'",
      'src/base/b.ts': "import './c.ts'",
      'src/base/c.ts': "export * from './a.ts'",
    },
    { 'src/base/a.ts': "import './a.ts'" },
  ],
  kept: {
    'src/base/a.ts': "import './b.ts'\nimport './c.ts'",
    'src/base/b.ts': "import './c.ts'",
    'src/base/c.ts': "new URL('./a.ts', import.meta.url)",
  },
}

const resolvable: Rule = {
  name: 'every import can be followed',
  advice:
    'Import by a plain text that names a file that is there: what is computed is seen by no tool and by no reader.',
  breaches: (project) =>
    ['src', 'test', 'bench', 'examples'].flatMap((folder) =>
      project.sources(folder).flatMap(({ path, imports }) =>
        imports.flatMap(({ specifier, target, line, asUrl }) => {
          if (specifier === null) return [`${path}:${line} imports what it computes`]
          if (target === null || project.has(target) || project.folders.has(target.replace(/\/$/, ''))) return []
          // Beside the source there is no compiled program; a URL may offer both.
          return asUrl && specifier.endsWith('.js') ? [] : [`${path}:${line} imports ${target}, which is not there`]
        }),
      ),
    ),
  broken: [
    { 'src/base/a.ts': 'await import(name)' },
    { 'src/base/a.ts': "import { b } from './b.ts'" },
    { 'src/base/a.ts': "new URL('./b.ts', import.meta.url)" },
  ],
  kept: { 'src/base/a.ts': "import { b } from './b.ts'\nimport 'node:fs'", 'src/base/b.ts': '' },
}

const ENTRY = 'src/main.ts'

/** Every path that can be reached from `entries`, themselves included. */
function reached(project: Project, entries: readonly string[]): ReadonlySet<string> {
  const files = new Map(['src', 'test'].flatMap((folder) => project.sources(folder)).map((file) => [file.path, file]))
  const seen = new Set(entries)
  // A set gives out what is added to it while it is walked.
  for (const path of seen)
    for (const { target } of files.get(path)?.imports ?? []) if (target !== null) seen.add(target)
  return seen
}

const noLooseEnds: Rule = {
  name: 'every file of the product is reached from src/main.ts',
  advice:
    'Nothing uses this file: connect it, or remove it. What only tests use is a conformance suite, a file called test-….ts, or belongs in test/support.',
  breaches: (project) => {
    const running = reached(project, [ENTRY])
    const tests = ['src', 'test'].flatMap((folder) => project.sources(folder)).filter(({ part }) => part === 'test')
    const tested = reached(
      project,
      tests.map(({ path }) => path),
    )
    return project.sources('src').flatMap(({ path, part }) => {
      if (part === 'test') return []
      if (running.has(path)) return part === 'support' ? [`${path} is named as for tests, and the product uses it`] : []
      if (!tested.has(path)) return [`${path} is used by nobody`]
      return part === 'support' ? [] : [`${path} is used by tests alone`]
    })
  },
  broken: [
    { 'src/main.ts': '', 'src/base/a.ts': '' },
    { 'src/main.ts': '', 'src/base/a.ts': '', 'src/base/a.test.ts': "import './a.ts'" },
    { 'src/main.ts': '', 'src/base/a.ts': "import './b.ts'", 'src/base/b.ts': "import './a.ts'" },
    { 'src/main.ts': "import './store/conformance.ts'", 'src/store/conformance.ts': '' },
  ],
  kept: {
    'src/main.ts': "import './app.ts'",
    'src/app.ts': "new URL('./engine.ts', import.meta.url)",
    'src/engine.ts': '',
    'src/store/conformance.ts': "import './conformance/queue.ts'",
    'src/store/conformance/queue.ts': '',
    'src/store/sqlite/store.test.ts': "import '../conformance.ts'",
  },
}

/** Where the threads beside the main one begin. */
const THREADS = ['src/engine.ts', 'src/store/sqlite/thread.ts'] as const

/** The chain of imports by which each file comes into a thread that begins at `entry`. What is started from there loads for itself. */
function waysInto(project: Project, entry: string): string[][] {
  const files = new Map(project.sources('src').map((file) => [file.path, file]))
  const seen = new Set([entry])
  const ways = [[entry]]
  // An array gives out what is added to it while it is walked.
  for (const way of ways)
    for (const { specifier, target, asUrl, typeOnly } of files.get(way.at(-1)!)?.imports ?? []) {
      const next = target ?? specifier
      if (next === null || asUrl || typeOnly || seen.has(next)) continue
      seen.add(next)
      ways.push([...way, next])
    }
  return ways
}

const lightThreads: Rule = {
  name: 'no thread but the main one loads a package',
  advice:
    'Every thread pays for it again, in memory and in time to start. Do it on the main thread, import the type alone, or, where few configurations need it, load it when the first does.',
  breaches: (project) =>
    THREADS.flatMap((entry) => waysInto(project, entry))
      .filter((way) => !/^src\/|^node:/.test(way.at(-1)!))
      .map((way) => way.join(' → ')),
  broken: [
    { 'src/engine.ts': "import { z } from 'zod'" },
    { 'src/engine.ts': "import { type Hono } from 'hono'" },
    {
      'src/engine.ts': "import './observe/a.ts'",
      'src/observe/a.ts': "export * from './b.ts'",
      'src/observe/b.ts': "import 'pino'",
    },
    { 'src/store/sqlite/thread.ts': "import { parse } from '../a.ts'", 'src/store/a.ts': "await import('yaml')" },
  ],
  kept: {
    'src/engine.ts':
      "import 'node:net'\nimport type { z } from 'zod'\nimport type { A } from './config/a.ts'\nimport './wire/b.ts'",
    'src/config/a.ts': "import { z } from 'zod'",
    'src/wire/b.ts': "new Worker(new URL('../admin/c.ts', import.meta.url))",
    'src/admin/c.ts': "import 'hono'",
  },
}

export const GRAPH_RULES: readonly Rule[] = [noCircles, resolvable, noLooseEnds, lightThreads]
