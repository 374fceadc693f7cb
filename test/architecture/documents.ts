/** Rules that hold the documents to the tree: what they name exists, and what exists they name. */
import { posix } from 'node:path'
import { z } from 'zod'
import type { Project } from './project.ts'
import type { Rule } from './rule.ts'

/** The documents that describe the tree as it is. Decisions describe it as it was. */
const DOCUMENTS = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'README.md', 'bench/README.md'] as const
const PLACES = 'src|test|bench|docs|examples|dashboard|deploy|integrations'
/** `src/policies/<name>/` stands for every folder at its place. */
const NAMED = new RegExp(`(?<![\\w/.-])(?:${PLACES})/[\\w<>./*-]*`, 'g')

interface Named {
  readonly document: string
  readonly line: number
  readonly path: string
}

/** Paths from the root that a document names. */
function namedIn(project: Project, document: string): Named[] {
  const text = project.files.get(document) ?? ''
  return [...text.matchAll(NAMED)]
    .filter(({ 0: path }) => !path.includes('node_modules'))
    .map(({ 0: path, index }) => ({
      document,
      line: text.slice(0, index).split('\n').length,
      path: path.replace(/\.+$/, ''),
    }))
}

/** A path with `<name>` in place of a segment, or with `*`, as a pattern for whole paths. */
function patternOf(path: string): RegExp {
  const escaped = path
    .replace(/\/$/, '')
    .replaceAll('.', '\\.')
    .replace(/<[^>/]+>/g, '[^/]+')
    .replaceAll('**/', '(?:.+/)?')
    .replaceAll(/(?<!\.)\*/g, '[^/]*')
  return new RegExp(`^${escaped}$`)
}

function exists(project: Project, path: string): boolean {
  const pattern = patternOf(path)
  if ([...project.folders].some((folder) => pattern.test(folder))) return true
  return !path.endsWith('/') && [...project.files.keys()].some((file) => pattern.test(file))
}

const foldersAreNamed: Rule = {
  name: 'every folder of src is named in ARCHITECTURE.md',
  advice:
    'Say there in a line what the folder is for: `src/store/sqlite/`. `<name>` in a path stands for any one name.',
  breaches: (project) => {
    const patterns = namedIn(project, 'ARCHITECTURE.md')
      .filter(({ path }) => path.endsWith('/'))
      .map(({ path }) => patternOf(path))
    return [...project.folders].filter(
      (folder) => folder.startsWith('src/') && !patterns.some((pattern) => pattern.test(folder)),
    )
  },
  broken: [
    { 'ARCHITECTURE.md': '', 'src/base/a.ts': '' },
    { 'ARCHITECTURE.md': '`src/policies/`', 'src/policies/cors/a.ts': '' },
    // A file in it is not the folder.
    { 'ARCHITECTURE.md': '`src/base/a.ts`', 'src/base/a.ts': '' },
  ],
  kept: {
    'ARCHITECTURE.md': '`src/base/`, `src/policies/`, `src/policies/<name>/`',
    'src/base/a.ts': '',
    'src/policies/cors/a.ts': '',
  },
}

const namedPathsExist: Rule = {
  name: 'every path that a document names exists',
  advice: 'The tree has moved on: correct the document, or restore what it promises.',
  breaches: (project) =>
    DOCUMENTS.flatMap((document) => namedIn(project, document))
      .filter(({ path }) => !exists(project, path))
      .map(({ document, line, path }) => `${document}:${line} ${path}`),
  broken: [
    { 'ARCHITECTURE.md': 'see `src/attic/`' },
    { 'CONTRIBUTING.md': 'run `test/a.test.ts`', 'test/b.test.ts': '' },
    { 'SECURITY.md': '`src/wire/<name>/`', 'src/wire/a.ts': '' },
    { 'README.md': 'src/wire/*.md', 'src/wire/a.ts': '' },
  ],
  kept: {
    'ARCHITECTURE.md': 'see src/wire/a.ts, src/<name>/a.ts and https://example.org/src/attic/, all of src/**/*.ts.',
    'src/wire/a.ts': '',
  },
}

const linksLead: Rule = {
  name: 'every relative link in a document leads somewhere',
  advice: 'Correct the link.',
  breaches: (project) =>
    [...project.files]
      .filter(([path]) => path.endsWith('.md'))
      .flatMap(([path, text]) =>
        [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
          .map(({ 1: link }) => ({ link: link!, target: posix.join(posix.dirname(path), link!).replace(/\/$/, '') }))
          .filter(({ target }) => !project.has(target) && !project.folders.has(target))
          .map(({ link }) => `${path} links to ${link}`),
      ),
  broken: [{ 'README.md': '[a](docs/a.md)' }, { 'docs/a.md': '[b](../b.md#c)' }],
  kept: { 'README.md': '[a](docs/a.md#b) [c](https://example.org/) [d](#e) [f](docs/)', 'docs/a.md': '' },
}

/** The parts of a package.json that run something. */
const COMMANDS = z.object({
  scripts: z.record(z.string(), z.string()).default({}),
  bin: z.record(z.string(), z.string()).default({}),
})

const scriptsRun: Rule = {
  name: 'every path in a script of package.json exists',
  advice: 'The script would fail, or its pattern would match no file and test nothing: correct it.',
  breaches: (project) =>
    [...project.files].flatMap(([path, text]) => {
      if (!/(?:^|\/)package\.json$/.test(path)) return []
      const { scripts, bin } = COMMANDS.parse(JSON.parse(text))
      return Object.entries({ ...scripts, ...bin }).flatMap(([name, command]) =>
        [...command.matchAll(/(?<![\w/.*-])[\w.*][\w./*-]*\.(?:ts|js|mjs|json|ya?ml|lua)\b/g)]
          .map(({ 0: file }) => posix.join(posix.dirname(path), file))
          .filter((file) => !exists(project, file))
          .map((file) => `${path} ${name}: ${file}`),
      )
    }),
  broken: [
    { 'package.json': '{"scripts":{"start":"node src/main.ts demo"}}' },
    { 'package.json': '{"scripts":{"test":"node --test \\"src/**/*.test.ts\\""}}', 'src/a.ts': '' },
    { 'package.json': '{"bin":{"a":"src/main.ts"}}' },
  ],
  kept: {
    'package.json': '{"scripts":{"start":"node src/main.ts demo","test":"node --test \\"src/**/*.test.ts\\""}}',
    'src/main.ts': '',
    'src/base/a.test.ts': '',
  },
}

const ARCHITECTURE_LINES_MAX = 200

const shortArchitecture: Rule = {
  name: `ARCHITECTURE.md is there and has at most ${ARCHITECTURE_LINES_MAX} lines`,
  advice: 'It is the page that everybody reads first. Move what only some need into docs, or leave it to the code.',
  breaches: (project) => {
    const text = project.files.get('ARCHITECTURE.md')
    if (text === undefined) return ['ARCHITECTURE.md is missing']
    const count = text.trimEnd().split('\n').length
    return count > ARCHITECTURE_LINES_MAX ? [`it has ${count} lines`] : []
  },
  broken: [{ 'README.md': '' }, { 'ARCHITECTURE.md': 'a\n'.repeat(ARCHITECTURE_LINES_MAX + 1) }],
  kept: { 'ARCHITECTURE.md': 'a\n'.repeat(ARCHITECTURE_LINES_MAX) },
}

export const DOCUMENT_RULES: readonly Rule[] = [
  foldersAreNamed,
  namedPathsExist,
  linksLead,
  scriptsRun,
  shortArchitecture,
]
