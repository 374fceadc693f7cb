/** An upstream at which nobody arrives. */
import { after } from 'node:test'
import { Worker } from 'node:worker_threads'
import { RawClient } from '../../src/selftest/raw-client.ts'

/** A port whose queue of new connections is full: nobody is refused there, and nobody is let in. */
export async function fullPort(): Promise<number> {
  const worker = new Worker(
    `const { createServer } = require('node:net')
     const { parentPort } = require('node:worker_threads')
     const server = createServer()
     server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
     })`,
    { eval: true },
  )
  const port = await new Promise<number>((resolve) => worker.once('message', resolve))
  const waiting = await Promise.all([RawClient.connect(port), RawClient.connect(port)])
  after(async () => {
    for (const client of waiting) client.close()
    await worker.terminate()
  })
  return port
}
