/** Postern as a webhook platform, set up through the same public API that any SDK uses. */
import { z } from 'zod'
import { posternToken, startPostern } from './postern.ts'
import type { RunningPlatform, WebhookPeer } from './webhook-peer.ts'

const APP = 'bench'
const ANY = z.unknown()
const ENDPOINT = z.object({ id: z.string() })
const SECRET = z.object({ key: z.string() })
const ATTEMPTS = z.object({ data: z.array(z.object({ status: z.number() })) })
/** `status` of an attempt that succeeded, in the webhook API. */
const SUCCESS = 0

export const posternWebhooks: WebhookPeer = {
  name: 'Postern',
  async start(folder, receiverUrl): Promise<RunningPlatform> {
    const { launched, admin, file } = await startPostern(folder, 'routes: {}')
    const headers = { authorization: `Bearer ${posternToken(file)}` }
    const call = async <T>(schema: z.ZodType<T>, method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> => {
      const init = body === undefined ? {} : { body: JSON.stringify(body) }
      const response = await fetch(`${admin}/api/v1${path}`, {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        ...init,
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return schema.parse(JSON.parse(text))
    }
    await call(ANY, 'POST', '/app', { name: APP, uid: APP })
    const endpoint = await call(ENDPOINT, 'POST', `/app/${APP}/endpoint`, { url: receiverUrl })
    const { key } = await call(SECRET, 'GET', `/app/${APP}/endpoint/${endpoint.id}/secret`)
    const done = async (id: string) => {
      const attempts = await call(ATTEMPTS, 'GET', `/app/${APP}/attempt/msg/${id}`)
      return attempts.data.some(({ status }) => status === SUCCESS)
    }
    return {
      pids: [launched.pid],
      publishUrl: `${admin}/api/v1/app/${APP}/msg`,
      headers,
      secret: key,
      recorded: async (lastIds) => (await Promise.all(lastIds.map(done))).every(Boolean),
    }
  },
}
