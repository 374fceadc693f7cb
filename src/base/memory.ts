/** Gives memory back after a start: loading and compiling fill a young heap that an idle thread would keep for ever. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Collects everything and shrinks the heap of this thread, once: 19 MB of the main thread's 37 when measured, 20 ms. V8 offers it to
 * programs only through the function that `--expose-gc` adds; where it is not to be had, nothing happens.
 */
export function giveBackMemory(): void {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('typeof gc === "function" ? gc : undefined')
  setFlagsFromString('--no-expose-gc')
  if (typeof gc === 'function')
    Reflect.apply(gc, undefined, [{ type: 'major', execution: 'sync', flavor: 'last-resort' }])
}
