/** Rules about files as such: how they begin, how long they may be, what their folders are called, what no text may hold. */
import type { Rule } from './rule.ts'
import { joined } from './rule.ts'

const OWN_CODE = ['src', 'test', 'bench', 'examples'] as const

const firstSentence: Rule = {
  name: 'every file of code begins with a sentence on what it is for',
  advice: 'Begin with /** One sentence with a capital and a full stop. */ (after a #! line, if there is one).',
  breaches: (project) =>
    OWN_CODE.flatMap((folder) => project.sources(folder))
      .filter(({ text }) => !/^(?:#![^\n]*\n)?\/\*\*\s(?:\s*\* )?\S(?:(?!\*\/)[\s\S])*[.?!]/.test(text))
      .map(({ path }) => path),
  broken: [
    { 'src/base/a.ts': 'export const a = 1' },
    { 'src/base/a.ts': '/* A plain comment. */' },
    { 'src/base/a.ts': '/** no sentence */' },
    { 'src/base/a.ts': "import 'b'\n/** Too late. */" },
    { 'test/a.test.ts': '' },
  ],
  kept: {
    'src/main.ts': '#!/usr/bin/env node\n/** The entry. */',
    'src/base/a.ts': '/**\n * Longer than a line, and\n * still a sentence.\n */\n',
  },
}

const LINES_MAX = 300

const shortFiles: Rule = {
  name: `no file of code but a test is longer than ${LINES_MAX} lines`,
  advice: 'It holds two things: find the second noun and give it a file.',
  breaches: (project) =>
    OWN_CODE.flatMap((folder) => project.sources(folder))
      .filter(({ part }) => part !== 'test')
      .map(({ path, text }) => ({ path, count: text.trimEnd().split('\n').length }))
      .filter(({ count }) => count > LINES_MAX)
      .map(({ path, count }) => `${path} has ${count} lines`),
  broken: [{ 'src/base/a.ts': '//\n'.repeat(LINES_MAX + 1) }],
  kept: { 'src/base/a.ts': '//\n'.repeat(LINES_MAX), 'src/base/a.test.ts': '//\n'.repeat(LINES_MAX + 1) },
}

const fullFolders: Rule = {
  name: 'every folder of src holds something',
  advice: 'Put in what it is for, or remove it.',
  breaches: (project) =>
    [...project.folders].filter(
      (folder) =>
        /^src(?:\/|$)/.test(folder) && ![...project.files.keys()].some((path) => path.startsWith(`${folder}/`)),
    ),
  broken: [{ 'src/base/a.ts': '', 'src/base/empty/': '' }],
  kept: { 'src/base/full/a.ts': '' },
}

const NO_NAME = /^(?:utils?|helpers?|common|lib|libs|misc|shared|stuff|tools?)(?:\.ts)?$/

const namedByNoun: Rule = {
  name: 'no folder or file is called utils, helpers, common, lib or the like',
  advice: 'Name it after the noun it holds; if it holds several, it is several files.',
  breaches: (project) =>
    [...project.folders, ...project.files.keys()].filter((path) => {
      const last = path.split('/').at(-1)!
      return OWN_CODE.some((folder) => path.startsWith(`${folder}/`)) && NO_NAME.test(last)
    }),
  broken: [{ 'src/utils/a.ts': '' }, { 'src/wire/helpers.ts': '' }, { 'test/common/a.ts': '' }],
  kept: { 'src/wire/library.ts': '', 'src/counters/shared-memory.ts': '' },
}

/** Folders of a developer's or a build machine, at the start of a path. */
const MACHINE_PATH = /(?<![\w.~}$*-])\/(?:root|work|tmp|Users|home|mnt|private)\/[\w.-]+|\b[A-Z]:\\Users\\/
/** Hosts that packages come from. Whoever installs says where from; the lock file pins by hash. */
const PACKAGE_HOST =
  /https?:\/\/(?:[\w-]+\.)*(?:registry|artifactory|nexus|verdaccio|mirrors?|proxy\.golang)[\w-]*\.[\w.-]+|"resolved":\s*"https?:|^registry\s*=/im

const noMachines: Rule = {
  name: 'no text names a path of somebody’s machine or a host that packages come from',
  advice:
    'Write it relative to the repository, make a temporary folder with node:os, and leave package hosts to the reader’s npm.',
  breaches: (project) =>
    [...project.files].flatMap(([path, text]) =>
      [MACHINE_PATH, PACKAGE_HOST].flatMap((pattern) => {
        const at = text.search(pattern)
        return at === -1 ? [] : [`${path}:${text.slice(0, at).split('\n').length}`]
      }),
    ),
  broken: [
    { 'docs/a.md': joined('see /ro', 'ot/main/a.ts') },
    { 'src/base/a.ts': joined("const a = '/ho", "me/somebody/a'") },
    { 'package-lock.json': joined('"resolved": "htt', 'ps://packages.example/a.tgz"') },
    { '.npmrc': joined('regis', 'try=https://packages.example/') },
    { 'docs/a.md': joined('from https://regis', 'try.example.org/a') },
  ],
  kept: { 'docs/a.md': 'GET /user/profile, https://api.example/home/a, ${HOME}/home/a, npm registry' },
}

export const FILE_RULES: readonly Rule[] = [firstSentence, shortFiles, fullFolders, namedByNoun, noMachines]
