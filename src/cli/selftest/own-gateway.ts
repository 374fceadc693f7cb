/** The Postern that a selftest without a URL attacks: a process of its own on loopback, in a folder that goes with it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Access, type GatewayProcess, startGateway } from '../gateway-process.ts'
import type { Host } from '../host.ts'

export interface OwnGateway extends GatewayProcess {
  /** Where the corpus is played. */
  readonly url: string
}

const OWN_PATH = '/selftest'

export async function startOwnGateway(
  { entry, env }: Host,
  upstreamUrl: string,
  onAccess: (access: Access) => void,
): Promise<OwnGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-selftest-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 })
  try {
    const file = join(folder, 'postern.yaml')
    await writeFile(file, configuration(upstreamUrl), { mode: 0o600 })
    const gateway = await startGateway({ entry, file, env, onAccess })
    return {
      ...gateway,
      url: `${gateway.gateway}${OWN_PATH}/`,
      async stop() {
        await gateway.stop()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

function configuration(upstreamUrl: string): string {
  return `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
egress: { allow: [127.0.0.0/8] }
services:
  recorder: { instances: ['${upstreamUrl}'], timeouts: { first-byte: 3s, idle: 3s } }
routes:
  selftest: { match: { path: ${OWN_PATH}/* }, body-max: 0, proxy: recorder }
`
}
