/** nginx twice: as the upstream that all gateways stand in front of, and as the peer that sets the scale. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOAD_CORE, SERVER_CORE } from '../machine.ts'
import { freePort, launch, untilListening } from '../processes.ts'
import type { Launched } from '../processes.ts'
import type { GatewayPeer } from './gateway-peer.ts'

/** 212 bytes of JSON. */
const ANSWER = JSON.stringify({
  id: 'usr_2n5kq8',
  name: 'Example Person',
  email: 'person@shop.example',
  roles: ['customer', 'reviewer'],
  address: { street: '1 Example Street', city: 'Utrecht', country: 'NL' },
  created: '2024-05-01T12:00:00Z',
}).padEnd(212)

export async function startUpstream(folder: string): Promise<{ readonly launched: Launched; readonly port: number }> {
  const port = await freePort()
  const server = `access_log off;
    server {
      listen 127.0.0.1:${port} backlog=1024;
      location / { default_type application/json; return 200 '${ANSWER}'; }
    }`
  const launched = await startNginx(folder, server, port, LOAD_CORE)
  return { launched, port }
}

export const nginx: GatewayPeer = {
  name: 'nginx',
  async start({ folder, upstreamPort }) {
    const port = await freePort()
    const server = `access_log ${join(folder, 'access.log')} combined buffer=64k flush=1s;
    upstream upstream { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000000; }
    server {
      listen 127.0.0.1:${port} backlog=1024;
      location / {
        proxy_pass http://upstream;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
      }
    }`
    const launched = await startNginx(folder, server, port, SERVER_CORE)
    return { launched, origin: `http://127.0.0.1:${port}`, headers: {} }
  },
}

/** One worker that keeps connections as long as the load does. Its folders are ours, so that it needs no privileges. */
async function startNginx(folder: string, http: string, port: number, core: number): Promise<Launched> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join(' ')
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off;
  worker_processes 1;
  pid ${join(folder, 'nginx.pid')};
  events { worker_connections 1024; }
  http {
    ${temporary}
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    ${http}
  }\n`,
  )
  const launched = launch('nginx', ['-e', join(folder, 'error.log'), '-c', file], core)
  await untilListening(launched, 'nginx', port)
  return launched
}
