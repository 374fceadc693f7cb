/** What holds for every policy: where it lives, how its schema behaves, and that its page says what the schema says. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { PROBLEMS } from '../base/problem.ts'
import { STAGES } from '../pipeline/stages.ts'
import { POLICIES, policyNamed } from './index.ts'
import { DOCUMENTED_POLICIES } from './schemas.ts'

/** What is read of a JSON Schema here. */
interface Described {
  readonly description?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Described>>
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
}

const STATUS_OF = new Map<string, number>(Object.values(PROBLEMS).map(({ code, status }) => [code, status]))

/** The rows of a policy's option table; an option that is an object has a row for each of its own. */
function optionRows(schema: Described, prefix = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, option]) => {
    assert.ok(option.description, `${prefix}${name} has no description`)
    if (option.properties !== undefined) return optionRows(option, `${prefix}${name}.`)
    return [
      `| \`${prefix}${name}\` | ${defaultOf(option, schema.required?.includes(name) ?? false)} | ${option.description} |`,
    ]
  })
}

function defaultOf(option: Described, required: boolean): string {
  if (option.default === undefined) return required ? 'required' : 'none'
  return `\`${typeof option.default === 'string' ? option.default : JSON.stringify(option.default)}\``
}

describe('policies', () => {
  it('are listed once, by stage', () => {
    const names = POLICIES.map(({ name }) => name)
    assert.deepEqual(names, [...new Set(names)])
    const stages = POLICIES.map(({ stage }) => STAGES.indexOf(stage))
    assert.deepEqual(
      stages,
      stages.toSorted((a, b) => a - b),
    )
  })

  it('are found by their name', () => {
    for (const policy of POLICIES) assert.equal(policyNamed(policy.name), policy)
    assert.equal(policyNamed('key_auth'), null)
  })

  it('have a schema each', () => {
    assert.deepEqual(
      DOCUMENTED_POLICIES.map(({ name, stage }) => ({ name, stage })),
      POLICIES.map(({ name, stage }) => ({ name, stage })),
    )
  })
})

for (const policy of DOCUMENTED_POLICIES) {
  describe(`policy ${policy.name}`, () => {
    const page = readFileSync(new URL(`./${policy.name}/README.md`, import.meta.url), 'utf8')
    const schema: Described = JSON.parse(JSON.stringify(z.toJSONSchema(policy.config, { io: 'input' })))

    it('takes no option that it does not know', () => {
      assert.equal(schema.additionalProperties, false)
      const result = policy.config.safeParse({ 'no-such-option': 1 })
      assert.ok(result.error?.issues.some((issue) => issue.code === 'unrecognized_keys'))
    })

    it('has a page that says its name, its stage and each option as its schema does', () => {
      assert.ok(page.startsWith(`# ${policy.name}\n`))
      assert.ok(page.includes(`Stage: \`${policy.stage}\``))
      const lines = page.split('\n').map((line) => line.replaceAll(/ +/g, ' '))
      const written = lines.filter((line) => /^\| `[a-z.]+` \|/i.test(line))
      assert.deepEqual(written, optionRows(schema))
    })

    it('has a page whose examples are valid', () => {
      const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => parse(text!))
      assert.ok(examples.length > 0)
      for (const { policies } of examples) {
        const uses: readonly Record<string, unknown>[] = policies.map((use: unknown) =>
          typeof use === 'string' ? { [use]: {} } : use,
        )
        const mine = uses.filter((use) => policy.name in use)
        assert.ok(mine.length > 0)
        for (const use of mine) policy.config.parse(use[policy.name])
      }
    })

    it('has a page that names refusals of the catalogue', () => {
      for (const [, status, code] of page.matchAll(/^\| (\d{3}) +\| `([a-z-]+)` +\|/gm)) {
        assert.equal(STATUS_OF.get(code!), Number(status), code!)
      }
    })
  })
}
