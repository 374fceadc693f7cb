/** `postern policies`: the policies there are, where they act, and what each can be told. */
import type { Command } from 'commander'
import type { z } from 'zod'
import { type Host, paintFor } from './host.ts'
import { columns } from './table.ts'

type Schema = z.core.JSONSchema.BaseSchema

export function addPolicies(program: Command, host: Host): void {
  program
    .command('policies')
    .summary('list the policies and their options')
    .description('Lists the policies in the order of their stages, with the options of each.')
    .option('--json', 'name, stage and JSON Schema of each')
    .addHelpText('after', '\nExample:\n  postern policies --json')
    .action((options: { json?: true }) => policies(host, options))
}

async function policies({ stdout, env }: Host, { json }: { json?: true }): Promise<void> {
  const [{ z }, { DOCUMENTED_POLICIES }] = await Promise.all([import('zod'), import('../policies/schemas.ts')])
  const listed = DOCUMENTED_POLICIES.map(({ name, stage, config }) => {
    const schema: Schema = z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' })
    return { name, stage, config: schema }
  })
  if (json) return void stdout.write(`${JSON.stringify(listed, null, 2)}\n`)
  const paint = paintFor(stdout, env)
  for (const { name, stage, config } of listed) {
    const lines = columns(optionRows(config))
    stdout.write(`${[`${paint.bold(name)}  ${paint.dim(stage)}`, ...lines].join('\n')}\n`)
  }
}

/** Name, whether it is needed or what it is without being written, what it does. */
function optionRows({ properties = {}, required = [] }: Schema): string[][] {
  return Object.entries(properties).map(([name, option]) => {
    const { description = '', default: value } = typeof option === 'boolean' ? {} : option
    const otherwise = value === undefined ? '' : `= ${JSON.stringify(value)}`
    return [`  ${name}`, required.includes(name) ? 'needed' : otherwise, description]
  })
}
