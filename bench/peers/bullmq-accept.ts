/** The accepting process of the BullMQ peer: 202 after the job is in Redis. `node bullmq-accept.ts REDIS_PORT PIPELINING PORT`. */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Queue } from 'bullmq'
import { QUEUE, connection } from './bullmq-queue.ts'
import type { Job } from './bullmq-queue.ts'

const [, , redisPort, pipelining, port] = process.argv
const queue = new Queue<Job>(QUEUE, {
  connection: connection(redisPort!, pipelining!),
  defaultJobOptions: { attempts: 8, backoff: { type: 'exponential', delay: 5000 }, removeOnComplete: true },
})

async function accept(text: string): Promise<string> {
  const event: { eventType: string; payload: unknown } = JSON.parse(text)
  const id = `msg_${randomUUID()}`
  await queue.add(event.eventType, { id, payload: JSON.stringify(event.payload) }, { jobId: id })
  return JSON.stringify({ id, eventType: event.eventType })
}

async function unfinished(): Promise<string> {
  return `${await queue.getJobCountByTypes('wait', 'active', 'delayed', 'failed')}`
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  const publishing = request.method === 'POST'
  if (publishing && request.headers.authorization !== 'Bearer bench') {
    response.writeHead(401).end()
    return
  }
  const reply = async (text: string) => {
    const body = publishing ? await accept(text) : await unfinished()
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    response.writeHead(publishing ? 202 : 200, headers).end(body)
  }
  let text = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    text += chunk
  })
  request.on('end', () => {
    reply(text).catch(() => response.writeHead(500).end())
  })
}

createServer({ keepAlive: true }, handle).listen(Number(port), '127.0.0.1', 1024)
