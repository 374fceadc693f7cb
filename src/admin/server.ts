/** The admin server's socket: plain HTTP on loopback; the public admin address is a gateway listener that proxies to it. */
import { once } from 'node:events'
import { createAdaptorServer } from '@hono/node-server'

export interface AdminListener {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** Stops accepting, lets requests in flight end, closes idle connections. */
  close(): Promise<void>
}

/** Listens on a port of the system's choosing. Rejects when it cannot. */
export async function listenAdmin(app: {
  fetch(request: Request): Response | Promise<Response>
}): Promise<AdminListener> {
  const server = createAdaptorServer({
    fetch: (request) => app.fetch(request),
    hostname: '127.0.0.1',
    // The lighter Request and Response it would install globally are for speed; this server is not hot.
    overrideGlobalObjects: false,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('The admin server has no port.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}
