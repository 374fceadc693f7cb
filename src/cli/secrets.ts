/** `postern secrets rotate`: another key for the secrets in a file's store. */
import type { Command } from 'commander'
import { DEFAULT_FILE, readConfigFile, stateOfFile } from './config-file.ts'
import { Failure, systemCode } from './failure.ts'
import type { Host } from './host.ts'

export function addSecrets(program: Command, host: Host): void {
  program
    .command('secrets')
    .summary("the key that seals a store's secrets")
    .description("What seals the signing secrets and credentials in a file's store.")
    .command('rotate')
    .summary('make another key')
    .description(
      'Puts another key before those in the file beside the store. The next start (`postern run --takeover` loses nothing) seals\n' +
        'everything with it. Keys before it stay in the file, for copies of the store that were made with them.',
    )
    .argument('[file]', 'the configuration', DEFAULT_FILE)
    .addHelpText('after', '\nExample:\n  postern secrets rotate postern.yaml && postern run --takeover postern.yaml')
    .action(async (name: string) => {
      const state = await stateOfFile(await readConfigFile(name), host)
      if (state.sealingKeys.length > 0 || host.env['POSTERN_MASTER_KEY'] !== undefined)
        throw new Failure(
          'the key is given, not in a file: give another as `secrets.key` and the one before as `secrets.previous`',
        )
      const { keyFileOf } = await import('../rehearsal.ts')
      const { rotateKeyFile } = await import('../store/keyring.ts')
      const file = keyFileOf(state)
      try {
        host.stdout.write(`The key ${rotateKeyFile(file)} in ${file} seals from the next start on.\n`)
      } catch (error) {
        if (systemCode(error) === 'ENOENT') throw new Failure(`there is no ${file} yet; the first start makes it`)
        throw error
      }
    })
}
