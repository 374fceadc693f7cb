/** BullMQ and undici on Redis: what a team puts together itself. Redis, a process that accepts, a process that delivers. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { freePort, launch, untilListening } from '../processes.ts'
import type { Launched } from '../processes.ts'
import type { WebhookPeer } from './webhook-peer.ts'

export const bullmq: WebhookPeer = {
  name: 'BullMQ + undici',
  async start(folder, receiverUrl) {
    const [redisPort, acceptPort] = [await freePort(), await freePort()]
    // An fsync once a second is Redis's own recommendation for its append-only file; Postern's is one a commit.
    const durable = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '', '--dir', folder]
    const redis = launch('redis-server', ['--port', `${redisPort}`, '--bind', '127.0.0.1', ...durable])
    await untilListening(redis, 'redis-server', redisPort)
    const secret = randomBytes(24).toString('base64')
    const worker = startNode('bullmq-worker.ts', `${redisPort}`, receiverUrl, secret)
    const accept = startNode('bullmq-accept.ts', `${redisPort}`, `${acceptPort}`)
    await untilListening(accept, 'BullMQ accept', acceptPort)
    const origin = `http://127.0.0.1:${acceptPort}`
    return {
      pids: [redis.pid, accept.pid, worker.pid],
      publishUrl: `${origin}/msg`,
      headers: { authorization: 'Bearer bench' },
      secret: `whsec_${secret}`,
      recorded: async () => (await (await fetch(`${origin}/unfinished`)).text()) === '0',
    }
  },
}

function startNode(file: string, ...args: readonly string[]): Launched {
  return launch(process.execPath, [join(import.meta.dirname, file), ...args])
}
