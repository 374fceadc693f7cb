/** The demo's two fixed ports: checked before anything is started, so that the message is about the port. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Failure, systemCode } from '../failure.ts'

const HOST = '127.0.0.1'

/** Throws Failure for the first port that cannot be listened on. Keys are the options that choose another; 0 is any port. */
export async function insistOnPorts(ports: Readonly<Record<string, number>>): Promise<void> {
  for (const [option, port] of Object.entries(ports)) {
    const code = port === 0 ? undefined : await refusal(port)
    if (code === 'EADDRINUSE')
      throw new Failure(
        `port ${port} on ${HOST} is taken, perhaps by another demo: stop what listens there, ` +
          `or choose another with \`npm start -- ${option} ${port === 65_535 ? port - 10 : port + 10}\``,
      )
    if (code !== undefined)
      throw new Failure(`port ${port} on ${HOST} cannot be had (${code}); choose another with ${option}`)
  }
}

async function refusal(port: number): Promise<string | undefined> {
  // Not shared: with `reusePort` two gateways could have one port, and each would get some of the requests.
  const server = createServer().listen({ host: HOST, port, exclusive: true })
  try {
    await once(server, 'listening')
    return undefined
  } catch (error) {
    return systemCode(error) ?? String(error)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}
