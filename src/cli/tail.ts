/** `postern tail`: follows the attempts of all deliveries as they are recorded. */
import type { Command } from 'commander'
import { type Host, type Paint, paintFor } from './host.ts'
import { addServerOptions, type ServerOptions, withServer } from './server.ts'
import { stopRequested } from './signals.ts'

interface TailOptions extends ServerOptions {
  readonly json?: true
}

export function addTail(program: Command, host: Host): void {
  const command = program
    .command('tail')
    .summary('follow deliveries as they happen')
    .description('Prints every attempt of a delivery as it is recorded, from now on, until Ctrl-C.')
  addServerOptions(command)
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  postern tail')
    .action((options: TailOptions) => tail(host, options))
}

async function tail(host: Host, options: TailOptions): Promise<void> {
  const over = new AbortController()
  void stopRequested(() => host.exitNow(1)).then(() => over.abort())
  const paint = paintFor(host.stdout, host.env)
  await withServer(host, options, async (client) => {
    for await (const attempt of client.tail({}, over.signal))
      host.stdout.write(`${options.json ? JSON.stringify(attempt) : line(attempt, paint)}\n`)
  })
}

interface ShownAttempt {
  readonly startedAt: string
  readonly ok: boolean
  readonly status: number
  readonly failure: string | null
  readonly latencyMs: number
  readonly messageId: string
  readonly url: string
}

/** `12:04:31.027Z  ✓ 200    3 ms  msg_2c7G… → https://partner.example/webhooks` */
function line({ startedAt, ok, status, failure, latencyMs, messageId, url }: ShownAttempt, paint: Paint): string {
  const outcome = `${ok ? '✓' : '✗'} ${status === 0 ? '---' : status}`
  return [
    paint.dim(startedAt.slice(startedAt.indexOf('T') + 1)),
    (ok ? paint.green : paint.red)(outcome),
    `${latencyMs} ms`.padStart(8),
    `${messageId} → ${url}`,
    ...(failure === null ? [] : [paint.red(failure)]),
  ].join('  ')
}
