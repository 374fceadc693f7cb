/** Runs tasks one after the other, slice by slice, and goes on with those that an end of the process has cut off. */
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import type { Task, Work } from '../model/task.ts'
import { type Store, StoreUnavailable } from '../store/port.ts'

/** Rows of a slice: some 5 ms of the store, in which nothing else is committed. */
const SLICE_ROWS = 500
const AGAIN_MS = 1_000

export interface TasksDeps {
  readonly store: Store
  readonly clock: Clock
  /** Deliveries became due. */
  readonly wake: () => void
  /** The store could not do a slice; it is tried again. */
  readonly fault: (error: unknown) => void
}

export class Tasks {
  private readonly deps: TasksDeps
  private readonly queue: string[] = []
  private running: Promise<void> | null = null
  private stopping = false
  private hurry: (() => void) | null = null

  constructor(deps: TasksDeps) {
    this.deps = deps
  }

  /** Goes on with what is unfinished, the oldest first. */
  async start(): Promise<void> {
    let before: string | undefined
    const unfinished: string[] = []
    for (;;) {
      const page = await this.deps.store.listTasks({ limit: 250, state: 'running', after: before })
      unfinished.push(...page.map(({ id }) => id))
      before = page.at(-1)?.id
      if (page.length < 250) break
    }
    for (const id of unfinished.toReversed()) this.enqueue(id)
  }

  /** Resolves when the task is durable: it will be done. */
  async add(work: Work): Promise<Task> {
    const now = this.deps.clock.now()
    const beginning = { state: 'running', cursor: null, done: 0, result: null, failure: null } as const
    const task: Task = { id: newId('qtask_', now), work, ...beginning, createdAt: now, updatedAt: now }
    await this.deps.store.putTask(task)
    this.enqueue(task.id)
    return task
  }

  /** Lets the slice under way be the last; the next start goes on from there. */
  async stop(): Promise<void> {
    this.stopping = true
    this.hurry?.()
    await this.running
  }

  private enqueue(id: string): void {
    if (this.queue.includes(id)) return
    this.queue.push(id)
    this.running ??= this.run()
  }

  private async run(): Promise<void> {
    for (let id = this.queue[0]; id !== undefined && !this.stopping; id = this.queue[0]) {
      await this.finish(id)
      this.queue.shift()
    }
    this.running = null
  }

  private async finish(id: string): Promise<void> {
    const { store, clock, wake, fault } = this.deps
    let done = 0
    while (!this.stopping) {
      try {
        const task = await store.advanceTask(id, SLICE_ROWS, clock.now())
        if (task !== null && task.done > done) wake()
        if (task?.state !== 'running') return
        done = task.done
      } catch (error) {
        fault(error)
        if (!(error instanceof StoreUnavailable)) return // it would fail again; the next start tries once more
        await this.pause()
      }
    }
  }

  private pause(): Promise<void> {
    if (this.stopping) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, AGAIN_MS)
      this.hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
