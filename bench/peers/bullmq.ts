/** BullMQ and undici on Redis: what a team puts together itself. Redis, a process that accepts, a process that delivers. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { freePort, launch, untilListening } from '../processes.ts'
import type { Launched } from '../processes.ts'
import type { WebhookPeer } from './webhook-peer.ts'

interface Setting {
  /** When Redis syncs its append-only file. Postern syncs before it answers, as `always` does. */
  readonly fsync: 'everysec' | 'always'
  /** Commands of one turn of the event loop go out together: not the default, and 10 to 20 % more events here. */
  readonly pipelining: boolean
}

function peer(name: string, { fsync, pipelining }: Setting): WebhookPeer {
  return {
    name,
    async start(folder, receiverUrl) {
      const [redisPort, acceptPort] = [await freePort(), await freePort()]
      const durable = ['--appendonly', 'yes', '--appendfsync', fsync, '--save', '', '--dir', folder]
      const redis = launch('redis-server', ['--port', `${redisPort}`, '--bind', '127.0.0.1', ...durable])
      await untilListening(redis, 'redis-server', redisPort)
      const secret = randomBytes(24).toString('base64')
      const toRedis = [`${redisPort}`, `${pipelining}`]
      const worker = startNode('bullmq-worker.ts', ...toRedis, receiverUrl, secret)
      const accept = startNode('bullmq-accept.ts', ...toRedis, `${acceptPort}`)
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
}

/** Client and store with the defaults of their documentation. An event that was accepted is lost when Redis dies within the second. */
export const bullmq = peer('BullMQ + undici', { fsync: 'everysec', pipelining: false })
/** The fastest setting that was found. */
export const bullmqPipelining = peer('BullMQ + undici, pipelining', { fsync: 'everysec', pipelining: true })
/** The same with the promise that Postern gives. */
export const bullmqDurable = peer('BullMQ + undici, pipelining, fsync always', { fsync: 'always', pipelining: true })

function startNode(file: string, ...args: readonly string[]): Launched {
  return launch(process.execPath, [join(import.meta.dirname, file), ...args])
}
