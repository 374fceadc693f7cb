/** What is wrong with a configuration: where, why, and what was probably meant. */

export interface Fault {
  /** Keys from the top: `routes.profile.policies[1].rate-limit.limit`; empty is the file as a whole. */
  readonly path: string
  /** Both count from 1; a column is a UTF-16 code unit. */
  readonly line: number
  readonly column: number
  readonly message: string
  /** The nearest valid word, when one is close. */
  readonly suggestion?: string
}

/** Map keys and list indices from the top of the file. */
export type KeyPath = ReadonlyArray<string | number>

/** More than this many at once help nobody, and bound the work that a hostile file can cause. */
const FAULTS_MAX = 100

/** Collects faults, each once, and gives them in the order of the file. */
export class FaultList {
  readonly #faults = new Map<string, Fault>()

  get size(): number {
    return this.#faults.size
  }

  add(fault: Fault): void {
    const id = `${fault.line}:${fault.column}:${fault.message}`
    if (this.#faults.size < FAULTS_MAX && !this.#faults.has(id)) this.#faults.set(id, fault)
  }

  sorted(): Fault[] {
    return [...this.#faults.values()].sort((a, b) => a.line - b.line || a.column - b.column)
  }
}

/** `['routes', 'a', 'policies', 0]` as `routes.a.policies[0]`; a key that is not one plain word as `event-types["cart.added"]`. */
export function pathText(path: KeyPath): string {
  let text = ''
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else if (/^[\w-]+$/.test(key)) text += text === '' ? key : `.${key}`
    else text += `[${JSON.stringify(key)}]`
  }
  return text
}
