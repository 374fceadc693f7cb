/** Before anything is timed: every gateway must do the same job, or its figures mean nothing. */
import { Agent, request as requestHttp } from 'node:http'
import { Agent as TlsAgent, request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Running } from './peers/peer.ts'

/**
 * Probes a gateway: status, type and body must be those of the upstream and the connection must stay open; one with
 * policies must also answer 401 without a key and with a wrong one. Null, or a sentence on what differs.
 */
export async function parityFault(
  { origin, headers, refusedHeaders }: Running,
  expected: string,
): Promise<string | null> {
  const answer = await probe(origin, headers)
  if (answer !== expected) return `answers ${answer} where the upstream answers ${expected}`
  if (refusedHeaders === undefined) return null
  for (const wrong of [{}, refusedHeaders]) {
    const refusal = await probe(origin, wrong)
    if (!refusal.startsWith('401 ')) return `lets a wrong key through: ${refusal}`
  }
  return null
}

/** One GET, summed up in a line. */
export async function probe(origin: string, headers: Readonly<Record<string, string>>): Promise<string> {
  // Certificates are made for the run, so that there is nobody to vouch for them.
  const tls = origin.startsWith('https:')
  const agent = tls ? new TlsAgent({ keepAlive: true, rejectUnauthorized: false }) : new Agent({ keepAlive: true })
  try {
    return await new Promise((resolve, reject) => {
      const request = (tls ? requestHttps : requestHttp)(`${origin}/user/profile?lang=en`, { headers, agent })
      request.once('error', reject)
      request.once('response', (response) => {
        const { statusCode, headers } = response
        const connection = headers.connection === 'close' ? 'closes' : 'keeps'
        text(response).then((body) => resolve(`${statusCode} ${headers['content-type']} ${connection} ${body}`), reject)
      })
      request.end()
    })
  } finally {
    agent.destroy()
  }
}
