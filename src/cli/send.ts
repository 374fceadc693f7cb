/** `postern send`: publishes an event through the API, or plays a provider whose webhook is signed. */
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { Command } from 'commander'
import { systemClock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import { Failure, systemCode } from './failure.ts'
import type { Host } from './host.ts'
import { addServerOptions, type ServerOptions, unreachable, withServer } from './server.ts'

interface SendOptions extends ServerOptions {
  readonly data?: string
  readonly sign?: string
  readonly to?: string
  readonly secret?: string
  readonly event?: string
}

const TIMEOUT_MS = 30_000

export function addSend(program: Command, host: Host): void {
  const command = program
    .command('send')
    .summary("publish an event, or send a provider's signed webhook")
    .description(
      'Publishes an event to a consumer through the API of a running server.\n' +
        'With --sign it plays a provider instead, and sends a webhook with that provider’s signature to a URL.',
    )
    .argument('[app]', 'the consumer: its name, id or uid')
    .argument('[event-type]', 'such as cart.item_added')
    .option('--data <json>', 'the payload: JSON, @FILE, or - for standard input')
  addServerOptions(command)
    .option('--sign <provider>', 'sign as this provider does: stripe, github, …')
    .option('--to <url>', 'with --sign: where to send it')
    .option('--secret <secret>', 'with --sign: the secret of the source')
    .option('--event <type>', 'with --sign: the type of the event')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        `  postern send partner cart.item_added --data '{"sku":"mug"}'\n` +
        '  postern send --sign stripe --to http://127.0.0.1:8080/hooks/stripe --secret whsec_… --event payment_intent.succeeded',
    )
    .action((app: string | undefined, eventType: string | undefined, options: SendOptions) =>
      options.sign === undefined ? publish(host, app, eventType, options) : play(host, options.sign, options),
    )
}

async function publish(host: Host, app: string | undefined, eventType: string | undefined, options: SendOptions) {
  if (app === undefined || eventType === undefined)
    throw new Failure('say for whom and what: postern send APP EVENT_TYPE')
  const payload = jsonObject(await readData(host, options.data ?? '{}'))
  const { id } = await withServer(host, options, (client) => client.publish(app, { eventType, payload }))
  host.stdout.write(`${id}\n`)
}

/** Prints the answer's status and body; Failure unless the status is 2xx. */
async function play(host: Host, provider: string, options: SendOptions): Promise<void> {
  const { to, secret, event: eventType, data } = options
  if (to === undefined || secret === undefined) throw new Failure('--sign needs --to URL and --secret SECRET as well')
  const [{ PROVIDERS, providerById }, { InvalidSecret }, { signedEvent }] = await Promise.all([
    import('../signatures/providers/index.ts'),
    import('../signatures/keys.ts'),
    import('./signed-event.ts'),
  ])
  const scheme = providerById(provider)
  if (scheme === null)
    throw new Failure(`no provider ${provider}; there are ${PROVIDERS.map((one) => one.id).join(', ')}`)
  if (!URL.canParse(to)) throw new Failure(`${to} is no URL`)

  const now = systemClock.now()
  const body = data === undefined ? undefined : await readData(host, data)
  const event = { eventType: eventType ?? 'test', id: newId('evt_', now), body, timestampMs: now }
  try {
    const signed = signedEvent(scheme, secret, event)
    const answer = await fetch(to, {
      method: 'POST',
      headers: signed.headers,
      body: Buffer.from(signed.body),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    host.stdout.write(`${answer.status} ${await answer.text()}\n`)
    if (!answer.ok) throw new Failure(`${to} answered ${answer.status}`)
  } catch (error) {
    throw error instanceof InvalidSecret ? new Failure(error.message) : unreachable(to, error)
  }
}

/** The bytes that `--data` means. */
async function readData({ stdin }: Host, data: string): Promise<Uint8Array> {
  if (data === '-') return buffer(stdin)
  if (!data.startsWith('@')) return Buffer.from(data)
  return readFile(data.slice(1)).catch((error: unknown) => {
    throw new Failure(`${data.slice(1)} cannot be read (${systemCode(error) ?? String(error)})`)
  })
}

function jsonObject(bytes: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Said below, as for JSON that is no object.
  }
  throw new Failure('the payload must be a JSON object')
}
