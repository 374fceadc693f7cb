/** `postern token`: prints the bearer token of a file's store, and nothing else, so that a shell can capture it. */
import type { Command } from 'commander'
import { DEFAULT_FILE, readConfigFile, stateOfFile } from './config-file.ts'
import type { Host } from './host.ts'

export function addToken(program: Command, host: Host): void {
  program
    .command('token')
    .summary("print the bearer token of a file's store")
    .description(
      'Prints the bearer token for the admin and webhook API of the store that a file names, made if absent.',
    )
    .argument('[file]', 'the configuration', DEFAULT_FILE)
    .addHelpText('after', '\nExample:\n  export POSTERN_TOKEN=$(postern token postern.yaml)')
    .action(async (name: string) => {
      const state = await stateOfFile(await readConfigFile(name), host)
      const { tokenOf } = await host.roots()
      host.stdout.write(`${await tokenOf(state)}\n`)
    })
}
