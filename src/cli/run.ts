/** `postern run`: serves a configuration file until it is asked to stop. */
import type { Command } from 'commander'
import { DEFAULT_FILE, readConfigFile, stateOfFile } from './config-file.ts'
import { Failure, lockedFailure } from './failure.ts'
import type { Host } from './host.ts'
import { stopRequested } from './signals.ts'

export function addRun(program: Command, host: Host): void {
  program
    .command('run')
    .summary('serve a configuration file')
    .description(
      'Serves a configuration file, and serves it anew whenever it changes. Writes its log to standard output as JSON lines.\n' +
        'SIGTERM or Ctrl-C finishes what runs and ends; a second one ends at once.',
    )
    .argument('[file]', 'the configuration', DEFAULT_FILE)
    .option('--takeover', 'take the place of the process that serves the same store, if there is one; it then ends')
    .addHelpText('after', '\nExample:\n  postern run postern.yaml')
    .action((name: string, options: RunOptions) => run(host, name, options))
}

interface RunOptions {
  readonly takeover?: boolean
}

async function run(host: Host, name: string, { takeover = false }: RunOptions): Promise<void> {
  const file = await readConfigFile(name)
  await stateOfFile(file, host)
  const { startApp } = await import('../app.ts')
  const stop = stopRequested(() => host.exitNow(1))
  const fatal = Promise.withResolvers<Error>()

  const starting = startApp({ file: file.path, env: host.env, takeover, onFatal: (error) => fatal.resolve(error) })
  const app = await starting.catch((error: unknown) => {
    throw startFailure(error)
  })
  const failure = await Promise.race([stop, app.relieved, fatal.promise])
  // What cannot be stopped in order after a failure must not hide the failure.
  await app.stop().catch((error: unknown) => {
    throw failure ?? error
  })
  if (failure !== undefined) throw failure
}

/** What the operating system refused, said so that it can be acted on; an engine thread hands over only the words. */
function startFailure(error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Error && error.name === 'StoreInUse')
    return new Failure(`${message}; stop that one, or take its place with \`postern run --takeover\``)
  const taken = /EADDRINUSE.*?(\S+:\d+|unix:\S+)/.exec(message)?.[1]
  if (taken !== undefined)
    return new Failure(`${taken} is taken by another process; stop that one, or change the address in the file`)
  const barred = /EACCES.*?(\S+:\d+)/.exec(message)?.[1]
  if (barred !== undefined)
    return new Failure(`${barred} may not be listened on by this user; choose a port above 1023`)
  const absent = /EADDRNOTAVAIL.*?(\S+:\d+)/.exec(message)?.[1]
  if (absent !== undefined) return new Failure(`${absent} is no address of this machine`)
  return lockedFailure(error)
}
