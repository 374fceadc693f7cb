/** Opens a store: starts its thread, hands out ports to it, ends it. */
import { once } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { StoreUnavailable } from '../port.ts'
import type { Store } from '../port.ts'
import { clientOf } from './client.ts'
import type { DatabaseOptions } from './database.ts'
import { asError } from './faults.ts'
import type { Order } from './protocol.ts'

export interface StoreOptions extends Omit<DatabaseOptions, 'path'> {
  /** Called once when the store's thread ends without having been asked to: nothing can be stored any more. */
  readonly onFailure?: ((error: Error) => void) | undefined
}

/** The store's thread, seen from the thread that started it. */
export interface StoreHost {
  /** A new port to the store, to be transferred to an engine thread and given to `clientOf` there. */
  connect(): MessagePort
  /** A new client for this thread. */
  client(): Store
  /** Commits and answers what was called before, moves the log into the file, ends the thread. */
  close(): Promise<void>
}

/**
 * Opens the SQLite store at `path` (made if absent) in a thread of its own. Rejects when the file is no store, cannot be
 * written, or was written by a newer version; with an error named StoreInUse when it is to be had alone and another process serves
 * it. The thread alone does not keep the process alive.
 */
export async function openSqliteStore(path: string, options: StoreOptions = {}): Promise<StoreHost> {
  const workerData: DatabaseOptions = { path, bytesMax: options.bytesMax, tenancy: options.tenancy }
  const program = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url)
  // The options of this process are not the thread's: `--input-type` and the like would break it.
  const worker = new Worker(program, { name: 'store', workerData, execArgv: ['--disable-warning=ExperimentalWarning'] })
  await once(worker, 'message') // its first word, said when the tables are up to date; an error before that rejects
  worker.unref()

  let ended: Error | null = null
  let closing = false
  let failure: Error | null = null
  const exit = new Promise<void>((resolve) => {
    worker.once('error', (error) => (failure = asError(error)))
    worker.once('exit', (code) => {
      ended =
        failure ??
        (closing
          ? new StoreUnavailable('The store is closed.')
          : new StoreUnavailable(`The store's thread ended with ${code}.`))
      if (!closing) options.onFailure?.(ended)
      resolve()
    })
  })

  function connect(): MessagePort {
    if (ended !== null) throw new StoreUnavailable(ended.message)
    const { port1, port2 } = new MessageChannel()
    worker.postMessage({ connect: port1 } satisfies Order, [port1])
    return port2
  }

  return {
    connect,
    client: () => clientOf(connect()),
    async close() {
      if (ended === null && !closing) {
        closing = true
        await new Promise((resolve) => setImmediate(resolve)) // clients of this thread send in the check phase
        worker.ref()
        worker.postMessage('close' satisfies Order)
      }
      await exit
      if (failure !== null) throw failure
    },
  }
}
