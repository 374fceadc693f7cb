/** `postern demo`: a shop that shows everything once, then stays up to be tried. */
import { type Command, InvalidArgumentError } from 'commander'
import type { DemoOptions } from './demo/demo.ts'
import type { Host } from './host.ts'

export function addDemo(program: Command, host: Host): void {
  program
    .command('demo')
    .summary('show everything once, with a small shop')
    .description(
      'Starts a small shop and a gateway in front of it, shows what happens step by step, then stays up to be tried.\n' +
        'Everything binds to loopback; state and secrets are kept in .postern/ in this folder.',
    )
    .option('--once', 'end after the story: exit code 0 when every step happened, 1 when one did not')
    .option('--port <port>', 'port of the gateway', port, 8080)
    .option('--admin-port <port>', 'port of the admin API', port, 8081)
    .addHelpText('after', '\nExample:\n  postern demo --port 8090 --admin-port 8091')
    .action(async (options: DemoOptions) => {
      const { demo } = await import('./demo/demo.ts')
      await demo(host, options)
    })
}

function port(text: string): number {
  const number = Number(text)
  if (/^\d{1,5}$/.test(text) && number <= 65_535) return number
  throw new InvalidArgumentError('It must be a number from 0 to 65535.')
}
