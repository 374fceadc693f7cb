/** tasks: they go on where they were, when the store comes back and when another process starts. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../base/clock.ts'
import type { Work } from '../model/task.ts'
import { newConsumer, newEndpoint, newMessage, settlement } from '../store/conformance/subject.ts'
import { type Store, StoreUnavailable } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite/open.ts'
import { Tasks } from './tasks.ts'

const FAILED = 25_000

/** A store with one endpoint, where every other delivery was given up. */
async function withFailures(t: TestContext, failed: number) {
  const directory = await mkdtemp(join(tmpdir(), 'postern-tasks-'))
  const opened = await openSqliteStore(join(directory, 'postern.db'))
  t.after(async () => {
    await opened.close()
    await rm(directory, { recursive: true })
  })
  const store = opened.client()
  const consumer = newConsumer()
  const endpoint = newEndpoint({ consumerId: consumer.id })
  await store.putConsumer(consumer)
  await store.putEndpoint(endpoint)
  const make = () => newMessage({ consumerId: consumer.id, endpoints: [endpoint.id], leased: true })
  for (let i = 0; i < failed; i += 500) {
    const sent = Array.from({ length: Math.min(1_000, 2 * (failed - i)) }, make)
    await store.append('engine', sent)
    await store.settle(
      'engine',
      sent.map((one, j) => settlement(one, j % 2 === 0 ? 'exhausted' : 'delivered')),
    )
  }
  const work: Work = {
    kind: 'recover',
    consumerId: consumer.id,
    endpointId: endpoint.id,
    from: 0,
    until: Number.MAX_SAFE_INTEGER,
  }
  return { store, work }
}

function run(store: Store, onWake: () => void = () => undefined) {
  const faults: unknown[] = []
  const tasks = new Tasks({ store, clock: systemClock, wake: onWake, fault: (error) => faults.push(error) })
  return { tasks, faults }
}

async function finished(store: Store, id: string) {
  for (;;) {
    const task = await store.getTask(id)
    if (task?.state !== 'running') return task
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('25 000 failures among as many successes are recovered, each once, across a stop', async (t) => {
  const { store, work } = await withFailures(t, FAILED)
  const slices = Promise.withResolvers<void>()
  let wakes = 0
  const first = run(store, () => {
    if (++wakes === 3) slices.resolve()
  })
  const { id } = await first.tasks.add(work)
  await slices.promise
  await first.tasks.stop()
  const halfway = (await store.getTask(id))!
  assert.equal(halfway.state, 'running')
  assert.ok(halfway.done > 0 && halfway.done < FAILED)

  const second = run(store)
  await second.tasks.start()
  const task = await finished(store, id)
  assert.deepEqual([task?.state, task?.done], ['finished', FAILED])
  const { deliveries } = await store.stats()
  assert.deepEqual([deliveries['pending'], deliveries['delivered'], deliveries['exhausted']], [FAILED, FAILED, 0])
  await second.tasks.stop()
  assert.deepEqual([...first.faults, ...second.faults], [])
})

test('a store that is away for a moment is waited for; one that refuses a task does not hold up the others', async (t) => {
  const { store, work } = await withFailures(t, 10)
  let away = 1
  let poisoned = ''
  const flaky: Store = {
    ...store,
    advanceTask: (id, rows, nowMs) => {
      if (id === poisoned) return Promise.reject(new Error('a fault of ours'))
      if (away-- > 0) return Promise.reject(new StoreUnavailable('disk full'))
      return store.advanceTask(id, rows, nowMs)
    },
  }
  const { tasks, faults } = run(flaky)
  const poison = await tasks.add(work)
  poisoned = poison.id
  const { id } = await tasks.add(work)
  assert.equal((await finished(store, id))?.done, 10)
  assert.equal((await store.getTask(poisoned))?.state, 'running', 'the next start tries again')
  await tasks.stop()
  assert.deepEqual(faults.map((error) => (error instanceof Error ? error.name : '')).toSorted(), [
    'Error',
    'StoreUnavailable',
  ])
})
