/** Postern for a benchmark: writes its configuration file, starts it the way an operator would, and waits for its ready line. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SERVER_CORE } from '../machine.ts'
import { freePort, launch, until } from '../processes.ts'
import type { Launched } from '../processes.ts'
import { KEY } from './key.ts'
import type { Peer } from './peer.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')

export interface RunningPostern {
  readonly launched: Launched
  /** Origin of the first listener. */
  readonly gateway: string
  /** Origin of the admin address. */
  readonly admin: string
  readonly file: string
}

/** Runs `postern run` on a file made of the given parts; store and logs are kept in `folder`. */
export async function startPostern(folder: string, parts: string, core?: number): Promise<RunningPostern> {
  const [listener, admin] = [await freePort(), await freePort()]
  const file = join(folder, 'postern.yaml')
  writeFileSync(
    file,
    `listeners: [{ address: 127.0.0.1:${listener} }]
admin: { address: 127.0.0.1:${admin} }
store: sqlite:${join(folder, 'postern.db')}
access-log: ${join(folder, 'access.log')}
threads: 1
egress: { allow: [127.0.0.0/8] }
${parts}\n`,
  )
  const launched = launch(process.execPath, [MAIN, 'run', file], core)
  await until(launched, 'postern', () => launched.output().includes('"msg":"ready"'))
  return { launched, gateway: `http://127.0.0.1:${listener}`, admin: `http://127.0.0.1:${admin}`, file }
}

/** The bearer token of the admin and webhook API of a file's store. */
export function posternToken(file: string): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, 'token', file], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`postern token: ${stderr}`)
  return stdout.trim()
}

function gatewayPeer(name: string, policies: string, guarded: boolean): Peer {
  return {
    name,
    async start({ folder, upstream }) {
      const parts = `services: { upstream: { instances: [http://127.0.0.1:${upstream.port}] } }
consumers: { load: { credentials: [{ api-key: ${KEY} }] } }
routes: { everything: { match: { path: /* }, policies: ${policies}, body-max: 0, proxy: upstream } }`
      const { launched, gateway } = await startPostern(folder, parts, SERVER_CORE)
      if (!guarded) return { launched, origin: gateway, headers: {} }
      return {
        launched,
        origin: gateway,
        headers: { 'x-api-key': KEY },
        refusedHeaders: { 'x-api-key': `${KEY}-wrong` },
      }
    },
  }
}

export const postern = gatewayPeer('Postern', '[]', false)

/** A limit that no load reaches: counting is measured, refusing is not. */
export const posternPolicies = gatewayPeer(
  'Postern, key-auth + rate-limit',
  '[key-auth, { rate-limit: { limit: 10000000, per: 1s, by: consumer } }]',
  true,
)
