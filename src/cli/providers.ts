/** `postern providers`: whose webhooks can be verified, and by what. */
import type { Command } from 'commander'
import { type Host, paintFor } from './host.ts'
import { columns } from './table.ts'

export function addProviders(program: Command, host: Host): void {
  program
    .command('providers')
    .summary('list the providers whose webhooks can be verified')
    .description('Lists what `provider:` of a source can name, and how each signs.')
    .option('--json', 'everything about each')
    .addHelpText('after', '\nExample:\n  postern providers')
    .action((options: { json?: true }) => providers(host, options))
}

async function providers({ stdout, env }: Host, { json }: { json?: true }): Promise<void> {
  const { listProviders } = await import('../signatures/catalogue.ts')
  const listed = listProviders()
  if (json) return void stdout.write(`${JSON.stringify(listed, null, 2)}\n`)
  const [head, ...rows] = columns([
    ['PROVIDER', 'ALGORITHM', 'SIGNED', 'HEADERS'],
    ...listed.map(({ id, algorithm, signed, headers }) => [id, algorithm, signed, Object.keys(headers).join(', ')]),
  ])
  stdout.write(`${[paintFor(stdout, env).dim(head), ...rows].join('\n')}\n`)
}
