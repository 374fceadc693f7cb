/** nginx, the peer that sets the scale: plain, and with the least Lua that does what a gateway's policies do. */
import { join } from 'node:path'
import { SERVER_CORE } from '../machine.ts'
import { KEY } from './key.ts'
import { startNginx } from './nginx-config.ts'
import type { NginxParts } from './nginx-config.ts'
import type { Ground, Peer, Running } from './peer.ts'

/** `proxy_pass` with upstream connections kept and an access log written in blocks. */
function proxy({ folder, upstream }: Ground, location: string): NginxParts {
  return {
    http: `access_log ${join(folder, 'access.log')} combined buffer=64k flush=1s;
    upstream upstream { server 127.0.0.1:${upstream.port}; keepalive 128; keepalive_requests 1000000000; }`,
    // Bodies go through as they come, in both directions: cheaper for it than its default, files in between.
    server: `location = /socket {
      proxy_pass http://upstream;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_read_timeout 1h;
    }
    client_max_body_size 0;
    location / {
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      ${location}
      proxy_pass http://upstream;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }`,
  }
}

async function start(ground: Ground, parts: NginxParts): Promise<Running> {
  const { launched, port } = await startNginx(ground, parts, SERVER_CORE)
  const scheme = ground.certificate === undefined ? 'http' : 'https'
  return { launched, origin: `${scheme}://127.0.0.1:${port}`, headers: {} }
}

export const nginx: Peer = {
  name: 'nginx',
  start: (ground) => start(ground, proxy(ground, '')),
}

/**
 * A key looked up in a table, a counter of this second in memory shared by workers, one header for the service and one
 * for the client: nothing of what a gateway would add to that (no configuration, no hashing of keys, no metrics).
 */
const POLICIES = `access_by_lua_block {
        local consumer = consumers[ngx.var.http_x_api_key]
        if not consumer then return ngx.exit(401) end
        local count = ngx.shared.counters:incr(consumer, 1, 0, 1)
        if count > 10000000 then return ngx.exit(429) end
        ngx.req.set_header('X-Consumer', consumer)
        ngx.header['RateLimit'] = 10000000 - count
      }`

export const nginxLua: Peer = {
  name: 'nginx + Lua',
  programs: ['nginx-lua'],
  async start(ground) {
    const { http, server } = proxy(ground, POLICIES)
    const running = await start(ground, {
      main: 'load_module modules/ndk_http_module.so; load_module modules/ngx_http_lua_module.so;',
      http: `${http}
      lua_shared_dict counters 10m;
      init_by_lua_block { consumers = { ['${KEY}'] = 'load' } }`,
      server,
    })
    return { ...running, headers: { 'x-api-key': KEY }, refusedHeaders: { 'x-api-key': `${KEY}-wrong` } }
  },
}
