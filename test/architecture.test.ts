/** The house rules, each a test on the repository and a proof that it would notice: see ARCHITECTURE.md for the reasons. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DOCUMENT_RULES } from './architecture/documents.ts'
import { FILE_RULES } from './architecture/files.ts'
import { FLOOR_RULES } from './architecture/floors.ts'
import { GRAPH_RULES } from './architecture/graph.ts'
import { Project, readProject } from './architecture/project.ts'
import { WORD_RULES } from './architecture/words.ts'

const RULES = [...FLOOR_RULES, ...GRAPH_RULES, ...WORD_RULES, ...FILE_RULES, ...DOCUMENT_RULES]
const repository = readProject(fileURLToPath(new URL('..', import.meta.url)))

describe('the house', () => {
  for (const { name, advice, breaches } of RULES) {
    test(name, () => {
      const found = breaches(repository)
      assert.ok(found.length === 0, `\n  ${found.join('\n  ')}\n→ ${advice}\n`)
    })
  }
})

describe('a rule that cannot fail guards nothing', () => {
  for (const { name, breaches, broken, kept } of RULES) {
    test(name, () => {
      for (const tree of broken) {
        assert.notDeepEqual(breaches(new Project(tree)), [], `not noticed: ${JSON.stringify(tree)}`)
      }
      assert.deepEqual(breaches(new Project(kept)), [], `blamed without reason: ${JSON.stringify(kept)}`)
    })
  }
})
