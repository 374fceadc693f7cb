/** The upstreams that gateways stand in front of, on the core of the load. */
import { chmodSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOAD_CORE } from '../machine.ts'
import { freePort, launch, temporaryFolder, untilListening } from '../processes.ts'
import { startNginx } from './nginx-config.ts'
import type { Upstream } from './peer.ts'

/** 212 bytes of JSON. */
const ANSWER = JSON.stringify({
  id: 'usr_2n5kq8',
  name: 'Example Person',
  email: 'person@shop.example',
  roles: ['customer', 'reviewer'],
  address: { street: '1 Example Street', city: 'Utrecht', country: 'NL' },
  created: '2024-05-01T12:00:00Z',
}).padEnd(212)

const SMALL = `location / { default_type application/json; return 200 '${ANSWER}'; }`

/** nginx with one small answer from memory. */
export function startUpstream(): Promise<Upstream> {
  return startNginx({ folder: temporaryFolder() }, { http: 'access_log off;', server: SMALL }, LOAD_CORE)
}

/** The same, and at `/BYTES` a file of that many bytes (zeros, which take no room on the disk). */
export function startFiles(bytes: number): Promise<Upstream> {
  const folder = temporaryFolder()
  // nginx started by root reads as a user of its own.
  chmodSync(folder, 0o755)
  const file = join(folder, `${bytes}`)
  writeFileSync(file, '')
  truncateSync(file, bytes)
  const server = `${SMALL} location = /${bytes} { root ${folder}; }`
  return startNginx({ folder }, { http: 'access_log off; sendfile on; tcp_nopush on;', server }, LOAD_CORE)
}

/** A server that reads bodies to their end, as fast as they come or with so many MB a second. */
export function startSink(readPerSecond = Number.POSITIVE_INFINITY): Promise<Upstream> {
  return startNode('sink', 'sink-server.ts', `${readPerSecond}`)
}

/** A server that takes every WebSocket and answers whatever comes with a message. */
export function startWebSockets(): Promise<Upstream> {
  return startNode('WebSocket upstream', 'websocket-server.ts')
}

async function startNode(what: string, file: string, ...args: readonly string[]): Promise<Upstream> {
  const port = await freePort()
  const launched = launch(process.execPath, [join(import.meta.dirname, file), `${port}`, ...args], LOAD_CORE)
  await untilListening(launched, what, port)
  return { launched, port }
}
