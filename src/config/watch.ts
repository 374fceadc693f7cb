/** Watches one file and hands over its text whenever that has changed, however editors and orchestrators replace it. */
import { readFile, stat } from 'node:fs/promises'

export interface WatchOptions {
  /** The text already in use; the first call-back comes when the file differs from it. */
  readonly text: string
  /** Quiet time after a change was seen before the file is read: an editor writes in several steps. */
  readonly settleMs?: number
  /** How often the file's stamp is looked at. */
  readonly pollMs?: number
}

export interface FileWatch {
  /** After this nothing is called back and nothing is held. */
  stop(): void
}

const SETTLE_MS = 100
const POLL_MS = 500

/**
 * Calls `changed` with each new text. A file that is away for a moment is waited for. The stamp of whatever the path leads to is looked at:
 * that sees a rename (editors, `mv`), a mounted ConfigMap's link and a network's file system alike. The folder's events would be quicker,
 * but a store in the same folder makes thousands a second: 10 µs of the main thread for each delivery, measured.
 */
export function watchFile(path: string, changed: (text: string) => void, options: WatchOptions): FileWatch {
  const { settleMs = SETTLE_MS, pollMs = POLL_MS } = options
  let current = options.text
  let stamp = ''
  let stopped = false
  let settle: NodeJS.Timeout | undefined

  const read = async (): Promise<void> => {
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (stopped || text === undefined || text === current) return
    current = text
    changed(text)
  }

  const look = async (): Promise<void> => {
    const now = await stat(path, { bigint: true }).catch(() => undefined)
    if (stopped || now === undefined) return
    const seen = `${now.ino} ${now.size} ${now.mtimeNs}`
    if (seen === stamp) return
    stamp = seen
    clearTimeout(settle)
    settle = setTimeout(() => void read(), settleMs).unref()
  }

  const poll = setInterval(() => void look(), pollMs).unref()

  return {
    stop: () => {
      stopped = true
      clearTimeout(settle)
      clearInterval(poll)
    },
  }
}
