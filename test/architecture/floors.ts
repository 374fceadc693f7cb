/** Rules about who may import whom: the floors of the house, and the walls between rooms on one floor. */
import type { Project, ResolvedImport, SourceFile } from './project.ts'
import type { Rule } from './rule.ts'

/** A folder of src imports itself and folders with a smaller number. The files directly in src stand above all. */
const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  model: 1,
  wire: 2,
  signatures: 2,
  store: 2,
  counters: 2,
  observe: 2,
  selftest: 2,
  pipeline: 3,
  upstream: 3,
  policies: 4,
  gateway: 5,
  webhooks: 5,
  config: 5,
  acme: 5,
  admin: 6,
  cli: 7,
}

/** `src/gateway/targets/proxy.ts` → `gateway`; empty for the files directly in src. */
function roomOf(path: string): string {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? ''
}

/** `src/policies/cors/cors.ts` → `cors`; empty outside, and for what lies directly in src/policies. */
function policyOf(path: string): string {
  return /^src\/policies\/([^/]+)\//.exec(path)?.[1] ?? ''
}

/** Breaches among the imports of the product: `wrong` says what is wrong with one, or null. */
function imports(
  project: Project,
  wrong: (from: string, to: string, one: ResolvedImport, file: SourceFile) => string | null,
): string[] {
  return project.product().flatMap((file) =>
    file.imports.flatMap((one) => {
      const why = one.target === null ? null : wrong(file.path, one.target, one, file)
      return why === null ? [] : [`${file.path}:${one.line} imports ${one.target}: ${why}`]
    }),
  )
}

const knownFloors: Rule = {
  name: 'every folder of src has a floor',
  advice:
    'Give the new folder a number in test/architecture/floors.ts and a line in ARCHITECTURE.md, or put the file where it belongs.',
  breaches: (project) =>
    [...project.folders]
      .filter((folder) => /^src\/[^/]+$/.test(folder) && FLOORS[folder.slice(4)] === undefined)
      .map((folder) => `${folder} is on no floor`),
  broken: [{ 'src/attic/box.ts': '' }],
  kept: { 'src/base/clock.ts': '' },
}

const lowerFloors: Rule = {
  name: 'a floor imports only lower floors, and itself',
  advice:
    'Move what is needed to a lower floor, or hand it in from above: an interface below, the object from the composition root.',
  breaches: (project) =>
    imports(project, (from, to) => {
      const [room, other] = [roomOf(from), roomOf(to)]
      if (room === '' || other === '' || room === other) return null
      return FLOORS[other]! < FLOORS[room]! ? null : `${room} is on floor ${FLOORS[room]}, ${other} on ${FLOORS[other]}`
    }),
  broken: [
    { 'src/model/a.ts': "import type { B } from '../wire/b.ts'", 'src/wire/b.ts': '' },
    { 'src/store/a.ts': "export * from '../counters/b.ts'", 'src/counters/b.ts': '' },
    { 'src/base/a.ts': "const b = await import('../cli/b.ts')", 'src/cli/b.ts': '' },
    { 'src/wire/a.ts': "new Worker(new URL('../gateway/b.ts', import.meta.url))", 'src/gateway/b.ts': '' },
    { 'src/gateway/targets/a.ts': "import { b } from '../../webhooks/b.ts'", 'src/webhooks/b.ts': '' },
  ],
  kept: {
    'src/gateway/targets/a.ts': "import { b } from '../b.ts'\nimport { c } from '../../base/c.ts'",
    'src/app.ts': "import { b } from './gateway/b.ts'",
    // A test may look at anything.
    'src/base/a.test.ts': "import { b } from '../gateway/b.ts'",
  },
}

const wireAlone: Rule = {
  name: 'the wire imports nothing of ours but base',
  advice: 'The wire knows bytes and no product noun. Put the noun into the caller, and give the wire plain values.',
  breaches: (project) =>
    imports(project, (from, to) =>
      roomOf(from) === 'wire' && !['wire', 'base'].includes(roomOf(to)) ? 'the wire knows no product noun' : null,
    ),
  broken: [{ 'src/wire/a.ts': "import type { Route } from '../model/gateway.ts'", 'src/model/gateway.ts': '' }],
  kept: {
    'src/wire/a.ts': "import { b } from './b.ts'\nimport { c } from '../base/c.ts'\nimport { d } from 'node:net'",
  },
}

const judgeApart: Rule = {
  name: 'the selftest imports nothing of ours',
  advice: 'It judges with code of its own: what it shared with the product, it could not find fault with.',
  breaches: (project) =>
    imports(project, (from, to) =>
      roomOf(from) === 'selftest' && roomOf(to) !== 'selftest' ? 'the judge shares no code with the judged' : null,
    ),
  broken: [{ 'src/selftest/a.ts': "import { b } from '../wire/b.ts'", 'src/wire/b.ts': '' }],
  kept: { 'src/selftest/a.ts': "import { b } from './b.ts'\nimport 'node:net'", 'src/selftest/b.ts': '' },
}

const productsApart: Rule = {
  name: 'gateway and webhooks do not know each other',
  advice: 'They meet in src/engine.ts: take what you need as a function or an interface, and have it connected there.',
  breaches: (project) =>
    imports(project, (from, to) =>
      [roomOf(from), roomOf(to)].toSorted().join() === 'gateway,webhooks' ? 'they meet in src/engine.ts' : null,
    ),
  broken: [
    { 'src/gateway/a.ts': "import type { B } from '../webhooks/b.ts'" },
    { 'src/webhooks/a.ts': "import { b } from '../gateway/b.ts'" },
  ],
  kept: { 'src/engine.ts': "import { a } from './gateway/a.ts'\nimport { b } from './webhooks/b.ts'" },
}

/** Who may know every policy: the list of what they do, and the list of what they can be told. */
const POLICY_LISTS: ReadonlySet<string> = new Set(['src/policies/index.ts', 'src/policies/schemas.ts'])

const policiesAreLeaves: Rule = {
  name: 'a policy imports no other policy, and no list of them',
  advice:
    'What two policies share goes directly into src/policies, or to a lower floor when it is no policy’s business.',
  breaches: (project) =>
    imports(project, (from, to) => {
      const policy = policyOf(from)
      if (roomOf(to) !== 'policies' || policyOf(to) === policy) return null
      if (policyOf(to) === '') return policy !== '' && POLICY_LISTS.has(to) ? 'a leaf does not know the list' : null
      return POLICY_LISTS.has(from) || roomOf(from) !== 'policies' ? null : `${policyOf(to)} is another policy`
    }),
  broken: [
    { 'src/policies/cors/cors.ts': "import { a } from '../key-auth/a.ts'" },
    { 'src/policies/cors/cors.ts': "import { POLICIES } from '../index.ts'" },
    { 'src/policies/cors/cors.ts': "import type { DocumentedPolicy } from '../schemas.ts'" },
    { 'src/policies/schema.ts': "import { a } from './key-auth/a.ts'" },
  ],
  kept: {
    'src/policies/cors/cors.ts': "import { a } from './a.ts'\nimport { b } from '../schema.ts'",
    'src/policies/index.ts': "import { cors } from './cors/cors.ts'",
    'src/policies/schemas.ts': "import { corsConfig } from './cors/schema.ts'",
  },
}

const rootsAreRoots: Rule = {
  name: 'nobody imports a composition root, but the command line the app, and its rehearsal',
  advice:
    'Files directly in src put the parts together. A part that needs something of them is given it; what several need goes to a floor.',
  breaches: (project) =>
    imports(project, (from, to) => {
      if (!/^src\/[^/]+$/.test(to)) return null
      if (to === 'src/main.ts') return 'the entry is imported by nobody'
      if (roomOf(from) === '' || (roomOf(from) === 'cli' && (to === 'src/app.ts' || to === 'src/rehearsal.ts')))
        return null
      return 'it stands above'
    }),
  broken: [
    { 'src/gateway/a.ts': "import { b } from '../app.ts'" },
    { 'src/cli/run.ts': "import type { B } from '../engine.ts'" },
    { 'src/app.ts': "import { b } from './main.ts'" },
  ],
  kept: {
    'src/cli/run.ts': "import { startApp } from '../app.ts'",
    'src/cli/explain.ts': "import { explainState } from '../rehearsal.ts'",
    'src/app.ts': "new Worker(new URL('./engine.ts', import.meta.url))",
  },
}

export const FLOOR_RULES: readonly Rule[] = [
  knownFloors,
  lowerFloors,
  wireAlone,
  judgeApart,
  productsApart,
  policiesAreLeaves,
  rootsAreRoots,
]
