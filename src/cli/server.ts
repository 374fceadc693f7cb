/** How commands reach a running server: its address, its token, and what to say when it does not answer. */
import type { Command } from 'commander'
import type { AdminClient } from '../admin/client.ts'
import { Failure, systemCode } from './failure.ts'
import type { Host } from './host.ts'

const DEFAULT_SERVER = 'http://127.0.0.1:8081'

export interface ServerOptions {
  readonly server?: string
  readonly token?: string
}

export function addServerOptions(command: Command): Command {
  return command
    .option('--server <url>', `admin address of a running Postern (else POSTERN_SERVER, else ${DEFAULT_SERVER})`)
    .option('--token <token>', 'its bearer token (else POSTERN_TOKEN)')
}

/** Asks a running server; its refusals and its silence become Failures that say what to do. */
export async function withServer<T>(
  { env }: Host,
  options: ServerOptions,
  ask: (client: AdminClient) => Promise<T>,
): Promise<T> {
  const url = options.server ?? env['POSTERN_SERVER'] ?? DEFAULT_SERVER
  const token = options.token ?? env['POSTERN_TOKEN']
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new Failure(`--server must be a URL such as ${DEFAULT_SERVER}`)
  if (token === undefined)
    throw new Failure('a token is needed: give --token or set POSTERN_TOKEN; `postern token FILE` prints it')
  const { AdminRefused, createAdminClient } = await import('../admin/client.ts')
  try {
    return await ask(createAdminClient({ url, token }))
  } catch (error) {
    if (error instanceof AdminRefused) {
      if (error.status === 401)
        throw new Failure(`${url} refuses this token; \`postern token FILE\` prints the right one`)
      throw new Failure(error.message)
    }
    throw unreachable(url, error)
  }
}

/** What fetch rejected with, as a Failure; anything else as it is. */
export function unreachable(url: string, error: unknown): unknown {
  const code = systemCode(error)
  if (code === 'ECONNREFUSED')
    return new Failure(`nothing answers at ${url}; start a server with \`postern run FILE\`, or name another address`)
  if (error instanceof TypeError && error.message === 'fetch failed')
    return new Failure(`${url} cannot be reached (${code ?? String(error.cause)})`)
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return new Failure(`${url} did not answer in time`)
  return error
}
