/** Watches one file and hands over its text whenever that has changed, however editors and orchestrators replace it. */
import { type FSWatcher, watch } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface WatchOptions {
  /** The text already in use; the first call-back comes when the file differs from it. */
  readonly text: string
  /** Quiet time after the last event before the file is read: an editor writes in several steps. */
  readonly settleMs?: number
  /** How often the file's stamp is looked at, for file systems that report nothing. */
  readonly pollMs?: number
}

export interface FileWatch {
  /** After this nothing is called back and nothing is held. */
  stop(): void
}

const SETTLE_MS = 100
const POLL_MS = 2000

/**
 * Calls `changed` with each new text. A file that is away for a moment is waited for. The folder is watched rather than the file, because
 * a file replaced by a rename (editors, `mv`, a mounted ConfigMap's link) is another file.
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

  const soon = (): void => {
    clearTimeout(settle)
    if (!stopped) settle = setTimeout(() => void read(), settleMs).unref()
  }

  const look = async (): Promise<void> => {
    const now = await stat(path, { bigint: true }).catch(() => undefined)
    if (now === undefined) return
    const seen = `${now.ino} ${now.size} ${now.mtimeNs}`
    if (seen !== stamp) soon()
    stamp = seen
  }

  const watcher = watchFolder(dirname(path), soon)
  const poll = setInterval(() => void look(), pollMs).unref()

  return {
    stop: () => {
      stopped = true
      clearTimeout(settle)
      clearInterval(poll)
      watcher?.close()
    },
  }
}

/** Undefined where folders cannot be watched (no such folder, out of watches): polling goes on alone. */
function watchFolder(folder: string, event: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, event)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}
