/** nginx for a benchmark: one worker that keeps connections as long as the load does, in folders of ours. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesMax } from '../machine.ts'
import { freePort, launch, untilListening } from '../processes.ts'
import type { Launched } from '../processes.ts'
import type { Ground } from './peer.ts'

/** Both legs of what is held idle, and the sixteenth that it keeps free by closing connections that wait. */
const CONNECTIONS_MAX = 24_000

export interface NginxParts {
  /** What goes before everything else: modules. */
  readonly main?: string
  /** What goes into `http`, besides the servers. */
  readonly http: string
  /** What goes into `server`, besides its `listen`. */
  readonly server: string
}

export interface RunningNginx {
  readonly launched: Launched
  readonly port: number
}

/** Its folders are ours, so that it needs no privileges. */
export async function startNginx(
  { folder, certificate }: Pick<Ground, 'folder' | 'certificate'>,
  { main = '', http, server }: NginxParts,
  core: number,
): Promise<RunningNginx> {
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join(' ')
  const tls =
    certificate === undefined
      ? ''
      : `ssl_certificate ${certificate.certFile}; ssl_certificate_key ${certificate.keyFile}; ssl_protocols TLSv1.2 TLSv1.3;`
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `${main}
daemon off;
worker_processes 1;
worker_rlimit_nofile ${Math.min(CONNECTIONS_MAX, filesMax())};
pid ${join(folder, 'nginx.pid')};
events { worker_connections ${CONNECTIONS_MAX}; }
http {
  ${temporary}
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  ${http}
  server {
    listen 127.0.0.1:${port} ${tls === '' ? '' : 'ssl http2'} backlog=1024;
    ${tls}
    ${server}
  }
}\n`,
  )
  const launched = launch('nginx', ['-e', join(folder, 'error.log'), '-c', file], core)
  await untilListening(launched, 'nginx', port)
  return { launched, port }
}
