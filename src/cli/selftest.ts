/** `postern selftest`: plays a corpus of hostile bytes against a gateway and reports what came of them on either side. */
import { type Command, InvalidArgumentError } from 'commander'
import { Failure } from './failure.ts'
import type { Host } from './host.ts'
import type { SelftestOptions } from './selftest/selftest.ts'

export function addSelftest(program: Command, host: Host): void {
  program
    .command('selftest')
    .summary('attack a gateway with bytes that are read in two ways')
    .description(
      'Plays a corpus of hostile bytes against a gateway, this one or any other, and reports what came of them at the client and at\n' +
        'an upstream. Without a URL it starts a Postern of its own on loopback and attacks that. Only test what is yours.\n' +
        'Certificates are not judged. Rows of HTTP/2 apply where it is spoken: by ALPN behind TLS, with prior knowledge in clear.',
    )
    .argument('[url]', 'where requests are sent; what is below its path should lead to the recording upstream')
    .option('--upstream <address>', 'listen here as the recording upstream, such as 127.0.0.1:9999')
    .option('--only <tables>', 'tables or rows of tables, such as F,P or F14,S2', tables, [])
    .option('--minutes <number>', 'then send random mutations of valid exchanges for this long', minutes, 0)
    .option('--seed <seed>', 'repeat an earlier attack: what its report says')
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  postern selftest --minutes 10\n' +
        '  postern selftest http://127.0.0.1:8080/selftest/ --upstream 127.0.0.1:9999',
    )
    .action(async (url: string | undefined, options: SelftestOptions) => {
      if (url === undefined && options.upstream !== undefined)
        throw new Failure('--upstream needs the URL of the gateway that leads there')
      const { selftest } = await import('./selftest/selftest.ts')
      await selftest(host, url, options)
    })
}

function tables(text: string): string[] {
  const all = text.split(',').map((one) => one.trim().toUpperCase())
  const strange = all.find((one) => !/^[FPS]\d{0,2}$/.test(one))
  if (strange === undefined) return all
  throw new InvalidArgumentError(
    'Tables are F (framing), P (paths and trust) and S (semantics); a row is one of F1 to S15.',
  )
}

function minutes(text: string): number {
  const number = Number(text)
  if (number >= 0 && number <= 10_080) return number
  throw new InvalidArgumentError('It must be a number of minutes.')
}
