/** Being asked to stop: by a signal, or by the end of whoever started this process. */
import type { Environment } from '../config/environment.ts'

/**
 * A terminal sends Ctrl-C to npm and to us, and npm passes its own on: two signals for one key, a few ms apart. A second wish
 * comes later than that.
 */
const SAME_WISH_MS = 300

/** Resolves at the first SIGINT or SIGTERM, or when the parent's channel closes. A later signal calls `again`. */
export function stopRequested(again: () => void): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    let insist = false
    const ask = (): void => {
      if (insist) return again()
      if (asked) return
      asked = true
      setTimeout(() => (insist = true), SAME_WISH_MS).unref()
      resolve()
    }
    process.on('SIGINT', ask).on('SIGTERM', ask)
    // Whoever spawned us with a channel and was killed cannot send a signal any more.
    if (process.connected) process.once('disconnect', ask)
  })
}

const LOOK_EVERY_MS = 500

/**
 * Resolves when npm, if it runs us, is killed. It stands behind a shell, which dies of the signal without passing it on; all that we
 * can notice is that we have another parent.
 */
export function npmGone(env: Environment): Promise<void> {
  const parent = process.ppid
  return new Promise((resolve) => {
    if (env['npm_lifecycle_event'] === undefined) return
    const timer = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(timer)
      resolve()
    }, LOOK_EVERY_MS).unref()
  })
}
