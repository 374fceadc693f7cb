/** Caddy's `reverse_proxy` with its defaults, which are: no access log, upstream connections kept. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SERVER_CORE } from '../machine.ts'
import { freePort, launch, untilListening } from '../processes.ts'
import type { Peer } from './peer.ts'

export const caddy: Peer = {
  name: 'Caddy',
  programs: ['caddy'],
  async start({ folder, upstream }) {
    const port = await freePort()
    const file = join(folder, 'Caddyfile')
    writeFileSync(
      file,
      `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${upstream.port}
}\n`,
    )
    // It keeps files in the home directory, which is to be ours.
    const home = ['HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME'].map((name) => `${name}=${folder}`)
    const launched = launch('env', [...home, 'caddy', 'run', '--config', file], SERVER_CORE)
    await untilListening(launched, 'caddy', port)
    return { launched, origin: `http://127.0.0.1:${port}`, headers: {} }
  },
}
