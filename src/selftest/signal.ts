/** Waiting for something to become true: whoever changes the state calls `changed`, whoever waits names what it wants. */

/** A guard against hanging, not a measurement: only a wait that would never end meets it. */
const PATIENCE_MS = 5_000

export class Signal {
  private readonly waiting = new Set<() => void>()

  /** Lets every waiter look again. */
  changed(): void {
    for (const look of this.waiting) look()
  }

  /** The first value of `get` that is not undefined. What `get` throws rejects. `describe` is asked when patience runs out. */
  until<T>(get: () => T | undefined, describe: () => string, patienceMs = PATIENCE_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.waiting.delete(look)
        clearTimeout(timer)
        act()
      }
      const look = (): void => {
        try {
          const value = get()
          if (value !== undefined) settle(() => resolve(value))
        } catch (error) {
          settle(() => reject(error instanceof Error ? error : new Error(String(error))))
        }
      }
      const timer = setTimeout(() => settle(() => reject(new Error(`gave up waiting for ${describe()}`))), patienceMs)
      this.waiting.add(look)
      look()
    })
  }
}
