/** Somebody else's server as a child process: what Postern says and hears there is read by a program that knows nothing of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tempFolder } from './temp.ts'
import { listen } from './unit/loopback.ts'

export interface ForeignServer {
  readonly port: number
  stop(): Promise<void>
}

interface Program {
  readonly command: string
  /** Its words, given the files it may use. */
  readonly args: (config: string, folder: string) => readonly string[]
  readonly config: (port: number, folder: string) => string
}

/** nginx without privileges. `listening` follows the port: `ssl`, `proxy_protocol`. */
export function startNginx(listening: string, server: string): Promise<ForeignServer> {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return start({
    command: 'nginx',
    args: (config, folder) => ['-e', join(folder, 'error.log'), '-c', config],
    config: (port, folder) => `daemon off;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
events { worker_connections 64; }
http {
  access_log off;
  ${kinds.map((kind) => `${kind}_temp_path ${join(folder, kind)};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port} ${listening};
    ${server}
  }
}
`,
  })
}

/** HAProxy that hands connections on as they are. `sends`: `send-proxy`, `send-proxy-v2`. */
export function startHaproxy(to: number, sends: string): Promise<ForeignServer> {
  return start({
    command: 'haproxy',
    args: (config) => ['-db', '-f', config],
    config: (port) => `defaults
  mode tcp
  timeout connect 5s
  timeout client 1m
  timeout server 1m
listen all
  bind 127.0.0.1:${port}
  server postern 127.0.0.1:${to} ${sends}
`,
  })
}

async function start({ command, args, config }: Program): Promise<ForeignServer> {
  const folder = await tempFolder()
  const port = await freePort()
  const file = join(folder.path, 'server.conf')
  await writeFile(file, config(port, folder.path))
  const child = spawn(command, args(file, folder.path), { stdio: 'ignore' })
  const exited = once(child, 'exit')
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  while (!(await isOpen(port))) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`)
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
  const port = await listen(server)
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
