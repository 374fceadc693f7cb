/** The command line as a whole: its verbs, and how a command's end becomes an exit code. */
import { Command, CommanderError } from 'commander'
import { addCheck } from './check.ts'
import { addCompletion } from './completion.ts'
import { addDemo } from './demo.ts'
import { addExplain } from './explain.ts'
import { Failure } from './failure.ts'
import { type Host, paintFor } from './host.ts'
import { addPolicies } from './policies.ts'
import { addProviders } from './providers.ts'
import { addRun } from './run.ts'
import { addSelftest } from './selftest.ts'
import { addSend } from './send.ts'
import { addTail } from './tail.ts'
import { addSecrets } from './secrets.ts'
import { addToken } from './token.ts'

/** In the order of the help. */
const VERBS = [
  addDemo,
  addRun,
  addCheck,
  addExplain,
  addToken,
  addSecrets,
  addSend,
  addTail,
  addPolicies,
  addProviders,
  addSelftest,
  addCompletion,
]

/** `args` are the words after the program's name. Resolves to the exit code; what went wrong is said on standard error. */
export async function runCli(args: readonly string[], host: Host): Promise<number> {
  const paint = paintFor(host.stderr, host.env)
  const say = (text: string): void => void host.stderr.write(`${paint.red('error:')} ${text}\n`)
  try {
    await programFor(host).parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    if (error instanceof Failure) say(error.message)
    // Not the user's doing: the stack is for whoever repairs it.
    else say(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return 1
  }
}

function programFor(host: Host): Command {
  const { stdout, stderr, env, version } = host
  const paint = paintFor(stdout, env)
  const program = new Command('postern')
    .description('An API gateway and a webhook platform in one process.')
    .version(version, '--version', 'print the version')
    .helpCommand('help [verb]', 'display help for a verb')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      getOutHasColors: () => paint.isColorSupported,
      getErrHasColors: () => paintFor(stderr, env).isColorSupported,
    })
    .configureHelp({ styleTitle: paint.bold, subcommandTerm: (verb) => verb.name() })
    .addHelpText(
      'after',
      '\nExamples:\n  postern demo                 a small shop to try everything with\n  postern run postern.yaml     serve your own configuration',
    )
  for (const add of VERBS) add(program, host)
  return program
}
