/** `postern explain`: which route a request would meet, what acts on it in which order, and why no other gets it. */
import type { Command } from 'commander'
import type { Explanation } from '../gateway/explain.ts'
import { readConfigFile, stateOfFile } from './config-file.ts'
import { Failure } from './failure.ts'
import { type Host, type Paint, paintFor } from './host.ts'
import { addServerOptions, type ServerOptions, withServer } from './server.ts'
import { columns } from './table.ts'

interface ExplainOptions extends ServerOptions {
  readonly config?: string
  readonly json?: true
}

export function addExplain(program: Command, host: Host): void {
  const command = program
    .command('explain')
    .summary('say which route and policies a request would meet')
    .description(
      'Says which route a request would meet, what acts on it in which order, and why no other route gets it.',
    )
    .argument('<method>', 'GET, POST, …')
    .argument('<url>', 'a URL, or a path when the host does not matter')
    .option('--config <file>', 'explain this file instead of what a server runs')
  addServerOptions(command)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  postern explain --config postern.yaml GET /user/profile')
    .action((method: string, url: string, options: ExplainOptions) => explain(host, method, url, options))
}

async function explain(host: Host, method: string, target: string, options: ExplainOptions): Promise<void> {
  const url = target.startsWith('/') ? `http://localhost${target}` : target
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw new Failure(`${target} is no URL; write one, or a path that begins with /`)
  const explanation =
    options.config === undefined
      ? await askServer(host, options, method, url)
      : await explainFile(host, options.config, method, url)
  if (options.json) host.stdout.write(`${JSON.stringify(explanation, null, 2)}\n`)
  else host.stdout.write(`${present(explanation, paintFor(host.stdout, host.env))}\n`)
}

async function explainFile(host: Host, name: string, method: string, url: string): Promise<Explanation> {
  const state = await stateOfFile(await readConfigFile(name), host)
  const { explainState } = await import('../rehearsal.ts')
  return explainState(state, method, url)
}

async function askServer(host: Host, options: ServerOptions, method: string, url: string): Promise<Explanation> {
  const { ExplanationOut } = await import('./explanation.ts')
  return ExplanationOut.parse(await withServer(host, options, (client) => client.explain(method, url)))
}

function present(explanation: Explanation, paint: Paint): string {
  const { method, host, path, route, why, policies, target, others } = explanation
  const steps = columns(policies.map(({ name, stage, scope }, i) => [`  ${i + 1}.`, name, stage, scope]))
  const missed = columns(others.map((other) => [`  ${other.route}`, other.reason]))
  return [
    `${paint.bold(`${method} ${host}${path ?? ''}`)} → ${route === null ? paint.red('no route') : paint.green(route)}`,
    `  ${why}`,
    '',
    paint.dim('Policies, in the order in which they see the request (answers run it backwards):'),
    ...(steps.length === 0 ? ['  none'] : steps),
    '',
    `${paint.dim('Then:')} ${target}`,
    ...(missed.length === 0 ? [] : ['', paint.dim('Other routes:'), ...missed]),
  ].join('\n')
}
