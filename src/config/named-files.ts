/** Watches the files that the configuration in force names: certificates, keys, schemas. */
import { type FileWatch, type WatchOptions, watchFile } from './watch.ts'

export class NamedFiles {
  private readonly changed: () => void
  private readonly options: Omit<WatchOptions, 'text'>
  private watches = new Map<string, { readonly text: string; readonly watch: FileWatch }>()

  /** Calls `changed` when one of them has another text than it was read with. */
  constructor(changed: () => void, options: Omit<WatchOptions, 'text'> = {}) {
    this.changed = changed
    this.options = options
  }

  /** By path, with the text that was read. */
  update(files: ReadonlyMap<string, string>): void {
    const before = this.watches
    this.watches = new Map()
    for (const [path, text] of files) {
      const known = before.get(path)
      before.delete(path)
      if (known?.text === text) this.watches.set(path, known)
      else {
        known?.watch.stop()
        this.watches.set(path, { text, watch: watchFile(path, this.changed, { ...this.options, text }) })
      }
    }
    for (const { watch } of before.values()) watch.stop()
  }

  stop(): void {
    this.update(new Map())
  }
}
