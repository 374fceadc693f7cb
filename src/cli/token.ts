/** `postern token`: prints the bearer token of a file's store, and nothing else, so that a shell can capture it. */
import type { Command } from 'commander'
import type { Environment } from '../config/environment.ts'
import type { DesiredState } from '../model/gateway.ts'
import { DEFAULT_FILE, readConfigFile, stateOfFile } from './config-file.ts'
import { lockedFailure } from './failure.ts'
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
      host.stdout.write(`${await tokenOf(state, host.env)}\n`)
    })
}

/** The token of the store that a configuration names. A server may have it open at the same time. */
export async function tokenOf(state: DesiredState, env: Environment): Promise<string> {
  const { adminToken, openStore, unlock } = await import('../rehearsal.ts')
  const store = await openStore(state)
  try {
    return await adminToken((await unlock(store, state, env)).store)
  } catch (error) {
    throw lockedFailure(error)
  } finally {
    await store.close()
  }
}
