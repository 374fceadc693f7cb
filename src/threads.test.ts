/** threads: calls reach an engine that is still starting, and one that has ended says so. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { remoteLog } from './observe/log.ts'
import { EngineEnded, callsTo } from './threads.ts'

const log = remoteLog(() => {})

test('what is said before an engine answers waits for it, in order', async () => {
  const worker = new Worker(
    `import { setTimeout as sleep } from 'node:timers/promises'
     import { parentPort } from 'node:worker_threads'
     await sleep(20)
     let said = 0
     parentPort.on('message', ({ id }) => parentPort.postMessage({ id, value: ++said }))`,
    { eval: true },
  )
  const calls = callsTo(worker, log, () => {})
  assert.deepEqual(await Promise.all([calls.metrics(), calls.wake(), calls.metrics()]), [1, 2, 3])
  await worker.terminate()
})

test('a call to an engine that ends, or has ended, rejects with EngineEnded', async () => {
  const worker = new Worker('setTimeout(() => {}, 20)', { eval: true })
  const calls = callsTo(worker, log, () => {})
  const exit = once(worker, 'exit')
  await assert.rejects(calls.metrics(), EngineEnded)
  await exit
  await assert.rejects(calls.wake(), EngineEnded)
})
