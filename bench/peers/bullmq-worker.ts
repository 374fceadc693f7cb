/** The delivering process of the BullMQ peer: signs and POSTs over kept connections. `node bullmq-worker.ts REDIS_PORT PIPELINING URL SECRET`. */
import { createHmac } from 'node:crypto'
import { Worker } from 'bullmq'
import { Pool } from 'undici'
import { QUEUE, connection } from './bullmq-queue.ts'
import type { Job } from './bullmq-queue.ts'

/** Jobs in flight at once, each on its own connection: the fastest of 50, 100, 200 and 400 where this was tuned. */
const CONCURRENCY = 400

const [, , redisPort, pipelining, receiver, secret] = process.argv
const { origin, pathname } = new URL(receiver!)
const key = Buffer.from(secret!, 'base64')
const pool = new Pool(origin, { connections: CONCURRENCY, pipelining: 1 })

async function deliver({ data }: { data: Job }): Promise<void> {
  const timestamp = Math.floor(Date.now() / 1000)
  // The signed content is id, timestamp and body joined by dots (Standard Webhooks).
  const signature = createHmac('sha256', key).update(`${data.id}.${timestamp}.${data.payload}`).digest('base64')
  const { statusCode, body } = await pool.request({
    path: pathname,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': data.id,
      'webhook-timestamp': `${timestamp}`,
      'webhook-signature': `v1,${signature}`,
    },
    body: data.payload,
  })
  await body.dump()
  if (statusCode < 200 || statusCode > 299) throw new Error(`answered ${statusCode}`)
}

new Worker<Job>(QUEUE, deliver, { connection: connection(redisPort!, pipelining!), concurrency: CONCURRENCY }).on(
  'error',
  (error) => process.stderr.write(`${error.message}\n`),
)
