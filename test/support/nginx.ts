/** A real nginx as an upstream: what Postern sends is read by somebody who knows nothing of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tempFolder } from './temp.ts'
import { listen as listenOn } from './unit/loopback.ts'

export interface Nginx {
  readonly port: number
  stop(): Promise<void>
}

/** Without privileges, in a folder of its own. `listen` follows the port: `ssl`, `proxy_protocol`. */
export async function startNginx(listen: string, server: string): Promise<Nginx> {
  const folder = await tempFolder()
  const port = await freePort()
  const file = join(folder.path, 'nginx.conf')
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  await writeFile(
    file,
    `daemon off;
worker_processes 1;
pid ${join(folder.path, 'nginx.pid')};
events { worker_connections 64; }
http {
  access_log off;
  ${kinds.map((kind) => `${kind}_temp_path ${join(folder.path, kind)};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port} ${listen};
    ${server}
  }
}
`,
  )
  const child = spawn('nginx', ['-e', join(folder.path, 'error.log'), '-c', file], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  while (!(await isOpen(port))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
    await sleep(20)
  }
  return {
    port,
    async stop() {
      child.kill('SIGTERM')
      await exited
      process.off('exit', kill)
      await folder.remove()
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listenOn(server)
  server.close()
  await once(server, 'close')
  return port
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
