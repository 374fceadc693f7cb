/** Consumers' code over what is sent to them, as an engine has it: run in a thread of its own, which starts with the first and is replaced when it fails. */
import { Worker } from 'node:worker_threads'
import type { Transformation } from '../model/webhook.ts'

/** For one run, waiting not counted: the thread's own bound is half a second; one that does not keep it is ended. */
const RUN_MS_MAX = 3_000
/** Runs that wait; beyond it the next fails, and is tried again by its schedule. */
const WAITING_MAX = 1_000

export interface TransformJob {
  readonly number: number
  readonly code: string
  /** JSON. */
  readonly input: string
  readonly variables: Readonly<Record<string, string>>
}

export interface TransformAnswer {
  readonly number: number
  /** Why there is no output; null when there is. */
  readonly reason: string | null
  /** JSON of what the handler returned. */
  readonly output: string
}

interface Waiting {
  readonly job: TransformJob
  resolve(answer: TransformAnswer): void
}

export class Transformations {
  private worker: Worker | null = null
  private readonly waiting: Waiting[] = []
  private running: Waiting | null = null
  private timer: NodeJS.Timeout | undefined
  private last = 0
  private closed = false

  /** Never rejects: what goes wrong is the reason. */
  run({ code, variables }: Transformation, input: string): Promise<TransformAnswer> {
    const { promise, resolve } = Promise.withResolvers<TransformAnswer>()
    const job = { number: ++this.last, code, input, variables }
    if (this.closed || this.waiting.length >= WAITING_MAX)
      return Promise.resolve({ number: job.number, reason: 'too many wait', output: '' })
    this.waiting.push({ job, resolve })
    this.next()
    return promise
  }

  async close(): Promise<void> {
    this.closed = true
    const left = this.waiting.splice(0)
    if (this.running !== null) left.push(this.running)
    for (const one of left) one.resolve({ number: one.job.number, reason: 'the engine stops', output: '' })
    this.running = null
    clearTimeout(this.timer)
    await this.worker?.terminate()
    this.worker = null
  }

  private next(): void {
    if (this.running !== null) return
    const one = this.waiting.shift()
    if (one === undefined) return
    this.running = one
    this.worker ??= this.start()
    this.worker.postMessage(one.job)
    this.timer = setTimeout(() => this.fail('it did not end'), RUN_MS_MAX)
  }

  private start(): Worker {
    const program = new URL(
      import.meta.url.endsWith('.ts') ? './transform-thread.ts' : './transform-thread.js',
      import.meta.url,
    )
    const worker = new Worker(program, { name: 'transformations', resourceLimits: { maxOldGenerationSizeMb: 128 } })
    worker.on('message', (answer: TransformAnswer) => {
      if (worker === this.worker && answer.number === this.running?.job.number) this.end(answer)
    })
    worker.on('error', (error: Error) => {
      if (worker === this.worker) this.fail(`its thread failed: ${error.message}`)
    })
    worker.unref()
    return worker
  }

  /** The thread is not to be trusted any more. */
  private fail(reason: string): void {
    void this.worker?.terminate()
    this.worker = null
    if (this.running !== null) this.end({ number: this.running.job.number, reason, output: '' })
  }

  private end(answer: TransformAnswer): void {
    const { running } = this
    clearTimeout(this.timer)
    this.running = null
    running?.resolve(answer)
    this.next()
  }
}
