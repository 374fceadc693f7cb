/** `postern check`: says what is wrong with a configuration file, line by line, or that nothing is. */
import type { Command } from 'commander'
import type { DesiredState } from '../model/gateway.ts'
import { checkConfigFile, counted, DEFAULT_FILE, faulty, readConfigFile, showFaults } from './config-file.ts'
import type { Host } from './host.ts'

export function addCheck(program: Command, host: Host): void {
  program
    .command('check')
    .summary('say what is wrong with a configuration file')
    .description('Checks a configuration file and everything it names. Exit code 0 when it is good, 1 when it is not.')
    .argument('[file]', 'the configuration', DEFAULT_FILE)
    .option('--json', 'faults and warnings as JSON')
    .addHelpText('after', '\nExample:\n  postern check postern.yaml')
    .action((name: string, options: { json?: true }) => check(host, name, options))
}

async function check(host: Host, name: string, { json }: { json?: true }): Promise<void> {
  const file = await readConfigFile(name)
  const result = await checkConfigFile(file, host)
  const faults = result.ok ? [] : result.faults
  const warnings = result.ok ? result.warnings : []
  if (json) host.stdout.write(`${JSON.stringify({ ok: result.ok, faults, warnings }, null, 2)}\n`)
  else {
    await showFaults(host, file, 'error', faults)
    await showFaults(host, file, 'warning', warnings)
  }
  if (!result.ok) throw faulty(file, faults)
  if (!json) host.stdout.write(`${name} is good: ${summary(result.state)}\n`)
}

function summary({ routes, services, sources }: DesiredState): string {
  return [size(routes, 'route'), size(services, 'service'), size(sources, 'source')].join(', ')
}

function size(section: object, noun: string): string {
  return counted(Object.keys(section).length, noun)
}
