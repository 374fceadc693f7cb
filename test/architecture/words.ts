/** Rules about words that belong in few places or in none: time, environment, standard output, SQL, and what TypeScript must erase. */
import type { Project, SourceFile } from './project.ts'
import { type Rule, joined } from './rule.ts'
import type { Token } from './scan.ts'

/** Where in the code of a file these tokens follow one another; `*` is any word. */
function lines(code: readonly Token[], ...sequence: readonly string[]): number[] {
  return code.flatMap((token, i) => {
    const here = sequence.every((text, j) => {
      const one = code[i + j]
      if (one === undefined || one.kind === 'text' || one.kind === 'template') return false
      return text === '*' ? one.kind === 'word' : one.text === text
    })
    return here && code[i - 1]?.text !== '.' ? [token.line] : []
  })
}

/** Breaches in the files that are not `allowed`: for each, the lines where `find` says something is. */
function outside(files: readonly SourceFile[], allowed: RegExp | null, find: (file: SourceFile) => readonly number[]) {
  return files
    .filter(({ path }) => allowed === null || !allowed.test(path))
    .flatMap((file) => find(file).map((line) => `${file.path}:${line}`))
}

function own(project: Project): SourceFile[] {
  return ['src', 'test', 'bench', 'examples'].flatMap((folder) => project.sources(folder))
}

const noDefaultExports: Rule = {
  name: 'nothing is exported as default',
  advice: 'Export it by its name, so that it has the same name everywhere.',
  breaches: (project) =>
    outside(own(project), null, ({ code }) => [
      ...lines(code, 'export', 'default'),
      ...lines(code, 'as', 'default').filter((line) => lines(code, 'export').some((from) => from <= line)),
    ]),
  broken: [
    { 'src/a.ts': 'export default function a() {}' },
    { 'test/a.test.ts': 'const a = 1\nexport { a as default }' },
  ],
  kept: { 'src/a.ts': "import { default as a } from 'a'\n// export default a\nexport { a }" },
}

const erasable: Rule = {
  name: 'no enum and no namespace',
  advice:
    'Use an object `as const` with a type of its values, and a file for a namespace: Node erases types and compiles nothing.',
  breaches: (project) =>
    outside(own(project), null, ({ code }) => [
      ...lines(code, 'enum', '*', '{'),
      ...['{', '.'].flatMap((mark) => lines(code, 'namespace', '*', mark)),
      ...['{', '.'].flatMap((mark) => lines(code, 'module', '*', mark)),
    ]),
  broken: [
    { 'src/a.ts': 'export const enum A { B }' },
    { 'src/a.ts': 'namespace A { }' },
    { 'src/a.ts': 'declare namespace A.B { }' },
  ],
  kept: { 'src/a.ts': "const a = z.enum(['b'])\nconst namespace = { a }\nlet b: { enum: string }" },
}

const environment: Rule = {
  name: 'the environment is read in src/main.ts, src/app.ts and src/config only',
  advice: 'Read it there and hand the value on, so that what a part depends on stands in its signature.',
  breaches: (project) =>
    outside(project.product(), /^src\/(?:main|app)\.ts$|^src\/config\//, ({ code, imports }) => [
      ...lines(code, 'process', '.', 'env'),
      ...lines(code, 'process', '['),
      ...lines(code, '=', 'process').filter((line) => !lines(code, '=', 'process', '.').includes(line)),
      ...imports.filter(({ specifier }) => specifier === 'node:process').map(({ line }) => line),
    ]),
  broken: [
    { 'src/engine.ts': 'const a = process.env.A' },
    { 'src/wire/a.ts': "const a = process['env']" },
    { 'src/wire/a.ts': 'const { env } = process' },
    { 'src/wire/a.ts': "import { env } from 'node:process'" },
  ],
  kept: {
    'src/config/environment.ts': 'process.env.A',
    'src/wire/a.ts': "// process.env\nconst a = process.platform + 'process.env'",
    'src/wire/a.test.ts': 'process.env.A',
  },
}

const time: Rule = {
  name: 'time is read in src/base/clock.ts only',
  advice: 'Take a Clock and ask it: tests hold time in their hands.',
  breaches: (project) =>
    outside(project.product(), /^src\/base\/clock\.ts$/, ({ code }) => [
      ...lines(code, 'Date', '.', 'now'),
      ...lines(code, 'performance', '.'),
      ...lines(code, 'process', '.', 'hrtime'),
      ...lines(code, 'Date', '(', ')'),
    ]),
  broken: [
    { 'src/wire/a.ts': 'const a = Date.now()' },
    { 'src/wire/a.ts': 'performance.now()' },
    { 'src/wire/a.ts': 'process.hrtime.bigint()' },
    { 'src/wire/a.ts': 'new Date()' },
  ],
  kept: { 'src/base/clock.ts': 'Date.now()', 'src/wire/a.ts': 'new Date(clock.now()); Date.parse(a); Date.UTC(1)' },
}

const exit: Rule = {
  name: 'the process is ended in src/main.ts only',
  advice: 'Return, or throw: whoever called decides. main.ts turns what comes up into an exit code.',
  breaches: (project) =>
    outside(project.product(), /^src\/main\.ts$/, ({ code }) =>
      ['exit', 'reallyExit', 'abort'].flatMap((word) => lines(code, 'process', '.', word)),
    ),
  broken: [{ 'src/cli/run.ts': 'process.exit(1)' }, { 'src/app.ts': 'process.abort()' }],
  kept: { 'src/main.ts': 'process.exit(1)', 'src/app.ts': 'process.exitCode = 1' },
}

const output: Rule = {
  name: 'only src/cli uses the console, only src/cli and src/observe standard output',
  advice: 'Write to the log that you were given; for people at a terminal, return what there is to say to src/cli.',
  breaches: (project) => [
    ...outside(project.product(), /^src\/cli\//, ({ code }) => lines(code, 'console', '.')),
    ...outside(project.product(), /^src\/(?:cli|observe)\/|^src\/main\.ts$/, ({ code }) =>
      ['stdout', 'stderr'].flatMap((word) => lines(code, 'process', '.', word)),
    ),
  ],
  broken: [{ 'src/wire/a.ts': "console.log('a')" }, { 'src/admin/a.ts': "process.stdout.write('a')" }],
  kept: {
    'src/cli/run.ts': "console.log('a')\nprocess.stdout.write('a')",
    'src/main.ts': "process.stderr.write('a')",
    'src/wire/a.ts': '// console.log(a)',
  },
}

/** Statements as this house writes them: the keyword in capitals, at the start, followed by what makes it SQL and not English. */
const SQL =
  /^\s*(?:SELECT\s[\s\S]*\S|INSERT\s+(?:OR\s+\w+\s+)?INTO\b|REPLACE\s+INTO\b|UPDATE\s+\S+\s+SET\b|DELETE\s+FROM\b|(?:CREATE|DROP|ALTER)\s+(?:UNIQUE\s+|TEMP\s+|VIRTUAL\s+)?(?:TABLE|INDEX|VIEW|TRIGGER)\b|WITH\s+\w+.*\sAS\s*\(|PRAGMA\s+\w|BEGIN(?:\s+IMMEDIATE)?\s*;?\s*$|COMMIT\s*;?\s*$|ROLLBACK\s*;?\s*$)/
/** Without one of these, a statement written any other way has nowhere to go. */
const DRIVER = /^(?:node:sqlite|sqlite3|better-sqlite3|pg|postgres|mysql2?|kysely|knex|drizzle-orm)(?:\/|$)/

const sql: Rule = {
  name: 'SQL and database drivers are in src/store only',
  advice: 'Give the store a method that says what is wanted, add it to the port and to its conformance suite.',
  breaches: (project) =>
    outside(project.product(), /^src\/store\//, ({ code, imports }) => [
      ...code
        .filter(({ kind, text }) => (kind === 'text' || kind === 'template') && SQL.test(text))
        .map(({ line }) => line),
      ...imports.filter(({ specifier }) => DRIVER.test(specifier ?? '')).map(({ line }) => line),
    ]),
  broken: [
    { 'src/webhooks/a.ts': "db.prepare('SELECT id FROM messages')" },
    { 'src/webhooks/a.ts': 'db.prepare(`\n  UPDATE deliveries SET state = ${state}`)' },
    { 'src/webhooks/a.ts': "db.exec('PRAGMA journal_mode = WAL')" },
    { 'src/webhooks/a.ts': "db.exec('BEGIN IMMEDIATE')" },
    { 'src/admin/a.ts': "import { DatabaseSync } from 'node:sqlite'" },
  ],
  kept: {
    'src/store/sqlite/a.ts': "import 'node:sqlite'\ndb.prepare('SELECT 1')",
    'src/admin/a.ts': "const a = 'Select one from the list.' + 'Update the endpoint and set a secret.' + 'DELETE'",
  },
}

const noLeftovers: Rule = {
  name: 'nothing is left for later: no reminder in a comment, no test skipped or singled out',
  advice:
    'Do it, or write it down where work is planned. A test that cannot pass is a defect to fix or a test to remove.',
  breaches: (project) => {
    const words = ['test', 'it', 'describe', 'suite']
    return outside(own(project), null, ({ tokens, code }) => [
      ...tokens
        .filter(({ kind, text }) => kind === 'comment' && /\b(?:TODO|FIXME|XXX|HACK)\b/.test(text))
        .map(({ line }) => line),
      ...words.flatMap((word) => ['only', 'skip', 'todo'].flatMap((how) => lines(code, word, '.', how))),
      ...['only', 'skip', 'todo'].flatMap((how) => lines(code, '{', how, ':', 'true')),
      ...lines(code, 't', '.', 'skip', '('),
    ])
  },
  broken: [
    { 'src/base/a.ts': joined('// TO', 'DO: later') },
    { 'test/a.test.ts': "test.only('a', () => {})" },
    { 'test/a.test.ts': "describe.skip('a', () => {})" },
    { 'test/a.test.ts': "test('a', { skip: true }, () => {})" },
    { 'test/a.test.ts': "test('a', (t) => t.skip('b'))" },
  ],
  kept: { 'test/a.test.ts': "test('no TODO.only', () => list.skip(3))" },
}

export const WORD_RULES: readonly Rule[] = [
  noDefaultExports,
  erasable,
  environment,
  time,
  exit,
  output,
  sql,
  noLeftovers,
]
