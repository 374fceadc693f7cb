/** Postern for a benchmark: writes its configuration file, starts it the way an operator would, and waits for its ready line. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificate } from '../certificate.ts'
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
  /** What is in the file. */
  readonly text: string
}

/**
 * Runs `postern run` on a file made of the given parts; store and logs are kept in `folder`. With a certificate its listener
 * speaks TLS.
 */
export async function startPostern(
  folder: string,
  parts: string,
  core?: number,
  certificate?: Certificate,
): Promise<RunningPostern> {
  const [listener, admin] = [await freePort(), await freePort()]
  const file = join(folder, 'postern.yaml')
  const tls =
    certificate === undefined
      ? ''
      : `, tls: { certificates: [{ cert: ${certificate.certFile}, key: ${certificate.keyFile} }] }`
  const text = `listeners: [{ address: 127.0.0.1:${listener}${tls} }]
admin: { address: 127.0.0.1:${admin} }
store: sqlite:${join(folder, 'postern.db')}
access-log: ${join(folder, 'access.log')}
threads: 1
egress: { allow: [127.0.0.0/8] }
${parts}\n`
  writeFileSync(file, text)
  const launched = launch(process.execPath, [MAIN, 'run', file], core)
  await until(launched, 'postern', () => launched.output().includes('"msg":"ready"'))
  const scheme = certificate === undefined ? 'http' : 'https'
  return { launched, gateway: `${scheme}://127.0.0.1:${listener}`, admin: `http://127.0.0.1:${admin}`, file, text }
}

/** The bearer token of the admin and webhook API of a file's store. */
export function posternToken(file: string): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, 'token', file], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`postern token: ${stderr}`)
  return stdout.trim()
}

/** Adds a route, or takes away what the last call added, through the admin API. */
function reloader({ admin, file, text }: RunningPostern): () => Promise<void> {
  let [token, times] = ['', 0]
  return async () => {
    token ||= posternToken(file)
    const route = `  added-${times}: { match: { path: /added }, reply: { status: 204 } }\n`
    const response = await fetch(`${admin}/admin/v1/config`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/yaml' },
      body: times++ % 2 === 0 ? text + route : text,
    })
    const answer = await response.text()
    if (!response.ok) throw new Error(`reload ${times}: ${response.status} ${answer}`)
  }
}

function gatewayPeer(name: string, policies: string, guarded: boolean): Peer {
  return {
    name,
    async start({ folder, upstream, certificate }) {
      const parts = `services: { upstream: { instances: [http://127.0.0.1:${upstream.port}] } }
consumers: { load: { credentials: [{ api-key: ${KEY} }] } }
routes:
  everything: { match: { path: /* }, policies: ${policies}, body-max: 0, proxy: upstream }`
      const postern = await startPostern(folder, parts, SERVER_CORE, certificate)
      const running = { launched: postern.launched, origin: postern.gateway, reload: reloader(postern) }
      if (!guarded) return { ...running, headers: {} }
      return { ...running, headers: { 'x-api-key': KEY }, refusedHeaders: { 'x-api-key': `${KEY}-wrong` } }
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
